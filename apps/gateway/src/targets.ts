import { type Target, timeouts } from '@spillway/attempt'
import { fallback } from '@spillway/circuit-breaker-fallback'
import { createClient } from '@spillway/core-client'
import { localModel } from '@spillway/local-model'
import { type Api, compose, type Middleware } from '@spillway/middleware'
import { type RateLimitOptions, rateLimit } from '@spillway/rate-limit'
import { retry } from '@spillway/retry'
import { withModel } from '@spillway/wire'
import { type Config, type RateLimitConfig, type TargetConfig, timeoutsOf } from './config/config.ts'
import type { Route } from './router.ts'

/** What can be asked of a target, and how to let go of it. */
export interface RunningTarget extends Target {
  readonly apis: readonly Api[]
  close(): Promise<void>
}

const apis: Readonly<Record<TargetConfig['api'], readonly Api[]>> = {
  anthropic: ['anthropic'],
  openrouter: ['anthropic', 'openai'],
  openai: ['openai'],
  ollama: ['anthropic', 'openai'],
  embedded: ['anthropic', 'openai'],
}

/** Brings a configured target to life. Nothing is connected before the first call; a local model loads at once. */
export function openTarget(name: string, config: Config): RunningTarget {
  const settings = config.targets[name] as TargetConfig
  const { total: _, ...limits } = timeoutsOf(config, settings)
  const common = { name, apis: apis[settings.api], model: settings.model }
  if (settings.api === 'embedded') {
    const local = localModel({ name, modelPath: settings.model as string })
    // A plan B is of little use if it has to be read from disk first. A failure shows with the first call.
    local.engine.load().catch(() => {})
    const handler = compose([timeouts(limits)], local.handler)
    return { ...common, handler, close: () => local.close() }
  }
  const endpoint = settings.endpoints?.[0]
  const client = createClient({
    provider: settings.api,
    name,
    baseUrl: endpoint?.url as string,
    timeouts: limits,
    ...credentialOf(endpoint?.credential),
    middleware: [
      retry(withoutUndefined({ ...config.retry, ...settings.retry })),
      ...rateLimitOf(config, settings),
      ...(settings.model === undefined ? [] : [useModel(settings.model)]),
    ],
  })
  return { ...common, handler: client.handler, close: () => client.close() }
}

/** The file's limits are those of a key, so they bind targets with a credential; a target's own bind it in any case. */
function rateLimitOf(config: Config, settings: TargetConfig): Middleware[] {
  const hasCredential = settings.endpoints?.some(({ credential }) => credential !== undefined) ?? false
  return limited({ ...(hasCredential ? config.rateLimit : {}), ...settings.rateLimit })
}

/** The limits of each caller by itself. Callers without a key are one caller. */
function tenantLimit(config: Config): Middleware[] {
  return limited({ ...config.tenants?.rateLimit }, ({ context }) => context.tenant ?? 'nobody')
}

function limited(limits: RateLimitConfig, key?: NonNullable<RateLimitOptions['key']>): Middleware[] {
  const set = withoutUndefined(limits)
  return Object.keys(set).length === 0 ? [] : [rateLimit({ ...set, ...(key && { key }) })]
}

/** `caller` passes on what the caller presents; nothing at all keeps it from reaching the endpoint. */
function credentialOf(reference: string | undefined): { credential?: string | null } {
  if (reference === 'caller') return {}
  if (reference === undefined) return { credential: null }
  return { credential: process.env[reference.slice('env:'.length)] ?? null }
}

function useModel(model: string): Middleware {
  return (next) => (request) => next(withModel(request, model))
}

/** The routes of a configuration over its running targets: for each protocol, those targets that speak it. */
export function openRoutes(config: Config, targets: ReadonlyMap<string, RunningTarget>): Route[] {
  const ofTenant = tenantLimit(config)
  return config.routes.map((route) => {
    const onRoute = [route.target, ...route.fallback].map((name) => targets.get(name) as RunningTarget)
    const handlers: Route['handlers'] = Object.fromEntries(
      (['anthropic', 'openai'] as const).flatMap((api) => {
        const [first, ...others] = onRoute.filter((candidate) => candidate.apis.includes(api))
        if (first === undefined) return []
        const chain = [...ofTenant, fallback(others, withoutUndefined(config.fallback ?? {}))]
        return [[api, compose(chain, first.handler)]]
      }),
    )
    return { models: route.models, handlers }
  })
}

/** Options that are not set, as their defaults want them: not there. */
function withoutUndefined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
