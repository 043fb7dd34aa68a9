import { type Fetch, type Target, timeouts, wrapFetch } from '@spillway/attempt'
import {
  type CircuitBreakerOptions,
  circuitBreaker,
  type FallbackOptions,
  fallback,
} from '@spillway/circuit-breaker-fallback'
import {
  deriveRequest,
  listen,
  type Middleware,
  type ModelRequest,
  named,
  type SpillwayEvent,
  stack,
  type Timeouts,
} from '@spillway/middleware'
import { withListener } from '@spillway/middleware/kit'
import { type RateLimitOptions, rateLimit } from '@spillway/rate-limit'
import { type RetryOptions, retry } from '@spillway/retry'
import { endpointTarget, type FallbackEndpoint, type TargetParts } from './fallback-endpoint.ts'

/** What follows calls and attempts, such as a ledger: `{ calls: telemetry(), attempts: attemptTelemetry() }`. */
export interface Observer {
  /** Outermost, around each call. */
  readonly calls: Middleware
  /** Just around the attempts of each target. */
  readonly attempts: Middleware
}

type FallbackTargets = readonly (FallbackEndpoint | Target)[]

/** Each is the policy's own options; `false` leaves the policy out, `undefined` is its defaults. */
export interface ResilientOptions {
  /** Who is asked where the first target fails, in this order; with `targets` the options of `fallback` too. @default false */
  readonly fallback?:
    | FallbackTargets
    | (FallbackOptions & { readonly targets: FallbackTargets })
    | false
    | undefined
  /** Of each target. @default {} */
  readonly retry?: RetryOptions | false | undefined
  /** Of each target. @default {} */
  readonly circuitBreaker?: CircuitBreakerOptions | false | undefined
  /** Of the first target's key. Without limits of your own those that the vendor tells are kept. @default {} */
  readonly rateLimit?: RateLimitOptions | false | undefined
  /** In milliseconds, of all targets. @default {} */
  readonly timeouts?: { readonly [K in keyof Timeouts]?: Timeouts[K] | undefined } | false | undefined
  /** `{ calls: telemetry(), attempts: attemptTelemetry() }` of `@spillway/telemetry`. @default false */
  readonly telemetry?: Observer | false | undefined
  /** A ledger of `@spillway/ledger`. @default false */
  readonly ledger?: Observer | false | undefined
  /** More middleware around the whole call, inside of telemetry: a mirror, or your own. @default [] */
  readonly middleware?: readonly Middleware[] | undefined
  /** Hears of each retry before its wait. What it throws touches no call, and what it returns is not waited for. */
  readonly onRetry?: ((event: SpillwayEvent<'retry.scheduled'>) => unknown) | undefined
  /** Hears of each target that is asked because another one has failed. */
  readonly onFallback?: ((event: SpillwayEvent<'fallback.switched'>) => unknown) | undefined
  /** Hears all events of all calls. */
  readonly onEvent?: ((event: SpillwayEvent) => unknown) | undefined
}

/** The defaults of {@link ResilientOptions}. */
export const resilientDefaults: Required<Omit<ResilientOptions, 'onEvent' | 'onFallback' | 'onRetry'>> = {
  fallback: false,
  retry: {},
  circuitBreaker: {},
  rateLimit: {},
  timeouts: {},
  telemetry: false,
  ledger: false,
  middleware: [],
}

/**
 * A `fetch` with the recommended chain of policies around each model call, for the `fetch` option of any SDK. Set the SDK's own
 * retries off (`maxRetries: 0`). Other requests go straight to `fetch`.
 *
 * There is nothing to close: fallbacks are asked over the same `fetch`, with its proxy and its connections.
 * @throws TypeError for a fallback that nothing says enough of; RangeError for options of a policy out of range
 */
export function resilient(fetch: Fetch = globalThis.fetch, options: ResilientOptions = {}): Fetch {
  return wrapFetch(fetch, resilience(options, fetch))
}

/**
 * The same chain as one middleware, for `createClient({ middleware: [resilience({ … })] })` and the like.
 * @param fetch that fallbacks are asked over
 */
export function resilience(options: ResilientOptions = {}, fetch: Fetch = globalThis.fetch): Middleware {
  const observers = [options.telemetry, options.ledger].flatMap((each) => each || [])
  const attempts = observers.map((observer) => observer.attempts)
  const policies = (name: string, limits: RateLimitOptions): Middleware[] => [
    ...used(options.retry, retry),
    ...used(options.circuitBreaker, (own) => circuitBreaker({ ...own, name: `${own.name ?? ''}${name}` })),
    ...(options.rateLimit === false ? [] : [rateLimit(limits)]),
  ]
  // What is known of the first target's limits says nothing of another one's.
  const partsOf = (name: string): TargetParts => ({
    fetch,
    policies: policies(`/${name}`, {}),
    observers: attempts,
  })
  return stack(
    ...listening(options),
    ...observers.map((observer) => observer.calls),
    ...(options.middleware ?? []),
    ...(options.timeouts ? [timeouts(options.timeouts)] : []),
    ...fallbackOf(options.fallback, partsOf),
    namedByHost(),
    ...policies('', { ...(options.rateLimit || {}) }),
    ...attempts,
  )
}

function used<O extends object>(
  options: O | false | undefined,
  make: (options: O) => Middleware,
): Middleware[] {
  return options === false ? [] : [make(options ?? ({} as O))]
}

function fallbackOf(
  given: ResilientOptions['fallback'],
  partsOf: (name: string) => TargetParts,
): readonly Middleware[] {
  if (!given) return []
  const { targets, ...options }: FallbackOptions & { readonly targets: FallbackTargets } =
    'targets' in given ? given : { targets: given }
  const taken = new Set<string>()
  return [
    fallback(
      targets.map((each) => ('handler' in each ? each : endpointTarget(each, partsOf, taken))),
      options,
    ),
  ]
}

/** The first target is where the SDK sends its calls: events and errors call it by its host. */
function namedByHost(): Middleware {
  const naming: Middleware = (next) => (request) => {
    const name = URL.parse(request.url)?.hostname ?? request.context.target
    return next(deriveRequest(request, { context: { ...request.context, target: name } }))
  }
  return named(naming, 'host', { hidden: true })
}

/** All who hear are listeners of the call, so nothing that they do touches it. */
function listening({ onRetry, onFallback, onEvent }: ResilientOptions): Middleware[] {
  if (onRetry === undefined && onFallback === undefined && onEvent === undefined) return []
  const ofRetries = withListener('retry.scheduled', onRetry)
  const ofFallbacks = withListener('fallback.switched', onFallback)
  const all = (request: ModelRequest): ModelRequest =>
    onEvent === undefined ? request : listen(request, onEvent)
  const middleware: Middleware = (next) => (request) => next(all(ofFallbacks(ofRetries(request))))
  return [named(middleware, 'events', { hidden: true })]
}
