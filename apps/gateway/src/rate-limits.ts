import { type Middleware, type ModelRequest, systemClock } from '@spillway/middleware'
import {
  createRateLimit,
  type GroupState,
  type Headroom,
  type RateLimitOptions,
  rateLimitDefaults,
} from '@spillway/rate-limit'
import { callerOf } from './caller.ts'
import type { Config, EndpointConfig, RateLimitConfig, TargetConfig } from './config/config.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import { hasCallsAlone } from './config/venue-config.ts'
import { globMatcher } from './glob.ts'
import type { SharedState } from './shared-state.ts'
import { keyOf } from './venues/endpoint-key.ts'

/** A limit in a chain, and how much of it is used; nothing where there is none. */
export interface RunningLimit {
  readonly middleware: readonly Middleware[]
  headroom(): Headroom
  /** The limit groups of the vendor that are in use; none where callers bring their keys. */
  groups(): readonly GroupState[]
  /** Opens by hand what a vendor's 429 has closed. */
  open(): void
  /** No more calls will come. */
  close(): void
}

const none: RunningLimit = { middleware: [], headroom: () => ({}), groups: () => [], open() {}, close() {} }

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
  return (endpoint) => {
    const { credential, name } = endpoint
    const key = keyOf(endpoint) ?? `${name}`
    let limit = made.get(key)
    if (limit === undefined) {
      const limits = { ...(credential === undefined ? {} : config.rateLimit), ...settings.rateLimit }
      const limitAll = credential === 'caller' ? limitedByCaller : limited
      const sorted = { ...groupOf(settings, endpoint, limits), ...countedReads(settings, limits) }
      limit = limitAll(limits, `target:${target}:${key}`, shared, sorted)
      made.set(key, limit)
    }
    return limit
  }
}

/** Which of a vendor's limits a call counts against; whose, by API: see `groupBy` in the README. */
function groupOf(
  { api, model }: TargetConfig,
  endpoint: EndpointConfig,
  { groupBy }: RateLimitConfig,
): Sorted {
  // Clouds limit each model, or deployment, by itself.
  const byModel = api === 'openai' || hasCallsAlone(endpoint.api)
  const by = groupBy ?? (byModel ? 'model' : api === 'anthropic' ? 'family' : 'key')
  if (by === 'key') return { group: () => '' }
  // The limits come before the model that the configuration sets.
  const named = (request: ModelRequest): ModelRequest =>
    model === undefined ? request : { ...request, model }
  if (by === 'family') return { group: (request) => rateLimitDefaults.group(named(request)) }
  return { group: (request) => named(request).model.slice(0, longestName).toLowerCase() }
}

/** OpenAI counts what comes from its cache, and whoever speaks its protocol may; Anthropic does not. */
function countedReads({ api }: TargetConfig, { countCacheReads }: RateLimitConfig): Sorted {
  return { countCacheReads: countCacheReads ?? api === 'openai' }
}

/** How much of a model's name tells it from others: callers choose names, and they are kept. */
const longestName = 100

/** How calls are told apart, and what of them counts. */
type Sorted = Pick<RateLimitOptions, 'key' | 'group' | 'applyVendorLimits' | 'countCacheReads'>

/** The limits of each caller by itself, which no vendor knows of. Callers without a key are one caller. */
export function limitsOfTenants(config: Config, shared: SharedState | undefined): RunningLimit {
  const key = ({ context }: { context: { tenant?: string | undefined } }): string =>
    context.tenant ?? 'nobody'
  const sorted: Sorted = { key, group: () => '', applyVendorLimits: false }
  return limited({ ...config.tenants?.rateLimit }, 'tenant', shared, sorted)
}

/** How many calls the upstream bears is its own affair; everything else is a limit of each caller's key. */
function limitedByCaller(
  limits: RateLimitConfig,
  name: string,
  shared: SharedState | undefined,
  sorted: Sorted,
): RunningLimit {
  const { adaptiveConcurrency, ...ofKey } = limits
  const each = limited(ofKey, name, shared, { ...sorted, key: callerOf })
  const all = limited({ adaptiveConcurrency }, name, undefined, { applyVendorLimits: false })
  return {
    middleware: [...each.middleware, ...all.middleware],
    // There is no headroom of all callers together.
    headroom: () => all.headroom(),
    groups: () => [],
    open: () => each.open(),
    close: () => each.close(),
  }
}

/** By what is said of the call, else the first pattern that matches its model; other calls have the usual priority. */
function priorityOf(byModel: Readonly<Record<string, number>>): (request: ModelRequest) => number {
  const rules = Object.entries(byModel).map(([pattern, rank]) => ({ matches: globMatcher(pattern), rank }))
  return (request) =>
    request.context.priority ??
    rules.find(({ matches }) => matches(request.model))?.rank ??
    rateLimitDefaults.priority(request)
}

function limited(
  limits: RateLimitConfig,
  name: string,
  shared: SharedState | undefined,
  sorted: Sorted = {},
): RunningLimit {
  const { adaptiveConcurrency, groupBy: _, countCacheReads = false, ...more } = omitUndefined(limits)
  const { maxQueued, priority, ...set } = more
  const adaptive = adaptiveConcurrency && { adaptiveConcurrency: omitUndefined(adaptiveConcurrency) }
  if (Object.keys(more).length === 0 && adaptive === undefined) return none
  const sharing = shared && { store: shared.limits }
  const { middleware, limiter, open, close } = createRateLimit({
    ...set,
    ...(maxQueued !== undefined && { maxQueued: maxQueued }),
    priority: priorityOf(priority ?? {}),
    ...adaptive,
    name,
    countCacheReads,
    ...sorted,
    ...sharing,
  })
  return {
    middleware: [middleware],
    headroom: () => limiter()?.headroom(systemClock.now()) ?? {},
    groups: () => limiter()?.groups(systemClock.now()) ?? [],
    open: () => open(),
    close,
  }
}
