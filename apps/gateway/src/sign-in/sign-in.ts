import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client } from '../clients/client-directory.ts'
import type { Subject } from '../identity/claims.ts'
import { IdentityProviderError } from '../identity/discovery.ts'
import { openBrowserLogin } from './browser-login.ts'
import { away, failed, sendJson } from './json-answer.ts'
import { sendPage, tellPage } from './pages.ts'
import { openProgramEndpoints } from './program-endpoints.ts'
import { protocol } from './protocol.ts'
import type { SignInOptions } from './sign-in-options.ts'
import { isOfSignIn, signInPaths as paths } from './sign-in-paths.ts'

/** What people sign in by: Claude Code with a code, operators at the dashboard. */
export interface SignIn {
  /** Whether a path is answered here without a credential. */
  isAt(path: string): boolean
  /** Answers at one of these paths. */
  answer(req: IncomingMessage, res: ServerResponse, path: string): Promise<void>
  /** Who has logged in to the dashboard at a time, as they are now. */
  personOf(subject: unknown, since: number): Client | undefined
  /** Answers `GET /managed/settings` for a client. */
  answerSettings(req: IncomingMessage, res: ServerResponse, client: Client): void
}

export function openSignIn(options: SignInOptions): SignIn {
  const { grants, isSignedOut, log } = options
  const personOf = (subject: unknown, since: number): Client | undefined => {
    const now = grants(subject as Subject)
    return 'problem' in now || isSignedOut(now.client.name, since) ? undefined : now.client
  }

  const { discovery, forms: programs } = openProgramEndpoints(options)
  const pages = openBrowserLogin(options, personOf)

  const allowedAt = (path: string): readonly string[] =>
    path === paths.device
      ? ['GET', 'HEAD', 'POST']
      : path in programs || path === paths.confirm
        ? ['POST']
        : ['GET', 'HEAD']

  return {
    isAt: isOfSignIn,
    personOf,
    async answer(req, res, path) {
      const methods = allowedAt(path)
      if (!methods.includes(req.method ?? '')) {
        req.resume()
        return sendJson(
          res,
          failed(405, 'invalid_request', `use ${methods.join(', ')} here`, { allow: methods.join(', ') }),
        )
      }
      try {
        if (path === paths.discovery) return sendJson(res, { status: 200, body: discovery(req) })
        if (path === paths.protocol) return sendJson(res, { status: 200, body: protocol })
        const program = programs[path]
        if (program !== undefined) return sendJson(res, await program(req))
        await pages[path]?.(req, res)
      } catch (error) {
        const isAway = error instanceof IdentityProviderError
        log(`a sign-in failed: ${isAway ? error.message : ((error as Error)?.stack ?? String(error))}`)
        if (path in programs) return sendJson(res, away)
        const text = isAway
          ? 'The identity provider does not answer. Try again in a moment; those who run this gateway find why in its log.'
          : 'The gateway could not do this now. Try again in a moment.'
        sendPage(res, tellPage('Signing in does not work now', text, 503), { 'retry-after': '10' })
      }
    },
    answerSettings(req, res, client) {
      const settings = options.settingsOf(client)
      if (settings === undefined)
        return sendJson(res, failed(404, 'not_found', `there are no managed settings for ${client.name}`))
      const { body, etag } = settings
      const headers = { etag, 'cache-control': 'private, no-cache', vary: 'authorization' }
      if (asTags(req.headers['if-none-match']).includes(etag)) return void res.writeHead(304, headers).end()
      res.writeHead(200, { ...headers, 'content-type': 'application/json', 'content-length': body.length })
      res.end(body)
    },
  }
}

const asTags = (header = ''): readonly string[] =>
  header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
