import type { Handler, ModelRequest } from '@spillway/middleware'
import { definedOnly, guardHook } from '@spillway/middleware/kit'

/** One of the endpoints that calls are spread over. */
export interface EndpointOptions {
  /** Unique; the name in events, metrics and states. */
  readonly name: string
  /** The endpoint's own chain: breaker, limits, authentication, client. */
  readonly handler: Handler
  /**
   * Its share beside the weights of the others, above 0.
   * @default 1
   */
  readonly weight?: number
  /**
   * The name, never the value, of the key that it uses. Endpoints that name the same key lose it together. `null`: each
   * caller brings its own, so that one which is refused or paced says nothing about the calls of others; see
   * {@link RoutingOptions.caller}.
   * @default a separate key
   */
  readonly key?: string | null
}

/** When an endpoint is left out because it does worse than the others. The terms are Envoy's. */
export interface EjectionOptions {
  /**
   * So many failures in a row, 1 or more.
   * @default 5
   */
  readonly consecutiveFailures: number
  /**
   * This share of the calls of a window, above 0 and up to 1, where that is at least twice the others' share.
   * @default 0.5
   */
  readonly failureRate: number
  /**
   * A median time to first token that is so many times that of the others, above 1.
   * @default 5
   */
  readonly latencyFactor: number
  /**
   * Fewer calls in a window than this prove neither a rate nor a latency.
   * @default 10
   */
  readonly minimumCalls: number
  /**
   * Milliseconds of the first ejection; each further one lasts twice as long.
   * @default 5000
   */
  readonly baseTime: number
  /**
   * No ejection is longer, in milliseconds. Also how long an endpoint must do well for its ejections to be forgotten.
   * @default 30000
   */
  readonly maxTime: number
  /**
   * The share of endpoints that may be ejected at a time, 0 to 1, rounded up; one always stays.
   * @default 0.5
   */
  readonly maxEjected: number
}

/** How long a key is left out that the vendor refuses: 401, 402, permission, billing. */
export interface KeyOptions {
  /**
   * Milliseconds the first time; then twice as long each time.
   * @default 10000
   */
  readonly baseTime: number
  /**
   * Never longer, in milliseconds.
   * @default 600000
   */
  readonly maxTime: number
  /**
   * How many keys that callers bring themselves are remembered while the vendor refuses or paces them, 1 or more; beyond
   * that, those are forgotten of which nothing bad was heard for longest.
   * @default 10000
   */
  readonly maxCallers: number
}

/** How calls of one conversation stay on one endpoint, where their prompt cache is. */
export interface AffinityOptions {
  /**
   * How many conversations are remembered that are not where their hash would have them, since they had to move; beyond
   * that, those that were silent longest return there. About 80 bytes each.
   * @default 25000
   */
  readonly maxConversations: number
  /**
   * A first turn, or one that has to move, does not go to an endpoint that would then have more than so many times its
   * share of the calls in flight; 1 or more.
   * @default 1.5
   */
  readonly boundedLoad: number
}

/** When a call is sent a second time, to another endpoint, because the first takes long to answer. */
export interface HedgeOptions {
  /** After so many milliseconds, or after the 95th percentile of the recent times to first token. */
  readonly after: 'p95' | number
  /** Hedges for each call, over all calls: 0.05 means at most one for twenty. Above 0, up to 1. */
  readonly maxExtra: number
  /**
   * Asked before each hedge that `maxExtra` allows, and charged when it agrees: a budget that hedges share with others,
   * such as that of retries: `budget: (request) => retryBudget.withdraw(undefined, request)`.
   * @default none
   */
  readonly budget?: (request: ModelRequest) => boolean
}

export interface RoutingOptions {
  /**
   * Milliseconds that failure rates and latencies look back.
   * @default 30000
   */
  readonly window?: number
  /**
   * Milliseconds after which a high time to first token has lost two thirds of its weight in the balance.
   * @default 10000
   */
  readonly decay?: number
  /**
   * How long a vendor's 429 keeps calls from the endpoints of a key at most, in milliseconds, whatever wait it names.
   * After that, the next call shows whether the vendor still refuses.
   * @default 600000
   */
  readonly maxRetryAfter?: number
  /** What is left out of {@link EjectionOptions} keeps its default; `false` ejects no endpoint. */
  readonly ejection?: Partial<EjectionOptions> | false
  /**
   * Who calls, by a name that may be shown, such as a fingerprint of the caller's key: for endpoints with the key `null`.
   * Refusals, pauses and conversations there are kept for each caller.
   * @default undefined: nothing is learnt from what the vendor says of a caller's key
   */
  readonly caller?: (request: ModelRequest) => string
  /** What is left out of {@link KeyOptions} keeps its default. */
  readonly keys?: Partial<KeyOptions>
  /** What is left out of {@link AffinityOptions} keeps its default; `false` treats every call by itself. */
  readonly affinity?: Partial<AffinityOptions> | false
  /**
   * Costs money: what a hedge generates is paid for, whoever wins.
   * @default false
   */
  readonly hedge?: HedgeOptions | false
}

