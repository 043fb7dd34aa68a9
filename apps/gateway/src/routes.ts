import { fallback } from '@spillway/circuit-breaker-fallback'
import { compose } from '@spillway/middleware'
import type { Config } from './config/config.ts'
import { withoutUndefined } from './config/without-undefined.ts'
import { limitsOfTenants } from './rate-limits.ts'
import type { Route } from './router.ts'
import type { SharedState } from './shared-state.ts'
import type { RunningTarget } from './targets.ts'

/** The routes of a configuration over its running targets. */
export function openRoutes(
  config: Config,
  targets: ReadonlyMap<string, RunningTarget>,
  shared?: SharedState,
): Route[] {
  const ofTenant = limitsOfTenants(config, shared)
  return config.routes.map(({ models, target, fallback: others }) => {
    const [first, ...next] = [target, ...others].map((name) => targets.get(name) as RunningTarget)
    const chain = [...ofTenant, fallback(next, withoutUndefined(config.fallback ?? {}))]
    return { models, handler: compose(chain, (first as RunningTarget).handler) }
  })
}
