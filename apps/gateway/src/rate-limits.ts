import type { Middleware } from '@spillway/middleware'
import { type RateLimitOptions, rateLimit } from '@spillway/rate-limit'
import type { Config, EndpointConfig, RateLimitConfig, TargetConfig } from './config/config.ts'
import { withoutUndefined } from './config/without-undefined.ts'
import type { SharedState } from './shared-state.ts'

/**
 * The limits of each key of a target: endpoints with the same credential share one. The file's limits are those of a
 * key, so they bind endpoints with a credential; a target's own bind all of its endpoints.
 */
export function limitsOfTarget(
  target: string,
  config: Config,
  settings: TargetConfig,
  shared: SharedState | undefined,
): (endpoint: EndpointConfig) => readonly Middleware[] {
  const made = new Map<string, Middleware[]>()
  return ({ credential, name }) => {
    const key = credential ?? `${name}`
    let limit = made.get(key)
    if (limit === undefined) {
      const limits = { ...(credential === undefined ? {} : config.rateLimit), ...settings.rateLimit }
      limit = limited(limits, `target:${target}:${key}`, shared)
      made.set(key, limit)
    }
    return limit
  }
}

/** The limits of each caller by itself. Callers without a key are one caller. */
export function limitsOfTenants(config: Config, shared: SharedState | undefined): readonly Middleware[] {
  const key = ({ context }: { context: { tenant?: string | undefined } }): string =>
    context.tenant ?? 'nobody'
  return limited({ ...config.tenants?.rateLimit }, 'tenant', shared, key)
}

function limited(
  limits: RateLimitConfig,
  name: string,
  shared: SharedState | undefined,
  key?: NonNullable<RateLimitOptions['key']>,
): Middleware[] {
  const { adaptiveConcurrency, ...set } = withoutUndefined(limits)
  const adaptive = adaptiveConcurrency && { adaptiveConcurrency: withoutUndefined(adaptiveConcurrency) }
  if (Object.keys(set).length === 0 && adaptive === undefined) return []
  return [
    rateLimit({ ...set, ...adaptive, name, ...(key && { key }), ...(shared && { store: shared.limits }) }),
  ]
}
