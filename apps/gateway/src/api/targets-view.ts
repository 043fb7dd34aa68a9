import { systemClock } from '@spillway/middleware'
import type { Config, EndpointConfig } from '../config/config.ts'
import { safeUrl } from '../safe-url.ts'
import type { SharedState } from '../shared-state.ts'
import type { RunningTarget } from '../targets.ts'
import { CircuitHistory } from './circuit-history.ts'
import type { EndpointView, LiveCircuit, Targets } from './contract.ts'

/** What `/api/targets` reads: running targets, with the history of their circuits from now on. */
export function watchTargets(
  config: Config,
  targets: ReadonlyMap<string, RunningTarget>,
  shared: SharedState | undefined,
  onCircuit: (change: LiveCircuit) => void,
): () => Targets {
  const watched = [...targets.values()].map((target) => ({
    target,
    histories: target.endpoints.map(
      ({ name, breaker }) =>
        breaker &&
        new CircuitHistory(breaker, (circuit) => onCircuit({ target: target.name, endpoint: name, circuit })),
    ),
  }))
  return () => ({
    targets: watched.map(({ target, histories }) => {
      const routed = target.routing?.endpoints()
      const { api, endpoints: configured = [] } = config.targets[target.name] ?? { api: '' }
      const endpoints = target.endpoints.map(({ name, headroom }, index): EndpointView => {
        const { share, ejectedUntil } = routed?.[index] ?? {}
        return {
          name,
          url: urlOf(configured[index]),
          circuits: histories[index]?.circuits() ?? [],
          headroom: headroom() as EndpointView['headroom'],
          ...(share !== undefined && { share }),
          ...(ejectedUntil !== undefined && {
            ejectedUntil: Math.round(ejectedUntil + systemClock.epoch() - systemClock.now()),
          }),
        }
      })
      return { name: target.name, api, endpoints }
    }),
    ...(shared !== undefined && { shared: { limits: shared.limits.status } }),
  })
}

/** An embedded model has none. */
function urlOf(endpoint: EndpointConfig | undefined): string {
  return endpoint === undefined ? '' : safeUrl(endpoint.url)
}
