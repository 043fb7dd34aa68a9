import { type CircuitBreaker, createCircuitBreaker } from '@spillway/circuit-breaker-fallback'
import { type Client, createClient } from '@spillway/core-client'
import type { Vault } from '@spillway/key-vault'
import { type Handler, type Middleware, type ModelRequest, named, useModel } from '@spillway/middleware'
import { fieldOf } from '@spillway/middleware/kit'
import { hideVendorLimits } from '@spillway/rate-limit'
import {
  type ChatDialectName,
  chatDialects,
  dialectOfUrl,
  includeUsage,
  translate,
} from '@spillway/translation'
import { callerOf } from './caller.ts'
import { ofThisVenueAlone } from './callers-credential.ts'
import {
  type Config,
  type EndpointConfig,
  ownLimitsOf,
  type TargetConfig,
  timeoutsOf,
} from './config/config.ts'
import { networkOf } from './config/network-problems.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import { hasCallsAlone, isVenue } from './config/venue-config.ts'
import { withoutForeignSpillway } from './foreign-headers.ts'
import type { Books } from './ledger/books.ts'
import type { Upstream } from './ledger/upstream.ts'
import { openRouterFields } from './openrouter-fields.ts'
import type { RunningLimit } from './rate-limits.ts'
import { type ReadAnswer, readAnswer, readJson } from './read-json.ts'
import { speaksResponses } from './responses-callers.ts'
import { safeUrl } from './safe-url.ts'
import type { SharedState } from './shared-state.ts'
import { asksOtherModels } from './target-model.ts'
import type { Observability } from './telemetry/observability.ts'
import { credentialOf } from './venues/venue-credential.ts'
import { pricesOfEndpoint } from './venues/venue-prices.ts'
import { addressOf, lowerCase, ownWords, plainHeaders, providerOf } from './venues/venue-profile.ts'

/** An endpoint of a target: its chain, and what can be read of it. */
export interface RunningEndpoint {
  readonly name: string
  readonly handler: Handler
  /** Undefined where the configuration wants none. */
  readonly breaker: CircuitBreaker | undefined
  /** What is used of the limits of its key. */
  readonly headroom: RunningLimit['headroom']
  /** The same by limit group of the vendor, with what a 429 has closed. */
  readonly limitGroups: RunningLimit['groups']
  readonly openLimits: RunningLimit['open']
  /** Reads a path of the endpoint with its own credential; undefined where it has none, or is no server. */
  readonly read?: ((path: string, headers: Readonly<Record<string, string>>) => Promise<unknown>) | undefined
  /** Who is paid, and how much; undefined for a model in this process. */
  readonly paid?: Pick<Upstream, 'provider' | 'prices'> | undefined
  /** For what is no model call; undefined for a model in this process, and where Claude is sold without batches and files. */
  readonly client?: Pick<Client, 'baseUrl' | 'fetch'> | undefined
  /** Whether all callers use its one credential, so that what the vendor says of its limits is no single caller's quota. */
  readonly isShared?: boolean | undefined
  /** The same for whoever calls: with its own credential where it has one, else with what the headers present. */
  readonly readAs?:
    | ((path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal) => Promise<ReadAnswer>)
    | undefined
  close(): Promise<void>
}

/** What all endpoints of a gateway use together. */
export interface Resources {
  readonly shared?: SharedState | undefined
  readonly vault?: Vault | undefined
  readonly books?: Pick<Books, 'attempts' | 'book'> | undefined
  /** Whether the chains are only looked at: no model is loaded then. */
  readonly isDry?: boolean | undefined
  readonly observability?: Pick<Observability, 'attempts'> | undefined
  /** Told what the owner should know. */
  readonly log?: ((line: string) => void) | undefined
}

export interface EndpointSetup {
  readonly target: string
  readonly settings: TargetConfig
  readonly endpoint: EndpointConfig
  /** The limit of the endpoint's key, which endpoints with the same key share. */
  readonly limit: RunningLimit
  readonly config: Config
  readonly resources: Resources
}

/** Circuit breaker, rate limit, model, translation, client: what is one endpoint's own. */
export function openEndpoint(setup: EndpointSetup): RunningEndpoint {
  const { target, settings, endpoint, limit, resources } = setup
  const name = endpoint.name as string
  const sharing = { name: `${target}/${name}`, shared: resources.shared }
  const breaker = breakerOf(setup.config, settings, sharing, endpoint.credential)
  const url = addressOf(endpoint)
  const forwarded = [...(endpoint.forwardHeaders ?? []), ...Object.keys(lowerCase(endpoint.headers ?? {}))]
  const client: Client = createClient({
    ...providerOf(settings, endpoint),
    name: target,
    timeouts: ownLimitsOf(settings),
    pool: {
      ...endpoint.pool,
      connections: endpoint.connections,
      http2: endpoint.http2,
      ...networkOf(endpoint),
      connectTimeout: timeoutsOf(setup.config, settings).connect,
    },
    ...credentialOf(endpoint, resources.vault),
    forwardHeaders: forwarded,
    middleware: [
      // Callers that share a key would take its limits for their own.
      ...(endpoint.credential === 'caller'
        ? [ofThisVenueAlone({ api: endpoint.api ?? settings.api, url })]
        : [hideVendorLimits()]),
      ...(breaker === undefined ? [] : [breaker.middleware]),
      ...limit.middleware,
      // Else the target does, so that another model may be asked where this one declines.
      ...(settings.model === undefined || asksOtherModels(setup.config, settings)
        ? []
        : [useModel(settings.model)]),
      ...translationOf(settings, url),
      // Beside the client, since translation knows nothing of them.
      ...(settings.openrouter === undefined ? [] : [openRouterFields(settings.openrouter)]),
      ...usageOf(settings, url),
      // Where a venue's form says what got lost, its own header stays.
      ...(isVenue(endpoint.api) ? [] : [withoutForeignSpillway]),
      ...innermostOf(setup),
      ...ownWords(settings, endpoint),
    ],
  })
  const plain = plainClientOf(client, endpoint)
  return {
    name,
    handler: client.handler,
    breaker,
    headroom: limit.headroom,
    limitGroups: limit.groups,
    openLimits: limit.open,
    read:
      plain === undefined || endpoint.credential === 'caller'
        ? undefined
        : (path, headers) => readJson(plain, path, headers),
    paid: paidAt(setup),
    client: plain,
    isShared: endpoint.credential !== 'caller',
    readAs:
      plain &&
      ((path, headers, signal) => readAnswer(plain, path, headers, { largest: largestList, signal })),
    async close() {
      breaker?.close()
      limit.close()
      await client.close()
    },
  }
}

