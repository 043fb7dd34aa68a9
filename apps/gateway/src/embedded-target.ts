import { target } from '@spillway/attempt'
import { engineDefaults, isLocalModelError, localModel } from '@spillway/local-model'
import { compose, type Middleware } from '@spillway/middleware'
import { fit } from '@spillway/translation'
import { type Config, ownLimitsOf, type TargetConfig } from './config/config.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import { priceTableOf } from './config/prices.ts'
import { breakerOf, observersOf, type Resources, type RunningEndpoint } from './endpoint.ts'
import { localEngineFolder } from './local-engine-folder.ts'
import { limitsOfTarget } from './rate-limits.ts'
import type { RunningTarget } from './targets.ts'

/** What the one endpoint of such a target is called. */
const endpointName = 'embedded'

/**
 * A target whose model runs on this machine. It is loaded at once: a plan B is of little use if it has to be read from disk
 * first. A failure is told in the log, and shows again with the first call.
 *
 * Its limits and its circuit are this gateway's alone, since other gateways have their own models.
 */
export function openEmbeddedTarget(
  name: string,
  config: Config,
  settings: TargetConfig,
  resources: Resources,
): RunningTarget {
  const { rateLimit, capabilities } = settings
  // Calls wait for their turn before the attempt begins: waiting is no fault of the model's.
  const concurrency = rateLimit?.concurrency ?? engineDefaults.parallel
  const local = localModel({
    name,
    modelPath: settings.model as string,
    libraryFolder: localEngineFolder(),
    ...omitUndefined({ ...settings.embedded }),
    contextSize: capabilities?.contextTokens,
    parallel: concurrency,
    dropTools: capabilities?.tools === true,
    timeouts: ownLimitsOf(settings),
  })
  if (!resources.isDry)
    local.engine.load().catch((error: unknown) => {
      if (isLocalModelError(error) && error.code === 'SPILLWAY_LOCAL_ENGINE_CLOSED') return
      resources.log?.(`warning: target ${name}: ${error instanceof Error ? error.message : String(error)}`)
    })

  const limited = { ...settings, rateLimit: { ...rateLimit, concurrency } }
  const limit = limitsOfTarget(name, config, limited, undefined)({ url: '', name: endpointName })
  const breaker = breakerOf(config, settings)
  const observed = {
    ...{ target: name, endpoint: endpointName, provider: 'embedded' },
    prices: priceTableOf(settings),
  }
  const policies = [
    ...fitOf(settings),
    ...(breaker === undefined ? [] : [breaker.middleware]),
    ...limit.middleware,
    ...observersOf(resources, observed),
  ]
  const { handler } = target(name, compose(policies, local.handler))
  const close = async (): Promise<void> => {
    breaker?.close()
    limit.close()
    await local.close()
  }
  const { headroom, groups: limitGroups, open: openLimits } = limit
  const endpoint: RunningEndpoint = {
    ...{ name: endpointName, handler, breaker, headroom, limitGroups, openLimits, close },
  }
  return {
    name,
    model: settings.model,
    handler,
    endpoints: [endpoint],
    routing: undefined,
    retryBudget: undefined,
    close,
  }
}

/** How long a prompt may be, the model knows to the token; of the rest it drops what it does not take, if it may. */
function fitOf({ capabilities }: TargetConfig): Middleware[] {
  const { contextTokens: _, ...known } = capabilities ?? {}
  const set = omitUndefined(known)
  return Object.keys(set).length === 0 ? [] : [fit({ model: endpointName, capabilities: set })]
}
