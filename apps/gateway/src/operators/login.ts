import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@spillway/middleware'
import type { Client, ClientDirectory } from '../clients/client-directory.ts'
import type { ClientHash } from '../clients/client-hash.ts'
import { clientAddress } from '../server/gateway-request.ts'
import { sendError, sendJson } from './answer-json.ts'
import { readJsonBody } from './json-body.ts'
import { loginCodes } from './login-code.ts'
import { LoginLimit } from './login-limit.ts'
import { type AdmittedOperator, operatorPermissions, wholeOperator } from './operator.ts'
import { loginPaths } from './operator-paths.ts'
import { isOfOwnPage } from './own-page.ts'
import { setCookie } from './session-cookie.ts'
import type { Holder, SessionSharing, Sessions } from './sessions.ts'

/** Makes logins at one process known to all of a gateway. */
export interface LoginSharing {
  readonly sessions: SessionSharing
  /** Whether a code was not taken before, by any of them. */
  claim(code: string, ms: number): Promise<boolean>
  /** Tells of an attempt, as {@link LoginLimit} counts it. */
  failed(address: string): void
  succeeded(address: string): void
  /** Calls back with the attempts at others. */
  follow(heard: { failed(address: string): void; succeeded(address: string): void }): void
}

export interface LoginOptions {
  readonly admin: 'open' | 'login'
  readonly clients: Pick<ClientDirectory, 'check' | 'holderOf'> | undefined
  readonly hash: ClientHash | undefined
  readonly sessions: Sessions
  /** Where several processes serve as one gateway. */
  readonly sharing?: LoginSharing | undefined
  /** The path at which people log in with the identity provider; undefined without one. */
  readonly signIn?: string | undefined
  readonly clock: Clock
  readonly note: (actor: string, action: string, details: Readonly<Record<string, unknown>>) => void
  /** Told of attempts that were refused. */
  readonly log: (line: string) => void
}

/** Logs in and out, and says who is logged in. */
export interface Login {
  /**
   * Answers at {@link loginPaths}; false at all other paths.
   */
  answer(req: IncomingMessage, res: ServerResponse, path: string, asked: AskedLogin): boolean
  /** Opens a session for someone who has shown elsewhere who they are. @returns the header `set-cookie` */
  open(req: IncomingMessage, name: string, current: () => Client | undefined, holder: Holder): string
}

/** What came with a request, which is no longer in its headers. */
export interface AskedLogin {
  readonly admitted: AdmittedOperator | undefined
  readonly ids: readonly string[]
}

/** How often it is noted that attempts are held up, in milliseconds. */
const noteEvery = 60_000

/** The same for every key, so that an answer says of none whether it exists. */
const refusal =
  'this does not open the dashboard: the key is mistyped, unknown, revoked or expired, or its client lacks the permission admin:read ("spillway clients show NAME" tells); a link works once, within two minutes'

