import type { Ahead, GroupState, Headroom, Limits, VendorFeedback, WindowName } from '@spillway/rate-limit'
import { type Admitted, windowLengths, windowsOf } from './limits-protocol.ts'

/** Groups that are kept at most: callers choose the names of models. */
const mostGroups = 64

/** What a worker knows of one limit group, by the primary's last word. */
export interface KnownGroup {
  /** @param isTold whether it says how long such a call waits */
  learn(answer: Admitted, isTold: boolean, now: number): void
  observe(answer: VendorFeedback, now: number): void
  close(until: number): void
  open(): void
  timeUntil(now: number, ahead: Ahead | undefined): number
  soonest(now: number, ahead: Ahead | undefined): number
  /** What is used of the windows, if it was spent evenly. */
  used(now: number): Readonly<Partial<Record<WindowName, number>>>
  closedMs(now: number): number
  words(now: number): GroupState['vendor']
}

export interface KnownGroups {
  for(group: string): KnownGroup
  open(): void
  headroom(now: number, group?: string): Headroom
  states(now: number): readonly GroupState[]
  /** The part of what is left that one of `processes` may admit by itself; no limit lets nothing through. */
  share(processes: number, now: number): Limits
}

export function knownGroups(limits: Limits): KnownGroups {
  const windows = windowsOf(limits)
  const groups = new Map<string, KnownGroup>()
  let inFlight = 0

  const group = (): KnownGroup => {
    let used: readonly number[] = []
    let at = 0
    let roomAt = -Infinity
    let soonestAt = -Infinity
    let closedUntil = -Infinity
    const heard = new Map<WindowName, { limit: number | undefined; remaining: number; resetAt: number }>()
    const wait = (until: number, now: number, ahead: Ahead | undefined): number => {
      const told = Math.max(0, until - now)
      if (ahead === undefined) return told
      return Math.max(
        told,
        ...windows.map((name) => told + (tokensOf(name, ahead) / (limits[name] ?? 1)) * windowLengths[name]),
      )
    }
    return {
      learn(answer, isTold, now) {
        used = answer.used
        at = now
        inFlight = answer.inFlight
        if (!isTold) return
        roomAt = now + answer.wait
        soonestAt = now + answer.soonest
      },
      observe(answer, now) {
        for (const { name, limit, remaining, resetMs } of answer.limits)
          heard.set(name, { limit, remaining, resetAt: now + resetMs })
        if (answer.closedMs !== undefined) closedUntil = Math.max(closedUntil, now + answer.closedMs)
        else if (answer.isSuccess) closedUntil = -Infinity
      },
      close(until) {
        closedUntil = Math.max(closedUntil, until)
      },
      open() {
        closedUntil = roomAt = soonestAt = -Infinity
        heard.clear()
      },
      timeUntil: (now, ahead) => wait(roomAt, now, ahead),
      soonest: (now, ahead) => wait(soonestAt, now, ahead),
      used(now) {
        const entries = windows.map((name, index) => {
          const left = Math.max(0, 1 - (now - at) / windowLengths[name])
          return [name, Math.round((used[index] ?? 0) * left)] as const
        })
        return Object.fromEntries(entries)
      },
      closedMs: (now) => Math.max(0, closedUntil - now),
      words(now) {
        for (const [name, { resetAt }] of heard) if (resetAt <= now) heard.delete(name)
        return [...heard].map(([name, { limit, remaining, resetAt }]) => ({
          ...{ name, limit, remaining, resetMs: resetAt - now },
        }))
      },
    }
  }

  const fullest = (now: number, only?: string): Partial<Record<WindowName, number>> => {
    const most: Partial<Record<WindowName, number>> = {}
    const looked = only === undefined ? [...groups].map(([, each]) => each) : [groups.get(only)]
    for (const each of looked)
      for (const name of windows) most[name] = Math.max(most[name] ?? 0, each?.used(now)[name] ?? 0)
    return most
  }

  return {
    for(name) {
      const known = groups.get(name)
      if (known !== undefined) return known
      const [oldest] = groups.keys()
      if (groups.size >= mostGroups && oldest !== undefined) groups.delete(oldest)
      const made = group()
      groups.set(name, made)
      return made
    },
    open() {
      for (const [, each] of groups) each.open()
    },
    headroom(now, only) {
      const used = fullest(now, only)
      const entries = windows.map((name) => [name, { used: used[name] ?? 0, limit: limits[name] as number }])
      const { concurrency } = limits
      return {
        ...Object.fromEntries(entries),
        ...(concurrency !== undefined && { concurrency: { used: inFlight, limit: concurrency } }),
      }
    },
    states: (now) =>
      [...groups].map(([name, each]) => {
        const used = each.used(now)
        const headroom = Object.fromEntries(
          windows.map((window) => [window, { used: used[window] ?? 0, limit: limits[window] as number }]),
        )
        return { group: name, headroom, closedMs: each.closedMs(now), vendor: each.words(now) }
      }),
    share(processes, now) {
      const used = fullest(now)
      const part = (limit: number, taken: number): number =>
        Math.max(1, Math.floor((limit - taken) / processes))
      const { concurrency } = limits
      return {
        ...Object.fromEntries(windows.map((name) => [name, part(limits[name] as number, used[name] ?? 0)])),
        ...(concurrency !== undefined && { concurrency: part(concurrency, inFlight) }),
      }
    },
  }
}

function tokensOf(name: WindowName, ahead: Ahead): number {
  if (name === 'inputTokensPerMinute') return ahead.inputTokens
  if (name === 'outputTokensPerMinute') return ahead.outputTokens
  return ahead.calls
}
