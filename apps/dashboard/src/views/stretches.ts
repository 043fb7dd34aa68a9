import type { Changes } from '@spillway/gateway-api'
import type { Span } from '../routing.ts'

export type Change = Changes['changes'][number]

/** A part of the time in which a circuit was not closed, a limit not open, or an endpoint not in use. */
export interface Stretch extends Span {
  readonly state: string
}

/** The stretches of one circuit, limit or endpoint, oldest first, and how long they are together. */
export interface Subject {
  readonly change: Change
  readonly stretches: readonly Stretch[]
  readonly ms: number
}

const wellStates: Readonly<Record<Change['kind'], string>> = {
  circuit: 'closed',
  limit: 'open',
  endpoint: 'in use',
}

/**
 * When things were not well, from their changes of a range, newest first. Before its first change a thing was what that says it was;
 * what ends by itself ends then.
 */
export function stretchesOf(changes: readonly Change[], range: Span): Subject[] {
  const subjects = new Map<string, Change[]>()
  for (const change of changes) {
    const { kind, target, endpoint, subject } = change
    const name = JSON.stringify([kind, target, endpoint, subject])
    subjects.set(name, [change, ...(subjects.get(name) ?? [])])
  }
  return [...subjects.values()]
    .flatMap((own) => {
      const [first] = own
      if (first === undefined) return []
      const stretches = stretchesOfOne(own, range)
      const ms = stretches.reduce((sum, { from, to }) => sum + to - from, 0)
      return stretches.length === 0 ? [] : [{ change: first, stretches, ms }]
    })
    .toSorted((a, b) => b.ms - a.ms)
}

/** @param changes of one thing, oldest first */
function stretchesOfOne(changes: readonly Change[], range: Span): Stretch[] {
  const states = [{ at: range.from, until: null as number | null, state: changes[0]?.was ?? '' }]
  for (const { at, until, became } of changes) states.push({ at, until, state: became })
  const isWell = (state: string): boolean => state === wellStates[changes[0]?.kind ?? 'circuit']
  return states.flatMap(({ at, until, state }, index) => {
    const from = Math.max(at, range.from)
    const to = Math.min(states[index + 1]?.at ?? range.to, until ?? Infinity, range.to)
    return isWell(state) || to <= from ? [] : [{ from, to, state }]
  })
}
