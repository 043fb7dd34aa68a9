import type { Clock } from '@spillway/middleware'
import { type Beside, type Cost, type Lease, Limiter, type WindowName } from '@spillway/rate-limit'
import type { Channel } from './channel.ts'
import {
  type Admitted,
  acquire,
  awaited,
  closeLimits,
  learn,
  observe,
  openAgain,
  openLimits,
  readCost,
  released,
  type SentBeside,
  settle,
  shut,
  spent,
  windowsOf,
} from './limits-protocol.ts'

/** The limits of one key, which several workers use. */
interface Hosted {
  readonly limiter: Limiter
  readonly windows: readonly WindowName[]
  users: number
}

/** What one worker holds of them. */
interface Held {
  readonly hosted: Hosted
  readonly lease: Lease
  readonly cost: Cost
}

/** Keys that no worker uses below which those that limit nobody are not looked for. */
const fewUnused = 1_000

/** Limits in the memory of the primary. */
export interface LimitsHost {
  /** Answers a worker. What it holds is given back when its channel closes. */
  serve(channel: Channel): void
  /** Limits that are kept, used or not. */
  readonly size: number
}

export function limitsHost(clock: Clock): LimitsHost {
  const all = new Map<string, Hosted>()
  let sweepAt = fewUnused

  const open = (id: string, make: () => Hosted): Hosted => {
    let hosted = all.get(id)
    if (hosted === undefined) {
      hosted = make()
      if (all.size >= sweepAt) sweep()
      all.set(id, hosted)
    }
    hosted.users++
    return hosted
  }

  /** What limits nobody can be forgotten. */
  const sweep = (): void => {
    const now = clock.now()
    for (const [id, { users, limiter }] of all) if (users === 0 && limiter.isIdle(now)) all.delete(id)
    sweepAt = Math.max(fewUnused, 2 * all.size)
  }

  return {
    get size() {
      return all.size
    },
    serve(channel) {
      const keys = new Map<number, Hosted>()
      const leases = new Map<number, Held>()
      const waiting = new Map<number, () => void>()

      const stopWaiting = (key: number): void => {
        waiting.get(key)?.()
        waiting.delete(key)
      }
      /** Told once a tick, however many calls end in it. */
      const tellReleases = (key: number, limiter: Limiter): (() => void) => {
        let isTold = false
        return limiter.onRelease(() => {
          if (isTold) return
          isTold = true
          setImmediate(() => {
            isTold = false
          })
          channel.tell(released, [key])
        })
      }
      const letGo = (key: number): void => {
        const hosted = keys.get(key)
        keys.delete(key)
        stopWaiting(key)
        if (hosted !== undefined) hosted.users--
      }

      channel.hear(openLimits, ([key, name, limits, rules]) => {
        // Limits that have changed begin again, as in one process. While workers are replaced, some still count by the old ones.
        const id = JSON.stringify([name, limits, rules])
        keys.set(
          key,
          open(id, () => ({ limiter: new Limiter(limits, rules), windows: windowsOf(limits), users: 0 })),
        )
      })
      channel.answer(acquire, ([key, number, sent, beside]): Admitted => {
        const hosted = keys.get(key)
        if (hosted === undefined) throw new Error(`limits ${key} are not open`)
        const { limiter } = hosted
        const now = clock.now()
        const cost = readCost(sent)
        const lease = limiter.tryAcquire(cost, now, beside && besideOf(beside, now))
        if (lease !== undefined) leases.set(number, { hosted, lease, cost })
        return { isAdmitted: lease !== undefined, ...stateOf(hosted, cost, lease === undefined, now) }
      })
      channel.hear(settle, ([number, inputTokens, outputTokens]) => {
        const held = leases.get(number)
        leases.delete(number)
        const actual =
          inputTokens === undefined ? undefined : { inputTokens, outputTokens: outputTokens ?? 0 }
        held?.lease.settle(actual, clock.now())
      })
      channel.hear(observe, ([number, answer]) => leases.get(number)?.lease.observe?.(answer, clock.now()))
      channel.hear(shut, ([key, ms, group]) => {
        const now = clock.now()
        keys.get(key)?.limiter.closeUntil(now + ms, now, group)
      })
      channel.hear(openAgain, ([key]) => keys.get(key)?.limiter.open())
      channel.hear(learn, ([key, name, vendor, group]) =>
        keys.get(key)?.limiter.learn(name, vendor, clock.now(), group),
      )
      channel.hear(spent, ([key, group, calls, inputTokens, outputTokens]) =>
        keys.get(key)?.limiter.spend({ calls, inputTokens, outputTokens }, clock.now(), group),
      )
      channel.hear(awaited, ([key, isAwaited]) => {
        const limiter = keys.get(key)?.limiter
        stopWaiting(key)
        if (isAwaited && limiter !== undefined) waiting.set(key, tellReleases(key, limiter))
      })
      channel.hear(closeLimits, ([key]) => letGo(key))
      channel.onClose(() => {
        for (const key of [...keys.keys()]) letGo(key)
        // Its calls were cut: their places are free, and the vendor has counted what they sent.
        for (const { lease, cost } of leases.values()) lease.settle(cost, clock.now())
        leases.clear()
      })
    },
  }
}

function besideOf({ cost, inMs, isHoping }: SentBeside, now: number): Beside {
  return { cost: readCost(cost), by: now + inMs, isHoping }
}

function stateOf(
  { limiter, windows }: Hosted,
  cost: Cost,
  isRefused: boolean,
  now: number,
): Omit<Admitted, 'isAdmitted'> {
  const headroom = limiter.headroom(now, cost.group ?? '')
  return {
    wait: isRefused ? limiter.timeUntil(cost, now) : 0,
    soonest: isRefused ? limiter.soonest(cost, now) : 0,
    inFlight: limiter.inFlight,
    used: windows.map((name) => headroom[name]?.used ?? 0),
  }
}
