import type { Clock } from '@spillway/middleware'
import type { LimitStore } from '@spillway/rate-limit'
import { released } from './limits-protocol.ts'
import type { PrimaryLink } from './primary-link.ts'
import { remoteLimiter } from './remote-limiter.ts'

/** Limits that the primary counts for all workers. */
export function remoteLimits(
  link: PrimaryLink,
  {
    processes,
    clock,
    numbers = { next: 0 },
  }: {
    readonly processes: number
    readonly clock: Clock
    /** Those that this channel has used for limits and leases. */
    readonly numbers?: { next: number }
  },
): LimitStore {
  const next = (): number => ++numbers.next
  const listeners = new Map<number, () => void>()
  link.channel.hear(released, ([key]) => listeners.get(key)?.())
  return {
    open: (name, limits, rules = {}) =>
      remoteLimiter({
        ...{ link, name, processes, clock, next },
        limits: onlyLimits(limits),
        rules: rules.maxRetryAfter === undefined ? {} : { maxRetryAfter: rules.maxRetryAfter },
        onReleased(key, listener) {
          listeners.set(key, listener)
          return () => listeners.delete(key)
        },
      }),
  }
}

/** Options beside the limits may hold functions, which cannot be sent. */
function onlyLimits({
  requestsPerSecond,
  requestsPerMinute,
  inputTokensPerMinute,
  outputTokensPerMinute,
  concurrency,
}: Parameters<LimitStore['open']>[1]): Parameters<LimitStore['open']>[1] {
  const all = {
    requestsPerSecond,
    requestsPerMinute,
    inputTokensPerMinute,
    outputTokensPerMinute,
    concurrency,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
