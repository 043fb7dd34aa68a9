import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '@spillway/middleware'
import type { Client } from '../clients/client-directory.ts'

export interface SessionOptions {
  readonly clock: Pick<Clock, 'epoch'>
  /** How long one lasts at most, in milliseconds. @default 12 hours */
  readonly longest?: number
  /** How long one lasts without a request, in milliseconds. @default 2 hours */
  readonly idle?: number
  /** Of one client; the oldest ends for another one. @default 20 */
  readonly perClient?: number
  /** In all; the same. @default 1000 */
  readonly most?: number
  /** Where several processes serve as one gateway. */
  readonly sharing?: SessionSharing | undefined
  /** Who a holder is now: asked for sessions that another process has opened. */
  readonly holderOf?: ((holder: Holder) => Client | undefined) | undefined
}

/** The defaults of {@link SessionOptions}. */
export const sessionDefaults: Required<Omit<SessionOptions, 'clock' | 'sharing' | 'holderOf'>> = {
  longest: 12 * 3_600_000,
  idle: 2 * 3_600_000,
  perClient: 20,
  most: 1_000,
}

/** Whose a session is, as other processes of the gateway can find out too. */
export type Holder =
  /** Whoever has a key with this hash. */
  | { readonly by: 'key'; readonly hash: string }
  /** A user of the gateway's machine. */
  | { readonly by: 'code'; readonly actor: string }
  /** A person whom the identity provider knows. */
  | { readonly by: 'oidc'; readonly subject: unknown; readonly since: number }

/** A session, as processes of one gateway tell each other of it. */
export interface SharedSession {
  /** Of its id. */
  readonly digest: string
  readonly name: string
  readonly csrf: string
  readonly endsAt: number
  readonly usedAt: number
  readonly holder: Holder
}

/** Makes the sessions of one process those of all. */
export interface SessionSharing {
  /** Resolves when all others know of it, or do not answer. */
  opened(session: SharedSession): Promise<void>
  used(digest: string, at: number): void
  ended(digest: string): void
  /** Calls back with what others tell, and at first with all that there are. */
  follow(heard: {
    opened(session: SharedSession): void
    used(digest: string, at: number): void
    ended(digest: string): void
  }): void
}

/** How often others are told that a session is used, in milliseconds. */
const tellUseEvery = 60_000

/** Someone who has logged in. */
export interface Session {
  readonly name: string
  /** What a page has to send with each act; pages of other sites cannot read it. */
  readonly csrf: string
  readonly endsAt: number
  /** The client as it is now; undefined once the session has ended. */
  readonly now: () => Client | undefined
}

/** A new session, and what its cookie holds. */
export interface Opened {
  readonly id: string
  readonly session: Session
  /** Resolves when all processes of the gateway know of it. */
  readonly known: Promise<void>
}

interface Kept extends Session {
  usedAt: number
  /** When others were last told that it is used. */
  toldAt: number
  isEnded: boolean
}

/** The sessions of the dashboard, in memory, of all workers where there are several: a restart of the gateway ends them all. */
export class Sessions {
  readonly #options: Required<Omit<SessionOptions, 'sharing' | 'holderOf'>>
  readonly #sharing: SessionSharing | undefined
  /** By a digest of their ids, the oldest first: how long a look-up takes says nothing about an id. */
  readonly #kept = new Map<string, Kept>()

  constructor({ sharing, holderOf = () => undefined, ...options }: SessionOptions) {
    this.#options = { ...sessionDefaults, ...options }
    this.#sharing = sharing
    sharing?.follow({
      opened: (session) => this.#keep(session, () => holderOf(session.holder)),
      used: (digest, at) => {
        const kept = this.#kept.get(digest)
        if (kept !== undefined) kept.usedAt = Math.max(kept.usedAt, at)
      },
      ended: (digest) => this.#drop(digest),
    })
  }

  /**
   * @param current who it is for, asked with each request; undefined ends the session
   * @param holder the same for other processes of the gateway
   */
  open(name: string, current: () => Client | undefined, holder: Holder): Opened {
    const { clock, longest } = this.#options
    const id = randomBytes(32).toString('base64url')
    const now = clock.epoch()
    const shared: SharedSession = {
      ...{ digest: digestOf(id), name, csrf: randomBytes(32).toString('base64url') },
      ...{ endsAt: now + longest, usedAt: now, holder },
    }
    this.#makeSpace(name)
    const session = this.#keep(shared, current)
    return { id, session, known: this.#sharing?.opened(shared) ?? Promise.resolve() }
  }

  #keep({ digest, name, csrf, endsAt, usedAt }: SharedSession, current: () => Client | undefined): Session {
    const { clock, idle } = this.#options
    const kept: Kept = {
      ...{ name, csrf, endsAt, usedAt, toldAt: usedAt, isEnded: false },
      now: () => {
        const at = clock.epoch()
        if (kept.isEnded || at >= kept.endsAt || at >= kept.usedAt + idle) return undefined
        const client = current()
        // Whoever lost the permission once logs in again.
        if (client?.permissions.has('admin:read') !== true) kept.isEnded = true
        return kept.isEnded ? undefined : client
      },
    }
    this.#kept.set(digest, kept)
    return kept
  }

  /** The session of an id that has not ended, which counts as used. */
  use(id: string): Session | undefined {
    const digest = digestOf(id)
    const kept = this.#kept.get(digest)
    if (kept === undefined) return undefined
    if (kept.now() === undefined) {
      this.#kept.delete(digest)
      return undefined
    }
    kept.usedAt = this.#options.clock.epoch()
    if (kept.usedAt >= kept.toldAt + tellUseEvery) {
      kept.toldAt = kept.usedAt
      this.#sharing?.used(digest, kept.usedAt)
    }
    return kept
  }

  end(id: string): void {
    const digest = digestOf(id)
    if (this.#drop(digest)) this.#sharing?.ended(digest)
  }

  #drop(digest: string): boolean {
    const kept = this.#kept.get(digest)
    if (kept !== undefined) kept.isEnded = true
    return this.#kept.delete(digest)
  }

  get size(): number {
    return this.#kept.size
  }

  #makeSpace(name: string): void {
    const { perClient, most } = this.#options
    const own = [...this.#kept].filter(([, kept]) => kept.name === name)
    const oldest = own.length >= perClient ? own[0] : undefined
    const victim = oldest ?? (this.#kept.size >= most ? [...this.#kept][0] : undefined)
    if (victim === undefined) return
    this.#drop(victim[0])
    this.#sharing?.ended(victim[0])
  }
}

const digestOf = (id: string): string => hash('sha256', id, 'base64')

/** Compares in a time that says nothing about where they differ. */
export function isSame(given: unknown, expected: string): boolean {
  if (typeof given !== 'string' || given.length !== expected.length) return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