/** For models, files and batches; undefined where Claude is sold without these. */
function plainClientOf(client: Client, endpoint: EndpointConfig): RunningEndpoint['client'] {
  if (hasCallsAlone(endpoint.api)) return undefined
  const added = plainHeaders(endpoint)
  if (Object.keys(added).length === 0) return client
  const fetch: Client['fetch'] = (input, init = {}) => {
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(added)) headers.set(name, value)
    return client.fetch(input, { ...init, headers })
  }
  return { baseUrl: client.baseUrl, fetch }
}

/** OpenRouter tells of each of its 400 models in 4 kB. */
const largestList = 8 * 1024 * 1024

/** The circuits of an endpoint; under a name they are shared with other gateways. */
export function breakerOf(
  config: Config,
  settings: TargetConfig,
  sharing: { readonly name?: string; readonly shared?: SharedState | undefined } = {},
  credential?: string,
): CircuitBreaker | undefined {
  const { enabled = true, ...set } = { ...config.circuitBreaker, ...settings.circuitBreaker }
  if (!enabled) return undefined
  const { name = '', shared } = sharing
  const together = shared === undefined ? {} : { name, shared: shared.breakers }
  const byCaller = credential === 'caller' ? { credential: callerOf } : {}
  return createCircuitBreaker({ ...omitUndefined(set), ...together, ...byCaller })
}

function innermostOf({ target, settings, endpoint, resources }: EndpointSetup): Middleware[] {
  const { name = '', credential } = endpoint
  return observersOf(resources, {
    ...{ target, endpoint: name, credential, url: safeUrl(addressOf(endpoint)) },
    ...paidAt({ settings, endpoint }),
  })
}

function paidAt({
  settings,
  endpoint,
}: Pick<EndpointSetup, 'settings' | 'endpoint'>): Pick<Upstream, 'provider' | 'prices'> {
  return { provider: endpoint.api ?? settings.api, prices: pricesOfEndpoint(settings, endpoint) }
}

/** The innermost policies, around the attempts of an endpoint. */
export function observersOf({ books, observability }: Resources, upstream: Upstream): Middleware[] {
  return [books, observability].flatMap((each) => each?.attempts(upstream) ?? [])
}

/** The others tell it without being asked. */
function usageOf(settings: TargetConfig, url: string): Middleware[] {
  const { api, responses, includeUsage: isAsked = true } = settings
  const speaksChat = api === 'ollama' || (api === 'openai' && responses !== 'only')
  const canAsk = speaksChat && (api === 'ollama' || chatDialects[dialectOf(settings, url)].streamOptions)
  return isAsked && canAsk ? [includeUsage()] : []
}

function dialectOf({ dialect }: TargetConfig, url: string): ChatDialectName {
  return dialect ?? dialectOfUrl(url)
}

/** What each API does not speak by itself. */
function translationOf(settings: TargetConfig, url: string): Middleware[] {
  const { api } = settings
  if (api === 'anthropic') return [translate({ to: 'anthropic' })]
  if (api === 'openai') {
    if (settings.responses === 'only') return [translate({ to: 'responses' })]
    return [
      translate({ to: 'openai', dialect: dialectOf(settings, url), responses: speaksResponses(settings) }),
    ]
  }
  // Both protocols, but for the count of tokens, which is answered with an estimate, and for what Ollama passes over.
  const toChat = translate({ to: 'openai', dialect: api === 'ollama' ? 'ollama' : 'openrouter' })
  const asNeeded: Middleware = (next) => {
    const translated = toChat(next)
    return (request) => {
      const isTranslated = request.operation === 'count_tokens' || (api === 'ollama' && isPassedOver(request))
      return isTranslated ? translated(request) : next(request)
    }
  }
  return [named(asNeeded, 'translate', { options: { to: 'openai where needed' } })]
}

/**
 * Whether a Messages request asks for what Ollama's Messages endpoint passes over without a word: a schema, which its chat
 * endpoint keeps to, or a tool that must be called, which gets lost openly in translation.
 */
function isPassedOver({ api, operation, body }: ModelRequest): boolean {
  if (api !== 'anthropic' || operation !== 'generate') return false
  try {
    const type = typeOf(fieldOf(body, 'tool_choice'))
    if (type !== undefined && type !== 'auto') return true
    const { format } = (fieldOf(body, 'output_config') ?? {}) as { readonly format?: unknown }
    return format != null || fieldOf(body, 'output_format') != null
  } catch {
    // Only the server can judge such a body.
    return false
  }
}

function typeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
}
