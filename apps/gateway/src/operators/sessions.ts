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
}

/** The defaults of {@link SessionOptions}. */
export const sessionDefaults: Required<Omit<SessionOptions, 'clock'>> = {
  longest: 12 * 3_600_000,
  idle: 2 * 3_600_000,
  perClient: 20,
  most: 1_000,
}

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
}

interface Kept extends Session {
  usedAt: number
  isEnded: boolean
}

/** The sessions of the dashboard, in memory: a restart of the gateway ends them all. */
export class Sessions {
  readonly #options: Required<SessionOptions>
  /** By a digest of their ids, the oldest first: how long a look-up takes says nothing about an id. */
  readonly #kept = new Map<string, Kept>()

  constructor(options: SessionOptions) {
    this.#options = { ...sessionDefaults, ...options }
  }

  /** @param current who it is for, asked with each request; undefined ends the session */
  open(name: string, current: () => Client | undefined): Opened {
    const { clock, longest, idle } = this.#options
    const id = randomBytes(32).toString('base64url')
    const now = clock.epoch()
    const kept: Kept = {
      ...{ name, csrf: randomBytes(32).toString('base64url') },
      ...{ endsAt: now + longest, usedAt: now, isEnded: false },
      now: () => {
        const at = clock.epoch()
        if (kept.isEnded || at >= kept.endsAt || at >= kept.usedAt + idle) return undefined
        const client = current()
        // Whoever lost the permission once logs in again.
        if (client?.permissions.has('admin:read') !== true) kept.isEnded = true
        return kept.isEnded ? undefined : client
      },
    }
    this.#makeSpace(name)
    this.#kept.set(digestOf(id), kept)
    return { id, session: kept }
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
    return kept
  }

  end(id: string): void {
    const digest = digestOf(id)
    const kept = this.#kept.get(digest)
    if (kept !== undefined) kept.isEnded = true
    this.#kept.delete(digest)
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
    victim[1].isEnded = true
    this.#kept.delete(victim[0])
  }
}

const digestOf = (id: string): string => hash('sha256', id, 'base64')

/** Compares in a time that says nothing about where they differ. */
export function isSame(given: unknown, expected: string): boolean {
  if (typeof given !== 'string' || given.length !== expected.length) return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
