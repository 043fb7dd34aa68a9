import { type Middleware, systemClock } from '@spillway/middleware'
import { createRateLimit, type Headroom, type RateLimitOptions } from '@spillway/rate-limit'
import { callerOf } from './caller.ts'
import type { Config, EndpointConfig, RateLimitConfig, TargetConfig } from './config/config.ts'
import { withoutUndefined } from './config/without-undefined.ts'
import type { SharedState } from './shared-state.ts'

/** A limit in a chain, and how much of it is used; nothing where there is none. */
export interface RunningLimit {
  readonly middleware: readonly Middleware[]
  headroom(): Headroom
}

/**
 * The limits of each key of a target: endpoints with the same credential share one, and where callers bring their keys,
 * each caller has its own. The file's limits are those of a key, so they bind endpoints with a credential; a target's own
 * bind all of its endpoints.
 */
export function limitsOfTarget(
  target: string,
  config: Config,
  settings: TargetConfig,
  shared: SharedState | undefined,
): (endpoint: EndpointConfig) => RunningLimit {
  const made = new Map<string, RunningLimit>()
  return ({ credential, name }) => {
    const key = credential ?? `${name}`
    let limit = made.get(key)
    if (limit === undefined) {
      const limits = { ...(credential === undefined ? {} : config.rateLimit), ...settings.rateLimit }
      const limitAll = credential === 'caller' ? limitedByCaller : limited
      limit = limitAll(limits, `target:${target}:${key}`, shared)
      made.set(key, limit)
    }
    return limit
  }
}

/** The limits of each caller by itself. Callers without a key are one caller. */
export function limitsOfTenants(config: Config, shared: SharedState | undefined): readonly Middleware[] {
  const key = ({ context }: { context: { tenant?: string | undefined } }): string =>
    context.tenant ?? 'nobody'
  return limited({ ...config.tenants?.rateLimit }, 'tenant', shared, key).middleware
}

/** How many calls the upstream bears is its own affair; everything else is a limit of each caller's key. */
function limitedByCaller(
  limits: RateLimitConfig,
  name: string,
  shared: SharedState | undefined,
): RunningLimit {
  const { adaptiveConcurrency, ...ofKey } = limits
  const each = limited(ofKey, name, shared, callerOf)
  const all = limited({ adaptiveConcurrency }, name, undefined)
  // There is no headroom of all callers together.
  return { middleware: [...each.middleware, ...all.middleware], headroom: () => all.headroom() }
}

function limited(
  limits: RateLimitConfig,
  name: string,
  shared: SharedState | undefined,
  key?: NonNullable<RateLimitOptions['key']>,
): RunningLimit {
  const { adaptiveConcurrency, ...set } = withoutUndefined(limits)
  const adaptive = adaptiveConcurrency && { adaptiveConcurrency: withoutUndefined(adaptiveConcurrency) }
  if (Object.keys(set).length === 0 && adaptive === undefined) {
    return { middleware: [], headroom: () => ({}) }
  }
  const sharing = shared && { store: shared.limits }
  const options = { ...set, ...adaptive, name, ...(key && { key }), ...sharing }
  const { middleware, limiter } = createRateLimit(options)
  return { middleware: [middleware], headroom: () => limiter()?.headroom(systemClock.now()) ?? {} }
}
