import type { Clock } from '@spillway/middleware'
import { checkedSource } from './checked-source.ts'
import { guardedLoad } from './guarded-load.ts'

/** A secret and how long it is good for. */
export interface AccessToken {
  readonly value: string
  /** Milliseconds since the Unix epoch; undefined when it does not expire. */
  readonly expiresAt?: number | undefined
  /**
   * Gives the secret back: whoever sent it calls this once, when the attempt is over. For sources that change their
   * secrets and wait until the old one is out of use.
   */
  readonly release?: (() => void) | undefined
}

/** Where secrets come from that change over time. */
export interface TokenSource {
  /** The secret for one attempt. */
  token(clock: Clock): AccessToken | Promise<AccessToken>
  /** The upstream has refused this secret: do not give it again if there is a way to another. */
  refused(value: string): void
}

/** A fixed secret, a function that knows it, or a source whose secrets expire. */
export type Credential = string | (() => string | Promise<string>) | TokenSource

/**
 * Says that a client passes on whatever credential its caller presents, also where it is the fallback of another target
 * or the candidate of a mirror.
 */
export const callerCredential: unique symbol = Symbol.for('spillway.callers-credential')

export interface RefreshingTokenOptions {
  /**
   * Gets a new token, for instance from an OAuth token endpoint. Never called twice at a time; given up on after 30 s, when
   * `signal` aborts; after a failure not called for a second, doubling up to a minute.
   */
  readonly refresh: (signal: AbortSignal) => Promise<AccessToken>
  /**
   * How long before its expiry a token is replaced, in milliseconds, 0 or more; at most half of the time that it had left when it
   * was obtained. Calls go on with the old one.
   * @default 60000
   */
  readonly refreshAhead?: number | undefined
  /** A token to begin with. */
  readonly initial?: AccessToken | undefined
}

/**
 * When the upstream refuses a token, and so soon after it was obtained the one that replaced it, the refresh counts as
 * failed; in milliseconds.
 */
const refusedAtOnce = 10_000

/**
 * A token that has expired by the clock here when it comes is used nevertheless for so long, in milliseconds: this clock may be
 * wrong, and who gives out tokens must not be asked with every call.
 */
const leastUse = 5_000

/**
 * A token that is refreshed before it expires and once after the upstream has refused it. However many calls
 * ask, one refresh runs at a time.
 */
export function refreshingToken(options: RefreshingTokenOptions): TokenSource {
  const { refresh, refreshAhead = 60_000 } = options
  let current = options.initial
  let obtainedAt = -Infinity
  let lastClock: Clock | undefined
  /** Whether `current` was obtained in place of one that the upstream had refused. */
  let isReplacement = false
  let wasRefused = false
  /** Whoever gives out a token that expires soon may have no other yet: it is not asked with every call. */
  let ahead = refreshAhead
  const load = guardedLoad(refresh)

  const renew = async (clock: Clock): Promise<AccessToken> => {
    const fresh = await load.run(clock)
    if (fresh !== current) {
      ahead = Math.min(refreshAhead, ((fresh.expiresAt ?? Infinity) - clock.epoch()) / 2)
      obtainedAt = clock.now()
      isReplacement = wasRefused
      wasRefused = false
    }
    current = fresh
    return fresh
  }

  return {
    token(clock) {
      lastClock = clock
      const left = current === undefined ? 0 : (current.expiresAt ?? Infinity) - clock.epoch()
      const isNew = clock.now() - obtainedAt < leastUse
      if (current === undefined || (left <= 0 && !isNew)) return renew(clock)
      // A failure here shows when the token has expired and the next call needs the answer.
      if (left <= ahead && !isNew) renew(clock).catch(() => {})
      return current
    },
    refused(value) {
      if (current?.value !== value) return
      current = undefined
      wasRefused = true
      if (lastClock === undefined || !isReplacement) return
      if (lastClock.now() - obtainedAt < refusedAtOnce) load.disappoint(lastClock)
    },
  }
}

/**
 * Any credential as a source, whose secrets are trimmed and can be sent. A fixed secret stays what it is, even when it is
 * refused.
 */
export function tokenSource(credential: Credential): TokenSource {
  return checkedSource(uncheckedSource(credential))
}

function uncheckedSource(credential: Credential): TokenSource {
  if (typeof credential === 'object') return credential
  if (typeof credential === 'string') {
    const token = { value: credential }
    return { token: () => token, refused: () => {} }
  }
  const load = guardedLoad(async () => ({ value: await credential() }))
  return { token: (clock) => load.run(clock), refused: () => {} }
}
