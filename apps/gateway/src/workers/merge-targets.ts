import type { CircuitView, EndpointView, LimitGroupView, Targets } from '@spillway/gateway-api'

/** What several workers say of the same targets, as one: of what they share what most of is used, of circuits the worst. */
export function mergeTargets(views: readonly Targets[]): Targets {
  const [first] = views
  if (first === undefined) return { targets: [] }
  const isLocal = views.some(({ shared }) => shared?.limits === 'local')
  return {
    ...(first.shared !== undefined && { shared: isLocal ? { limits: 'local' } : first.shared }),
    targets: first.targets.map((target) => ({
      ...target,
      endpoints: target.endpoints.map((endpoint) => {
        const of = views.flatMap(({ targets }) => {
          const same = targets.find(({ name }) => name === target.name)
          return same?.endpoints.find(({ name }) => name === endpoint.name) ?? []
        })
        return of.reduce(mergeEndpoints)
      }),
    })),
  }
}

function mergeEndpoints(a: EndpointView, b: EndpointView): EndpointView {
  const share =
    a.share === undefined || b.share === undefined ? (a.share ?? b.share) : (a.share + b.share) / 2
  const ejectedUntil = latest(a.ejectedUntil, b.ejectedUntil)
  return {
    ...a,
    circuits: byName([...a.circuits, ...b.circuits], ({ key, scope }) => `${scope} ${key}`, mergeCircuits),
    headroom: mergeHeadroom(a.headroom, b.headroom),
    limitGroups: byName(
      [...(a.limitGroups ?? []), ...(b.limitGroups ?? [])],
      ({ group }) => group,
      mergeGroups,
    ),
    ...(share !== undefined && { share }),
    ...(ejectedUntil !== undefined && { ejectedUntil }),
  }
}

const states = ['closed', 'half_open', 'open'] as const

function mergeCircuits(a: CircuitView, b: CircuitView): CircuitView {
  const worse = states.indexOf(b.state) > states.indexOf(a.state) ? b : a
  const history = [...a.history, ...b.history].toSorted((one, other) => one.at - other.at)
  return { ...worse, history }
}

function mergeGroups(a: LimitGroupView, b: LimitGroupView): LimitGroupView {
  const closedUntil = latest(a.closedUntil, b.closedUntil)
  return {
    ...{ group: a.group, headroom: mergeHeadroom(a.headroom, b.headroom) },
    ...(closedUntil !== undefined && { closedUntil }),
    // What a vendor has said last, to whichever worker.
    vendor: byName(
      [...a.vendor, ...b.vendor],
      ({ name }) => name,
      (one, other) =>
        other.resetAt > one.resetAt || (other.resetAt === one.resetAt && other.remaining < one.remaining)
          ? other
          : one,
    ),
  }
}

function mergeHeadroom(a: EndpointView['headroom'], b: EndpointView['headroom']): EndpointView['headroom'] {
  const merged: Record<string, { used: number; limit: number }> = { ...a }
  for (const [name, room] of Object.entries(b)) {
    const before = merged[name]
    if (before === undefined || room.used > before.used) merged[name] = room
  }
  return merged
}

function byName<T>(all: readonly T[], nameOf: (one: T) => string, merge: (a: T, b: T) => T): T[] {
  const found = new Map<string, T>()
  for (const one of all) {
    const before = found.get(nameOf(one))
    found.set(nameOf(one), before === undefined ? one : merge(before, one))
  }
  return [...found.values()]
}

const latest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
