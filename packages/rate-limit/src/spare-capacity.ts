import type { Clock } from '@spillway/middleware'
import type { Admission, Lease } from './admission.ts'
import { type Cost, type WindowName, windows } from './limits.ts'

/** How much of each limit shadow calls may use, together with all others. */
const share = 0.5

/**
 * Admits a shadow call (`context.isShadow`): only where half of each limit, of the vendor's too where it has
 * told, stays free with it. Answers as `tryAcquire` does.
 */
export function acquireSpare(
  limiter: Admission,
  cost: Cost,
  clock: Pick<Clock, 'now'>,
): Lease | undefined | Promise<Lease | undefined> {
  const now = clock.now()
  if (!leavesHalf(limiter, now, cost)) return undefined
  const answer = limiter.tryAcquire(cost, now)
  if (!(answer instanceof Promise)) return answer
  return answer.then((lease) => {
    if (lease === undefined || leavesHalf(limiter, clock.now(), undefined)) return lease
    // What was known before is old: others have taken more meanwhile.
    lease.settle(undefined, clock.now())
    return undefined
  })
}

/** @param cost of the call; undefined where it is counted already */
function leavesHalf(limiter: Admission, now: number, cost: Cost | undefined): boolean {
  const { concurrency, ...meters } = limiter.headroom(now)
  const more = cost === undefined ? 0 : 1
  if (concurrency !== undefined && concurrency.used + more > concurrency.limit * share) return false
  for (const [name, { used, limit }] of Object.entries(meters)) {
    if (used + amountOf(name as WindowName, cost) > limit * share) return false
  }
  if (cost === undefined) return true
  for (const { group, vendor } of limiter.groups(now)) {
    if (group !== (cost.group ?? '')) continue
    for (const { name, limit, remaining } of vendor) {
      if (limit !== undefined && remaining - amountOf(name, cost) < limit * (1 - share)) return false
    }
  }
  return true
}

function amountOf(name: WindowName, cost: Cost | undefined): number {
  return cost === undefined ? 0 : windows[name].of(cost)
}
