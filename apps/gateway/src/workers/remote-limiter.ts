import type { Clock } from '@spillway/middleware'
import {
  type Admission,
  type Ahead,
  type Beside,
  type Cost,
  type GroupState,
  type Headroom,
  type Lease,
  Limiter,
  type LimitRules,
  type Limits,
  type VendorFeedback,
  type WindowName,
} from '@spillway/rate-limit'
import type { VendorLimit } from '@spillway/wire'
import { type KnownGroup, knownGroups } from './known-groups.ts'
import {
  acquire,
  awaited,
  closeLimits,
  learn,
  observe,
  openAgain,
  openLimits,
  sentCost,
  settle,
  shut,
  spent,
} from './limits-protocol.ts'
import type { PrimaryLink } from './primary-link.ts'

export interface RemoteLimiterOptions {
  readonly link: PrimaryLink
  readonly name: string
  readonly limits: Limits
  readonly rules: Partial<LimitRules>
  /** Workers that share the limits: what one divides them by while the primary does not answer. */
  readonly processes: number
  readonly clock: Clock
  /** Numbers that no other limiter of this channel has. */
  readonly next: () => number
  /** Calls back when the primary has told that there may be capacity again; returns how to stop it. */
  readonly onReleased: (key: number, listener: () => void) => () => void
}

/** How long nothing must have been asked until a key may be forgotten here: its use is known to the primary. */
const idleAfter = 60_000

/**
 * The limits of one key over all workers: the primary counts. While it does not answer, this worker admits its share of what was left by the
 * primary's last word, and tells it, so that the primary knows when it is back.
 */
export function remoteLimiter(options: RemoteLimiterOptions): Admission {
  const { link, name, limits, rules, processes, clock, next, onReleased } = options
  const key = next()
  const groups = knownGroups(limits)
  const listeners = new Set<() => void>()
  /** What this worker has admitted by itself; undefined while the primary decides. */
  let alone: Limiter | undefined
  let inFlight = 0
  let askedAt = clock.now()
  let isClosed = false

  // A limit that lets nothing through is an error here, at once.
  new Limiter(limits, rules)
  link.tell(openLimits, [key, name, limits, rules])

  const tellReleased = (): void => {
    for (const listener of [...listeners]) listener()
  }
  const stopHearing = onReleased(key, tellReleased)
  const stopWatching = link.onStatus((status) => {
    if (status === 'local') return
    alone = undefined
    tellReleased()
  })

  const acquireAlone = (cost: Cost, now: number, beside?: Beside): Lease | undefined => {
    alone ??= new Limiter(groups.share(processes, now), rules)
    const own = alone
    const lease = own.tryAcquire(cost, now, beside)
    if (lease === undefined) return undefined
    inFlight++
    // A primary that is only slow counts it when it reads that.
    const group = cost.group ?? ''
    const { inputTokens, outputTokens } = cost
    link.tell(spent, [key, group, 1, inputTokens, outputTokens])
    let isOpen = true
    return {
      observe: (answer, at) => lease.observe?.(answer, at),
      settle(actual, at) {
        if (!isOpen) return
        isOpen = false
        inFlight--
        lease.settle(actual, at)
        const real = actual ?? { inputTokens: 0, outputTokens: 0 }
        const more = [real.inputTokens - inputTokens, real.outputTokens - outputTokens] as const
        link.tell(spent, [key, group, actual === undefined ? -1 : 0, ...more])
        tellReleased()
      },
    }
  }

  const admit = (number: number, group: KnownGroup): Lease => {
    let isOpen = true
    return {
      observe(answer: VendorFeedback, now) {
        group.observe(answer, now)
        link.tell(observe, [number, answer])
      },
      settle(actual) {
        if (!isOpen) return
        isOpen = false
        inFlight--
        link.tell(settle, actual === undefined ? [number] : [number, actual.inputTokens, actual.outputTokens])
        tellReleased()
      },
    }
  }

  const ask = async (cost: Cost, beside?: Beside): Promise<Lease | undefined> => {
    const number = next()
    const sent = sentCost(cost)
    inFlight++
    try {
      const answer = await link.ask(
        acquire,
        beside === undefined
          ? [key, number, sent]
          : [
              key,
              number,
              sent,
              { cost: sentCost(beside.cost), inMs: beside.by - clock.now(), isHoping: beside.isHoping },
            ],
      )
      if (link.status === 'shared') alone = undefined
      const group = groups.for(cost.group ?? '')
      group.learn(answer, beside === undefined && !answer.isAdmitted, clock.now())
      if (answer.isAdmitted) return admit(number, group)
      inFlight--
      return undefined
    } catch {
      inFlight--
      // It may have been admitted too late.
      link.tell(settle, [number])
      return acquireAlone(cost, clock.now(), beside)
    }
  }

  return {
    get inFlight() {
      return inFlight
    },
    tryAcquire(cost, now, beside) {
      askedAt = now
      return link.status === 'shared' ? ask(cost, beside) : acquireAlone(cost, now, beside)
    },
    timeUntil(cost: Cost, now: number, ahead?: Ahead) {
      return alone?.timeUntil(cost, now, ahead) ?? groups.for(cost.group ?? '').timeUntil(now, ahead)
    },
    soonest(cost: Cost, now: number, ahead?: Ahead) {
      return alone?.soonest(cost, now, ahead) ?? groups.for(cost.group ?? '').soonest(now, ahead)
    },
    onRelease(callback) {
      if (listeners.size === 0) link.tell(awaited, [key, true])
      listeners.add(callback)
      return () => {
        if (!listeners.delete(callback) || listeners.size > 0) return
        link.tell(awaited, [key, false])
      }
    },
    closeUntil(at: number, now: number, group = '') {
      const ms = Math.max(0, at - now)
      groups.for(group).close(now + ms)
      alone?.closeUntil(at, now, group)
      link.tell(shut, [key, ms, group])
    },
    open() {
      groups.open()
      alone?.open()
      link.tell(openAgain, [key])
      tellReleased()
    },
    learn(window: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number, group = '') {
      alone?.learn(window, vendor, now, group)
      link.tell(learn, [key, window, vendor, group])
    },
    headroom(now: number, group?: string): Headroom {
      return alone?.headroom(now, group) ?? groups.headroom(now, group)
    },
    groups: (now: number): readonly GroupState[] => alone?.groups(now) ?? groups.states(now),
    isIdle: (now: number) => inFlight === 0 && now - askedAt >= idleAfter,
    close() {
      if (isClosed) return
      isClosed = true
      stopHearing()
      stopWatching()
      link.tell(closeLimits, [key])
    },
  }
}
