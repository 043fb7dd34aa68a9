import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Signs the sessions of this machine, as the gateway would after a sign-in. */
export const sessionSecret = 'this machine signs its own sessions with this secret'

/** A session as the gateway would have given it after a sign-in. */
export function sessionToken(issuer: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1_000)
  const email = 'benchmark@example.com'
  const claims = {
    sub: 'benchmark',
    email,
    groups: [],
    iss: issuer,
    aud: 'claude-gateway',
    iat: now,
    exp: now + 12 * 3_600,
  }
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', sessionSecret).update(signed).digest('base64url')}`
}

/** What the gateway looks for at its start; no user signs in. */
export async function identityProvider(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((req, res) => {
    const url = `http://${req.headers.host}`
    const metadata = {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(req.url === '/jwks' ? { keys: [] } : metadata))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** Installs a release of Claude Code from npm, where it is not there yet. */
export function installClaude(release: string): { readonly binary: string; readonly folder: string } {
  const folder = join(tmpdir(), `fault-book-claude-${release}`)
  const scope = join(folder, 'node_modules/@anthropic-ai')
  const found = (): string | undefined =>
    existsSync(scope)
      ? readdirSync(scope)
          .map((name) => join(scope, name, 'claude'))
          .find((path) => path.includes('claude-code-') && existsSync(path))
      : undefined
  const installed = found()
  if (installed !== undefined) return { binary: installed, folder }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund']
  const args = ['install', ...flags, `@anthropic-ai/claude-code@${release}`]
  const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
  const binary = status === 0 ? found() : undefined
  if (binary === undefined) throw new Error(`Claude Code could not be installed: ${stderr}`)
  return { binary, folder }
}
