import type { EndpointView, LimitGroupView, LiveCircuit, Targets } from '@spillway/gateway-api'
import { BadParameter } from '@spillway/gateway-api'
import { systemClock } from '@spillway/middleware'
import type { GroupState } from '@spillway/rate-limit'
import type { Config, EndpointConfig } from '../config/config.ts'
import { safeUrl } from '../safe-url.ts'
import type { SharedState } from '../shared-state.ts'
import type { RunningTarget } from '../targets.ts'
import { addressOf } from '../venues/venue-profile.ts'
import { CircuitHistory } from './circuit-history.ts'

/** What `/api/targets` reads: running targets, with the history of their circuits from now on. */
export function watchTargets(
  current: () => Config,
  targets: ReadonlyMap<string, RunningTarget>,
  shared: SharedState | undefined,
  onCircuit: (change: LiveCircuit) => void,
): { readonly read: () => Targets; readonly follow: (target: RunningTarget) => void } {
  const watched = new WeakMap<RunningTarget, readonly (CircuitHistory | undefined)[]>()
  const follow = (target: RunningTarget): void => {
    if (watched.has(target)) return
    const histories = target.endpoints.map(
      ({ name, breaker }) =>
        breaker &&
        new CircuitHistory(breaker, (circuit) => onCircuit({ target: target.name, endpoint: name, circuit })),
    )
    watched.set(target, histories)
  }
  for (const target of targets.values()) follow(target)
  const read = (): Targets => ({
    targets: [...targets.values()].map((target) => {
      const histories = watched.get(target) ?? []
      const config = current()
      const routed = target.routing?.endpoints()
      const { api, endpoints: configured = [] } = config.targets[target.name] ?? { api: '' }
      const endpoints = target.endpoints.map(({ name, headroom, limitGroups }, index): EndpointView => {
        const { share, ejectedUntil } = routed?.[index] ?? {}
        return {
          name,
          url: urlOf(configured[index]),
          circuits: histories[index]?.circuits() ?? [],
          headroom: headroom() as EndpointView['headroom'],
          limitGroups: limitGroups().map(groupView),
          ...(share !== undefined && { share }),
          ...(ejectedUntil !== undefined && { ejectedUntil: inEpoch(ejectedUntil - systemClock.now()) }),
        }
      })
      return { name: target.name, api, endpoints }
    }),
    ...(shared !== undefined && { shared: { limits: shared.limits.status } }),
  })
  return { read, follow }
}

/** The moment after so many milliseconds. */
const inEpoch = (ms: number): number => Math.round(systemClock.epoch() + ms)

function groupView({ group, headroom, closedMs, vendor }: GroupState): LimitGroupView {
  return {
    group,
    headroom: headroom as EndpointView['headroom'],
    ...(closedMs > 0 && { closedUntil: inEpoch(closedMs) }),
    vendor: vendor.map(({ limit = null, resetMs, ...word }) => ({
      ...word,
      limit,
      resetAt: inEpoch(resetMs),
    })),
  }
}

/**
 * Opens by hand the limits of a target's endpoints, or of one of them.
 * @throws BadParameter for a name that is not there
 */
export function openLimits(
  targets: ReadonlyMap<string, RunningTarget>,
  target: string | undefined,
  endpoint: string | undefined,
): void {
  const endpoints = targets.get(target ?? '')?.endpoints
  if (endpoints === undefined)
    throw new BadParameter('target', `expected one of ${[...targets.keys()].join(', ')}`)
  const asked = endpoints.filter(({ name }) => endpoint === undefined || name === endpoint)
  if (asked.length === 0)
    throw new BadParameter('endpoint', `expected one of ${endpoints.map(({ name }) => name).join(', ')}`)
  for (const each of asked) each.openLimits()
}

/** An embedded model has none. */
function urlOf(endpoint: EndpointConfig | undefined): string {
  return endpoint === undefined ? '' : safeUrl(addressOf(endpoint))
}