/** The options with nothing left out. */
export interface RoutingSettings {
  readonly window: number
  readonly decay: number
  readonly maxRetryAfter: number
  readonly ejection: EjectionOptions | false
  readonly keys: KeyOptions
  readonly affinity: AffinityOptions | false
  readonly hedge: HedgeOptions | false
}

/** The defaults of {@link RoutingOptions}. */
export const routingDefaults: {
  readonly window: number
  readonly decay: number
  readonly maxRetryAfter: number
  readonly ejection: EjectionOptions
  readonly keys: KeyOptions
  readonly affinity: AffinityOptions
  readonly hedge: false
} = {
  window: 30_000,
  decay: 10_000,
  maxRetryAfter: 600_000,
  ejection: {
    consecutiveFailures: 5,
    failureRate: 0.5,
    latencyFactor: 5,
    minimumCalls: 10,
    baseTime: 5_000,
    maxTime: 30_000,
    maxEjected: 0.5,
  },
  keys: { baseTime: 10_000, maxTime: 600_000, maxCallers: 10_000 },
  affinity: { maxConversations: 25_000, boundedLoad: 1.5 },
  hedge: false,
}

/**
 * Completes options by their defaults.
 * @throws RangeError for endpoints or options out of range
 */
export function readOptions(endpoints: readonly EndpointOptions[], options: RoutingOptions): RoutingSettings {
  const { ejection, affinity, keys, hedge } = options
  const settings: RoutingSettings = {
    window: options.window ?? routingDefaults.window,
    decay: options.decay ?? routingDefaults.decay,
    maxRetryAfter: options.maxRetryAfter ?? routingDefaults.maxRetryAfter,
    ejection: ejection === false ? false : { ...routingDefaults.ejection, ...definedOnly(ejection) },
    keys: { ...routingDefaults.keys, ...definedOnly(keys) },
    affinity: affinity === false ? false : { ...routingDefaults.affinity, ...definedOnly(affinity) },
    hedge: hedge ? guardedHedge(hedge) : false,
  }
  checkEndpoints(endpoints)
  within('window', settings.window, { above: 0 })
  within('decay', settings.decay, { above: 0 })
  within('maxRetryAfter', settings.maxRetryAfter, { from: 0 })
  within('keys.baseTime', settings.keys.baseTime, { from: 0 })
  within('keys.maxTime', settings.keys.maxTime, { from: 0 })
  within('keys.maxCallers', settings.keys.maxCallers, { from: 1 })
  if (settings.ejection) checkEjection(settings.ejection)
  if (settings.affinity) {
    within('affinity.maxConversations', settings.affinity.maxConversations, { from: 1 })
    within('affinity.boundedLoad', settings.affinity.boundedLoad, { from: 1 })
  }
  if (settings.hedge) {
    if (settings.hedge.after !== 'p95') within('hedge.after', settings.hedge.after, { from: 0 })
    within('hedge.maxExtra', settings.hedge.maxExtra, { above: 0, to: 1 })
  }
  return settings
}

/** A budget that is broken pays for no hedges. */
function guardedHedge(hedge: HedgeOptions): HedgeOptions {
  const { budget } = hedge
  if (budget === undefined) return hedge
  const isBoolean = (answer: unknown): boolean => typeof answer === 'boolean'
  return { ...hedge, budget: guardHook('routing.hedge.budget', budget, () => false, isBoolean) }
}

function checkEndpoints(endpoints: readonly EndpointOptions[]): void {
  if (endpoints.length === 0) throw new RangeError('routing needs at least one endpoint')
  const names = new Set<string>()
  for (const { name, weight } of endpoints) {
    if (names.has(name)) throw new RangeError(`routing has two endpoints of the name ${name}`)
    names.add(name)
    if (weight !== undefined) within(`weight of ${name}`, weight, { above: 0 })
    if (weight === Infinity) throw new RangeError(`routing.weight of ${name} must be finite`)
  }
}

function checkEjection(ejection: EjectionOptions): void {
  within('ejection.consecutiveFailures', ejection.consecutiveFailures, { from: 1 })
  within('ejection.failureRate', ejection.failureRate, { above: 0, to: 1 })
  within('ejection.latencyFactor', ejection.latencyFactor, { above: 1 })
  within('ejection.minimumCalls', ejection.minimumCalls, { from: 1 })
  within('ejection.baseTime', ejection.baseTime, { from: 0 })
  within('ejection.maxTime', ejection.maxTime, { from: 0 })
  within('ejection.maxEjected', ejection.maxEjected, { from: 0, to: 1 })
}

function within(
  name: string,
  value: number,
  range: { readonly from?: number; readonly above?: number; readonly to?: number },
): void {
  const { from = -Infinity, above = -Infinity, to = Infinity } = range
  if (value >= from && value > above && value <= to) return
  const least = range.from === undefined ? `above ${range.above}` : `${range.from} or more`
  const greatest = range.to === undefined ? '' : ` and at most ${range.to}`
  throw new RangeError(`routing.${name} must be ${least}${greatest}, but is ${value}`)
}
