import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Failure } from '@spillway/middleware'
import { isFromHere } from '../access/asked-here.ts'
import { forgetCredentials, inTheUrl, presented, problems } from '../access/client-door.ts'
import type { Client, ClientDirectory } from '../clients/client-directory.ts'
import type { ClientHash } from '../clients/client-hash.ts'
import { clientKeyPattern, clientKeyStart } from '../clients/client-key.ts'
import type { Permission } from '../clients/permissions.ts'
import { clientAddress } from '../server/gateway-request.ts'
import { callerError } from '../server/refusal.ts'
import { sendError } from './answer-json.ts'
import { type AskedLogin, type Login, type LoginSharing, openLogin } from './login.ts'
import { type AdmittedOperator, type Operator, wholeOperator } from './operator.ts'
import { neededAt } from './operator-paths.ts'
import { isOfOwnPage } from './own-page.ts'
import { presentedIds } from './session-cookie.ts'
import { type Holder, isSame, type Session, Sessions } from './sessions.ts'

export interface OperatorDoorOptions {
  /** Whether operators have to show who they are. */
  readonly admin: 'open' | 'login'
  /** Undefined where there are no clients: then there is no login, and `admin` is `open`. */
  readonly clients: Pick<ClientDirectory, 'check' | 'holderOf' | 'withHash'> | undefined
  /** Where several processes serve as one gateway. */
  readonly sharing?: LoginSharing | undefined
  /** A person whom the identity provider knows, as they are now. */
  readonly personOf?: ((subject: unknown, since: number) => Client | undefined) | undefined
  readonly hash: ClientHash | undefined
  /** The path at which people log in with the identity provider; undefined without one. */
  readonly signIn?: string | undefined
  readonly clock: Clock
  /** Notes an act in the audit log. */
  readonly note: (actor: string, action: string, details: Readonly<Record<string, unknown>>) => void
  /** Told of attempts to log in that were refused. */
  readonly log: (line: string) => void
}

/** The door of the dashboard, `/api` and `/metrics`. */
export interface OperatorDoor {
  /** Whether a path is behind this door. */
  isAt(path: string): boolean
  /**
   * Decides by a request's head, and takes what it presents out of its headers.
   * @param path without the query, exactly as it is dispatched by
   */
  admit(req: IncomingMessage, path: string): AskedLogin | Failure
  readonly login: Login
  /** Ends a response that goes on for long as soon as its operator may no longer see it. */
  endWith(operator: Operator, res: ServerResponse): void
  readonly sessions: Sessions
}

/** How often it is looked whether those who watch still may, in milliseconds. */
const watchEvery = 500

/** The header with which a page shows that it has read what only pages of the gateway can read. */
export const csrfHeader = 'x-spillway-csrf'

export function openOperatorDoor(options: OperatorDoorOptions): OperatorDoor {
  const { admin, clients, clock, personOf, sharing } = options
  const holderOf = (holder: Holder): Client | undefined => {
    if (holder.by === 'code') return wholeOperator(holder.actor)
    return holder.by === 'key' ? clients?.withHash(holder.hash) : personOf?.(holder.subject, holder.since)
  }
  const sessions = new Sessions({ clock, sharing: sharing?.sessions, holderOf })
  const isOpenTo = (req: IncomingMessage): boolean =>
    admin === 'open' && (clients === undefined || isFromHere(req))

  const identified = (req: IncomingMessage, ids: readonly string[]): AdmittedOperator | Failure => {
    const { headers } = req
    const address = clientAddress(req) ?? ''
    const key = presented(headers)
    const isKey = key?.startsWith(clientKeyStart) === true
    // A proxy's own credentials, such as those of Basic, are no key of ours, and may come with each request of a page.
    if (clients !== undefined && (isKey || (key !== undefined && ids.length === 0 && !isOpenTo(req)))) {
      const client = clients.check(key as string)
      if (typeof client === 'string') return unauthenticated(problems[client])
      const operator = {
        name: client.name,
        by: 'key',
        address,
        now: clients.holderOf(key as string),
      } as const
      return { operator, session: undefined }
    }
    const found = ids.map((id) => sessions.use(id))
    const [session, another] = found.filter((each) => each !== undefined)
    if (another !== undefined) return unauthenticated(ambiguous)
    if (session !== undefined) {
      const problem = riddenProblem(req, session)
      if (problem !== undefined) return callerError('permission', problem, 403)
      const { name, now } = session
      return { operator: { name, by: 'session', address, now }, session }
    }
    if (isOpenTo(req)) {
      const anyone = wholeOperator('anyone')
      return { operator: { name: anyone.name, by: 'open', address, now: () => anyone }, session: undefined }
    }
    return unauthenticated(ids.length > 0 ? ended : missing)
  }

  const login = openLogin({ ...options, sessions })
  const watched = new Map<ServerResponse, Operator>()
  let cancelWatch: (() => void) | undefined
  const watch = (): void => {
    cancelWatch = clock.setTimer(watchEvery, () => {
      for (const [res, { now }] of watched) if (now()?.permissions.has('admin:read') !== true) res.destroy()
      watch()
    })
  }

  return {
    sessions,
    login,
    isAt: (path) => neededAt(path) !== undefined,
    admit(req, path) {
      const isInUrl = clientKeyPattern.test(req.url ?? '')
      const ids = presentedIds(req)
      const admitted = isInUrl ? unauthenticated(inTheUrl) : identified(req, ids)
      forgetCredentials(req.headers)
      const needed = neededAt(path, req.method)
      const isKnown = !('kind' in admitted)
      if (needed === 'nothing') return { admitted: isKnown ? admitted : undefined, ids }
      if (!isKnown) return admitted
      const client = admitted.operator.now()
      if (client === undefined || needed === undefined) return unauthenticated(ended)
      return lacking(client, needed) ?? { admitted, ids }
    },
    endWith(operator, res) {
      if (operator.by === 'open') return
      watched.set(res, operator)
      if (cancelWatch === undefined) watch()
      res.on('close', () => {
        watched.delete(res)
        if (watched.size > 0) return
        cancelWatch?.()
        cancelWatch = undefined
      })
    },
  }
}

/** Refuses in the words of `/api`. */
export function refuseOperator(res: ServerResponse, { status = 401, message }: Failure): void {
  sendError(res, status, message, status === 401 ? { 'www-authenticate': 'Bearer realm="spillway"' } : {})
}

function lacking({ name, permissions }: Client, needed: Permission): Failure | undefined {
  if (permissions.has(needed)) return undefined
  return callerError('permission', `${name} lacks the permission ${needed}`, 403)
}

/** Why a request with a cookie may be one that its user knows nothing of; undefined where it is of a page of this gateway. */
function riddenProblem(req: IncomingMessage, { csrf }: Session): string | undefined {
  if (!isOfOwnPage(req)) return 'a page of another origin has sent this request with the cookie of this one'
  const isRead = req.method === 'GET' || req.method === 'HEAD'
  if (isRead || isSame(req.headers[csrfHeader], csrf)) return undefined
  return `with a cookie, an act needs the header ${csrfHeader}, as GET /api/login tells it; reload the page`
}

const missing =
  'log in at the dashboard, or send the key of a client that may do this as Authorization: Bearer or x-api-key'
const ended = 'this session has ended: log in again'
const ambiguous = 'two sessions came with one request: log out, or remove the cookies of this site'

const unauthenticated = (message: string): Failure => callerError('authentication', message, 401)
