import type { Target } from '@spillway/attempt'
import { compose, type Middleware } from '@spillway/middleware'
import { budgetByCaller, depositBudget, type RetryBudget, retry, retryDefaults } from '@spillway/retry'
import { createRouting, type Routing } from '@spillway/routing'
import { fit } from '@spillway/translation'
import { callerOf } from './caller.ts'
import type { Config, EndpointConfig, TargetConfig } from './config/config.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import { openEmbeddedTarget } from './embedded-target.ts'
import { openEndpoint, type Resources, type RunningEndpoint } from './endpoint.ts'
import { modelRefusalsOf } from './model-refusals.ts'
import { limitsOfTarget } from './rate-limits.ts'
import { keyOf } from './venues/endpoint-key.ts'

/** A target, and how to close it. */
export interface RunningTarget extends Target {
  readonly endpoints: readonly RunningEndpoint[]
  /** Undefined where there is nothing to choose among. */
  readonly routing: Routing | undefined
  /** What limits retries; undefined where none are made. */
  readonly retryBudget: RetryBudget | undefined
  close(): Promise<void>
}

/** Brings a configured target to life. Nothing is connected before the first call; an embedded model loads at once. */
export function openTarget(name: string, config: Config, resources: Resources = {}): RunningTarget {
  const settings = config.targets[name] as TargetConfig
  if (settings.api === 'embedded') return openEmbeddedTarget(name, config, settings, resources)
  const limitOf = limitsOfTarget(name, config, settings, resources.shared)
  const endpoints = endpointsOf(settings).map((endpoint) =>
    openEndpoint({
      ...{ target: name, settings, endpoint, config, resources },
      limit: limitOf(endpoint),
    }),
  )
  const retries = omitUndefined({ ...config.retry, ...settings.retry })
  const shadowBudget = retries.budget ?? (retryDefaults.budget as number)
  const retryBudget = budgetOf(settings, shadowBudget)
  const routing = endpoints.length > 1 ? routingOf(settings, endpoints, retryBudget) : undefined
  const policies = [
    ...modelRefusalsOf(config, settings, endpoints),
    fitOf(settings),
    retry({ ...retries, budget: retryBudget, shadowBudget }),
  ]
  return {
    name,
    model: settings.model,
    handler: compose(policies, routing?.handler ?? (endpoints[0] as RunningEndpoint).handler),
    endpoints,
    routing,
    retryBudget,
    async close() {
      routing?.close()
      await Promise.all(endpoints.map((endpoint) => endpoint.close()))
    },
  }
}

/** Where callers bring their keys, retries for what is said of one are that caller's. */
function budgetOf({ endpoints = [] }: TargetConfig, ratio: number): RetryBudget {
  const each = (): RetryBudget => depositBudget({ ratio })
  if (!endpoints.some(({ credential }) => credential === 'caller')) return each()
  return budgetByCaller({ caller: callerOf, endpoint: each(), each })
}

/**
 * Requests are reduced to what a model takes that the configuration has chosen. Of one that the caller has named itself,
 * the vendor is to say what it does not take, in its own words: clients recover by them.
 */
function fitOf({ api, model, capabilities }: TargetConfig): Middleware {
  if (model === undefined && capabilities === undefined) {
    // Whatever a model of Anthropic's is called, it is a Claude.
    return fit({ scope: 'thinking', capabilities: api === 'anthropic' ? { signedThinking: true } : {} })
  }
  return fit({ model, capabilities: omitUndefined(capabilities ?? {}) })
}

/** Endpoints without a name are numbered. */
function endpointsOf({ endpoints = [] }: TargetConfig): EndpointConfig[] {
  return endpoints.map((endpoint, index) => ({ ...endpoint, name: endpoint.name ?? String(index + 1) }))
}

/** `true` is the default. */
function unlessOff<T extends object>(set: boolean | T | undefined) {
  if (set === undefined || set === true) return undefined
  return set === false ? (set as false) : omitUndefined(set)
}

function routingOf(
  settings: TargetConfig,
  running: readonly RunningEndpoint[],
  retryBudget: RetryBudget,
): Routing {
  const { hedge, affinity, ejection, keys, ...times } = settings.routing ?? {}
  return createRouting({
    endpoints: endpointsOf(settings).map((endpoint, index) => ({
      name: endpoint.name as string,
      handler: (running[index] as RunningEndpoint).handler,
      ...omitUndefined({
        weight: endpoint.weight,
        key: endpoint.credential === 'caller' ? null : keyOf(endpoint),
      }),
    })),
    caller: callerOf,
    ...omitUndefined({ ...times, affinity: unlessOff(affinity), ejection: unlessOff(ejection) }),
    ...(keys && { keys: omitUndefined(keys) }),
    ...(hedge === undefined
      ? {}
      : {
          hedge: {
            after: hedge.after ?? 'p95',
            maxExtra: hedge.maxExtra ?? 0.05,
            budget: (request) => retryBudget.withdraw(undefined, request),
          },
        }),
  })
}
