import type { Admission, Beside, Headroom } from './admission.ts'
import type { Cost } from './limits.ts'
import type { Waiter } from './waiting-call.ts'

/** The part of its patience after which a call is passed only by what does not delay it. */
const spentPatience = 0.9

/** The part of its patience for which a call can be passed that waits for others to settle. */
const hopefulPatience = 1 / 3

/**
 * How the first one of a group can be passed; undefined where it cannot.
 * @param ageing by how much calls that pass it may put it off together, in milliseconds
 */
export function passable(first: Waiter, limiter: Admission, ageing: number): Beside | undefined {
  const { cost, clock, since, patience } = first
  const now = clock.now()
  const wait = limiter.timeUntil(cost, now)
  // It lacks only a place, as all others do.
  if (wait === 0) return undefined
  const sureAt = now + wait
  first.sureAt = Math.min(first.sureAt, sureAt)
  if (sureAt <= since + patience) {
    const latest = Math.min(first.sureAt + ageing, Math.max(sureAt, since + patience * spentPatience))
    // A millisecond for sums of fractions.
    return latest + 1 < sureAt ? undefined : { cost, by: Math.max(latest, sureAt) + 1, isHoping: false }
  }
  // It has no hope, so that there is nothing to put off.
  if (now + limiter.soonest(cost, now) > since + patience) return { cost, by: Infinity, isHoping: false }
  first.passedSince ??= now
  const isOver = now >= first.passedSince + Math.min(ageing, patience * hopefulPatience)
  return isOver ? undefined : { cost, by: since + patience, isHoping: true }
}

/** What a call may take, of both kinds of tokens. */
export function sizeOf({ cost }: Waiter): number {
  return cost.inputTokens + cost.outputTokens
}

/** Whether a call fits into what is free. */
export function isWithin({ inputTokens, outputTokens }: Cost, free: ReturnType<typeof freeOf>): boolean {
  return free !== undefined && inputTokens <= free.inputTokens && outputTokens <= free.outputTokens
}

/** The tokens that calls may take which pass another one; undefined where there is no request or place for any. */
export function freeOf(headroom: Headroom): Pick<Cost, 'inputTokens' | 'outputTokens'> | undefined {
  const free = (name: keyof Headroom): number => {
    const { used = 0, limit = Infinity } = headroom[name] ?? {}
    return limit - used
  }
  // One place is for the call that is passed.
  if (Math.min(free('requestsPerMinute'), free('requestsPerSecond'), free('concurrency') - 1) < 1)
    return undefined
  return { inputTokens: free('inputTokensPerMinute'), outputTokens: free('outputTokensPerMinute') }
}
