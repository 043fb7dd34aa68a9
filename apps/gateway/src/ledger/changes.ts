import type { CircuitChange } from '@spillway/circuit-breaker-fallback'
import type { ChangeRow } from '@spillway/ledger'
import type { Clock, Listener } from '@spillway/middleware'
// Brings in the events of endpoints.
import type {} from '@spillway/routing'
import type { RunningTarget } from '../targets.ts'

/** Takes what is to be booked. */
type Book = (row: ChangeRow) => void

/** Closures of one group that end within so many milliseconds of each other are one: each call that is refused says it again. */
const sameClosure = 1000

/** Groups whose closures are remembered, over all targets. */
const mostGroups = 1000

/** A change of a circuit, as it is booked. */
export function circuitRow(
  target: string,
  endpoint: string,
  { key, scope, from, to, reason }: CircuitChange,
  at: number,
): ChangeRow {
  return {
    ...{ id: crypto.randomUUID(), started_at: Math.round(at), kind: 'circuit', target, endpoint },
    subject: scope === 'key' ? `${key} (whole key)` : key,
    ...{ was: from, became: to, reason: String(reason), until: null },
  }
}

/**
 * Hears from the events of calls what has become of endpoints and of vendors' limits, and books it: an endpoint that is left out, or is
 * well again, and a limit that a 429 has closed.
 */
export function changesOfCalls(
  targets: ReadonlyMap<string, Pick<RunningTarget, 'endpoints'>>,
  clock: Clock,
  book: Book,
): Listener {
  /** By target, endpoint and group, until when it is closed. */
  const closed = new Map<string, number>()
  const noteClosures = (name: string): void => {
    const now = clock.epoch()
    for (const { name: endpoint, limitGroups } of targets.get(name)?.endpoints ?? []) {
      for (const { group, closedMs } of limitGroups()) {
        if (closedMs <= 0) continue
        const place = JSON.stringify([name, endpoint, group])
        const until = Math.round(now + closedMs)
        if (until - (closed.get(place) ?? 0) < sameClosure) continue
        if (closed.size >= mostGroups) closed.clear()
        closed.set(place, until)
        book({
          ...{ id: crypto.randomUUID(), started_at: Math.round(now), kind: 'limit', target: name, endpoint },
          ...{ subject: group, was: 'open', became: 'closed', reason: 'rate_limited', until },
        })
      }
    }
  }
  return (event) => {
    const { target } = event
    if (target === undefined) return
    if (event.type === 'attempt.ended' && event.outcome.failure?.kind === 'rate_limited') {
      // The limiter hears of the same outcome, before or after this.
      clock.setTimer(0, () => noteClosures(target))
    } else if (event.type === 'endpoint.ejected' || event.type === 'endpoint.recovered') {
      const now = Math.round(clock.epoch())
      const isOut = event.type === 'endpoint.ejected'
      book({
        ...{ id: crypto.randomUUID(), started_at: now, kind: 'endpoint', target, endpoint: event.endpoint },
        subject: event.key ?? '',
        ...(isOut
          ? { was: 'in use', became: 'left out', reason: event.reason, until: Math.round(now + event.forMs) }
          : { was: 'left out', became: 'in use', reason: 'probe_succeeded', until: null }),
      })
    }
  }
}