export function openLogin(options: LoginOptions): Login {
  const { admin, clients, hash, sessions, sharing, signIn, clock, note, log } = options
  const limit = new LoginLimit({ clock })
  sharing?.follow({
    failed: (address) => limit.failed(address),
    succeeded: (address) => limit.succeeded(address),
  })
  const codes = hash && loginCodes(hash, clock, sharing?.claim)
  let notedAt = Number.NEGATIVE_INFINITY

  const heldUp = (from: string): void => {
    if (clock.now() < notedAt + noteEvery) return
    notedAt = clock.now()
    note('nobody', 'login.throttled', { subject: 'dashboard', from })
    log(`too many failed logins: attempts have to wait, of ${from} among others`)
  }

  const open = (req: IncomingMessage, name: string, current: () => Client | undefined, holder: Holder) => {
    const { id, session, known } = sessions.open(name, current, holder)
    return { session, cookie: setCookie(req, id), known }
  }

  /** Who a key or a code belongs to; a text that says why it is refused. */
  const holderOf = async (
    body: Readonly<Record<string, unknown>>,
  ): Promise<{ name: string; current: () => Client | undefined; holder: Holder } | string> => {
    const { key, code } = body
    if (typeof code === 'string') {
      const actor = await codes?.use(code)
      if (actor === undefined) return 'the code is wrong, used or too old'
      const client = wholeOperator(actor)
      return { name: actor, current: () => client, holder: { by: 'code', actor } }
    }
    if (typeof key !== 'string') return 'neither a key nor a code'
    const given = key.trim()
    const client = clients?.check(given) ?? 'unknown'
    if (typeof client === 'string') return `the key is ${client}`
    if (!client.permissions.has('admin:read')) return `${client.name} lacks admin:read`
    return {
      name: client.name,
      current: clients?.holderOf(given) ?? (() => undefined),
      holder: { by: 'key', hash: hash?.of(given) ?? '' },
    }
  }

  const logIn = async (req: IncomingMessage, res: ServerResponse, ids: readonly string[]): Promise<void> => {
    const from = clientAddress(req) ?? ''
    if (admin === 'open') return sendError(res, 404, 'no login is asked for here: server.admin is open')
    if (!isOfOwnPage(req)) return sendError(res, 403, 'a page of another origin cannot log in')
    const wait = limit.wait(from)
    if (wait > 0) {
      heldUp(from)
      const seconds = Math.ceil(wait / 1_000)
      return sendError(res, 429, `too many attempts: try again in ${seconds} s`, {
        'retry-after': String(seconds),
      })
    }
    // Before the body arrives: attempts that are made at once count as they come.
    limit.failed(from)
    sharing?.failed(from)
    const read = await readJsonBody(req, res, clock)
    if ('status' in read) return sendError(res, read.status, read.message)
    const holder = await holderOf(read.body)
    if (typeof holder === 'string') {
      note('nobody', 'login.refused', { subject: 'dashboard', from, why: holder })
      log(`a login to the dashboard from ${from} was refused: ${holder}`)
      return sendError(res, 401, refusal)
    }
    limit.succeeded(from)
    sharing?.succeeded(from)
    // Never an id that the browser brought.
    for (const id of ids) sessions.end(id)
    const { session, cookie, known } = open(req, holder.name, holder.current, holder.holder)
    // The next request of the page may come to another process.
    await known
    note(holder.name, 'login.accepted', { subject: 'dashboard', from })
    const operator = { name: holder.name, by: 'session', address: from, now: session.now } as const
    sendJson(res, 200, viewOf({ operator, session }), { 'set-cookie': cookie })
  }

  const viewOf = (admitted: AdmittedOperator | undefined): object => {
    if (admitted === undefined) return { login: true, operator: null, ...(signIn && { signIn }) }
    const { operator, session } = admitted
    const { name, by, now } = operator
    const permissions = operatorPermissions.filter((each) => now()?.permissions.has(each))
    const { csrf = null, endsAt = null } = session ?? {}
    return { login: admin === 'login', operator: { name, by, permissions, csrf, endsAt } }
  }

  const logOut = (req: IncomingMessage, res: ServerResponse, { admitted, ids }: AskedLogin): void => {
    if (!isOfOwnPage(req)) return sendError(res, 403, 'a page of another origin cannot log out')
    for (const id of ids) sessions.end(id)
    if (admitted?.session !== undefined) {
      const { name, address } = admitted.operator
      note(name, 'logout', { subject: 'dashboard', from: address })
    }
    sendJson(res, 200, { login: admin === 'login', operator: null }, { 'set-cookie': setCookie(req, '') })
  }

  return {
    open: (req, name, current, holder) => open(req, name, current, holder).cookie,
    answer(req, res, path, asked) {
      if (path !== loginPaths.login && path !== loginPaths.logout) return false
      const { method } = req
      if (path === loginPaths.login && method === 'POST') {
        logIn(req, res, asked.ids).catch(() => sendError(res, 500, 'the gateway failed'))
        return true
      }
      if (path === loginPaths.logout && method === 'POST') logOut(req, res, asked)
      else if (path === loginPaths.login && (method === 'GET' || method === 'HEAD'))
        sendJson(res, 200, viewOf(asked.admitted))
      else wrongMethod(res, path === loginPaths.logout ? 'POST' : 'GET, HEAD, POST')
      req.resume()
      return true
    },
  }
}

function wrongMethod(res: ServerResponse, allow: string): void {
  sendError(res, 405, `use ${allow} here`, { allow })
}
