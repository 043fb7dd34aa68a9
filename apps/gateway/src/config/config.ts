import type { alertKinds } from '@spillway/gateway-api'
import type { Timeouts } from '@spillway/middleware'
import { defaultTimeouts } from '@spillway/middleware/kit'
import type { AffinityOptions, EjectionOptions, KeyOptions } from '@spillway/routing'
import type { ChatDialectName } from '@spillway/translation'
import type { WrittenLimit } from '../budgets/limit-text.ts'
import type { Http2Limits } from '../http2/http2-limits.ts'
import type { SheddingLimits } from '../shedding/load-shedder.ts'
import type { Priority } from '../shedding/priority.ts'
import type { ServerTlsConfig } from '../tls/tls-config.ts'
import type { OidcConfig } from './oidc-config.ts'
import type { PriceConfig } from './prices.ts'
import type { ClaudeApi, VenueConfig } from './venue-config.ts'

/** Options of which each may be left out. */
type Loosely<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** Limits as the file names them, in milliseconds; Infinity for `none`. */
export type TimeoutsConfig = { readonly [K in keyof Timeouts]?: number | undefined }

export interface RetryConfig {
  readonly attempts?: number | undefined
  readonly baseDelay?: number | undefined
  readonly maxDelay?: number | undefined
  readonly minDelay?: number | undefined
  readonly multiplier?: number | undefined
  readonly jitter?: 'full' | 'equal' | 'decorrelated' | 'none' | undefined
  readonly maxWaitWithFallback?: number | undefined
  readonly budget?: number | undefined
}

export interface RateLimitConfig {
  readonly requestsPerMinute?: number | undefined
  readonly requestsPerSecond?: number | undefined
  readonly inputTokensPerMinute?: number | undefined
  readonly outputTokensPerMinute?: number | undefined
  readonly concurrency?: number | undefined
  readonly countRequestsPerMinute?: number | undefined
  readonly countCacheReads?: boolean | undefined
  readonly maxWait?: number | undefined
  readonly maxWaitWithFallback?: number | undefined
  readonly maxQueued?: number | undefined
  /** By patterns of the model that is asked for; 0 goes first, 9 last. */
  readonly priority?: Readonly<Record<string, number>> | undefined
  readonly ageing?: number | undefined
  readonly maxKeys?: number | undefined
  readonly maxRetryAfter?: number | undefined
  /** What the vendor limits by; windows and 429s are kept for each. */
  readonly groupBy?: 'family' | 'model' | 'key' | undefined
  readonly adaptiveConcurrency?:
    | {
        readonly initial?: number | undefined
        readonly min?: number | undefined
        readonly max?: number | undefined
        readonly tolerance?: number | undefined
        readonly measureEvery?: number | undefined
      }
    | undefined
}

export interface CircuitBreakerConfig {
  readonly enabled?: boolean | undefined
  readonly window?: number | undefined
  readonly minimumCalls?: number | undefined
  readonly failureRate?: number | undefined
  readonly openFor?: number | undefined
  readonly halfOpenProbes?: number | undefined
  readonly slowCallThreshold?: number | undefined
  readonly slowCallRate?: number | undefined
  readonly probeTimeout?: number | undefined
  readonly maxKeys?: number | undefined
}

/** How calls wait for connections to an endpoint, and how long these are kept. */
export interface PoolConfig {
  readonly maxQueued?: number | undefined
  readonly maxWait?: number | undefined
  readonly maxWaitWithFallback?: number | undefined
  readonly keepAliveTimeout?: number | undefined
}

/** How calls are spread over the endpoints of a target. */
export interface RoutingConfig {
  readonly window?: number | undefined
  readonly decay?: number | undefined
  readonly maxRetryAfter?: number | undefined
  /** `false`: conversations do not stay on one endpoint. */
  readonly affinity?: boolean | Loosely<AffinityOptions> | undefined
  /** `false`: no endpoint is left out for doing worse than the others. */
  readonly ejection?: boolean | Loosely<EjectionOptions> | undefined
  readonly keys?: Loosely<KeyOptions> | undefined
  /** A second attempt at another endpoint after so many milliseconds, or the p95 of time to first token. */
  readonly hedge?:
    | { readonly after?: 'p95' | number | undefined; readonly maxExtra?: number | undefined }
    | undefined
}

/** What the owner of a target knows better than the table of models. */
export interface CapabilitiesConfig {
  readonly contextTokens?: number | undefined
  readonly images?: boolean | undefined
  readonly documents?: boolean | undefined
  readonly tools?: boolean | undefined
}

/** OpenRouter's own fields, added to requests that have not set them. */
export interface OpenRouterConfig {
  readonly models?: readonly string[] | undefined
  readonly provider?: Readonly<Record<string, unknown>> | undefined
}

export interface EndpointConfig extends VenueConfig {
  /** What it speaks by itself, in a target with api `anthropic`. */
  readonly api?: ClaudeApi | undefined
  /** Its name in events and metrics; its number where it has none. */
  readonly name?: string | undefined
  /** Its share beside the others'. */
  readonly weight?: number | undefined
  /** Left out only where `api` is a cloud; see `addressOf`. */
  readonly url?: string | undefined
  /** `env:NAME`, `vault:NAME`, `caller`, `aws`, `google` or `azure`. */
  readonly credential?: string | undefined
  /** How the key is sent, where it is not as usual there. */
  readonly auth?: 'x-api-key' | 'bearer' | undefined
  /** What each call has besides; never a credential. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Calls that may have a connection to it at the same time; no limit where it is left out. */
  readonly connections?: number | undefined
  /** Offer HTTP/2 where it speaks TLS. */
  readonly http2?: boolean | undefined
  readonly pool?: PoolConfig | undefined
  /** `none`, `env:NAME`, or the URL of a proxy; the environment's (`HTTPS_PROXY`) where it is left out. */
  readonly proxy?: string | undefined
  /** Files: certificates that are trusted besides the public ones; those that the gateway shows. */
  readonly tls?: TlsConfig | undefined
  /** Callers' headers that go there besides those that its protocol defines. */
  readonly forwardHeaders?: readonly string[] | undefined
}

export interface TlsConfig {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** `env:NAME` */
  readonly passphrase?: string | undefined
}

/** The policies that can be set for all targets and for one. */
export interface PolicyConfig {
  readonly timeouts?: TimeoutsConfig | undefined
  readonly retry?: RetryConfig | undefined
  readonly rateLimit?: RateLimitConfig | undefined
  readonly circuitBreaker?: CircuitBreakerConfig | undefined
}

export interface TargetConfig extends PolicyConfig {
  readonly api: 'anthropic' | 'openrouter' | 'openai' | 'ollama' | 'embedded'
  readonly endpoints?: readonly EndpointConfig[] | undefined
  /** Every request on this target uses it; with api `embedded`, the path of a .gguf file. */
  readonly model?: string | undefined
  /** What models are called at endpoints: ids by the name or the api of an endpoint. */
  readonly models?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined
  readonly routing?: RoutingConfig | undefined
  readonly capabilities?: CapabilitiesConfig | undefined
  readonly openrouter?: OpenRouterConfig | undefined
  /** With api `embedded`: how the model runs. */
  readonly embedded?:
    | {
        readonly maxQueued?: number | undefined
        readonly maxThreads?: number | undefined
        readonly gpu?: false | 'auto' | 'metal' | 'cuda' | 'vulkan' | undefined
        readonly thinkingTokens?: number | undefined
      }
    | undefined
  /** With api `openai`: what the server takes of translated requests. By default told by the host of each endpoint. */
  readonly dialect?: Exclude<ChatDialectName, 'ollama'> | undefined
  /** With api `openai`: whether the server has the Responses API, or nothing else. By default true where its dialect is `openai`. */
  readonly responses?: boolean | 'only' | undefined
  /** Whether streams of chat completions are asked for their usage. */
  readonly includeUsage?: boolean | undefined
  /** What its models cost; these replace the published prices. */
  readonly prices?: readonly PriceConfig[] | undefined
}

export interface RouteConfig {
  /** A model name; `*` matches any characters. */
  readonly models: string
  readonly target: string
  readonly fallback: readonly string[]
  /** Of its calls, where they are less important than their clients say. */
  readonly priority?: Priority | undefined
}

/** The keys that belong to `kind` and no others. */
export interface VaultConfig {
  readonly kind: 'age' | 'passphrase' | 'kms' | 'transit' | 'keychain'
  readonly file: string
  /** `false`: the gateway starts though the vault cannot be opened. */
  readonly required?: boolean | undefined
  /** Secrets of another one are refused. */
  readonly environment?: string | undefined
  readonly cache?:
    | {
        readonly keepFor?: number | undefined
        readonly refreshAhead?: number | undefined
        readonly checkEvery?: number | undefined
        readonly grace?: number | undefined
      }
    | undefined
  /** What the vault is bound to. Not secret. */
  readonly context?: Readonly<Record<string, string>> | undefined
  /** Holds the age identity or the passphrase. */
  readonly keyFile?: string | undefined
  /** `env:NAME`, in place of a key file. */
  readonly identity?: string | undefined
  readonly passphrase?: string | undefined
  readonly workFactor?: number | undefined
  /** Of KMS: key id, ARN or alias. Of transit: its name. */
  readonly key?: string | undefined
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  /** Seal by KMS itself, without a data key. */
  readonly direct?: boolean | undefined
  readonly url?: string | undefined
  /** `env:NAME` or `file:PATH`. */
  readonly token?: string | undefined
  readonly mount?: string | undefined
  readonly namespace?: string | undefined
  readonly requestTimeout?: number | undefined
  /** As of an endpoint. */
  readonly proxy?: string | undefined
  readonly service?: string | undefined
  readonly account?: string | undefined
}

/** Where the ledger and the audit log are kept. */
export interface StorageConfig {
  /** `sqlite:FILE`, `postgres://…`, or `env:NAME` for a variable that holds one of these. */
  readonly url: string
  /** A folder of this gateway's own for what waits while the database is unavailable. */
  readonly journal?: string | undefined
  /** `env:NAME` or `vault:NAME`; of a list the first one signs the audit log, and the others did before. */
  readonly auditKey?: string | readonly string[] | undefined
  /** How long each is kept, in milliseconds; Infinity for ever. */
  readonly retention?:
    | {
        /** Calls and attempts, one by one. */
        readonly calls?: number | undefined
        readonly sums?: number | undefined
        readonly audit?: number | undefined
        readonly every?: number | undefined
      }
    | undefined
  readonly writer?:
    | {
        readonly maxBuffered?: number | undefined
        readonly maxRows?: number | undefined
        readonly maxWait?: number | undefined
        readonly maxJournalBytes?: number | undefined
        readonly writeTimeout?: number | undefined
      }
    | undefined
  readonly reads?:
    | { readonly timeout?: number | undefined; readonly maxWaiting?: number | undefined }
    | undefined
  readonly postgres?:
    | {
        readonly connections?: number | undefined
        readonly connectTimeout?: number | undefined
        readonly statementTimeout?: number | undefined
      }
    | undefined
}

/** `budgets` of the file. */
export interface BudgetsConfig {
  /** For all callers together. */
  readonly all?: readonly WrittenLimit[] | undefined
  /** For each caller by itself that has no limit of the same unit and period. */
  readonly eachClient?: readonly WrittenLimit[] | undefined
  /** What callers are told to do when a budget is spent. */
  readonly contact?: string | undefined
}

/** Who is told of incidents. */
export interface AlertConfig {
  readonly to: 'webhook' | 'slack'
  readonly name?: string | undefined
  /** `env:NAME` or `vault:NAME` */
  readonly url: string
  /** The same; of a list each signs. */
  readonly secret?: string | readonly string[] | undefined
  readonly on?: readonly (typeof alertKinds)[number][] | undefined
  readonly after?: number | undefined
  readonly quietFor?: number | undefined
  /** As of an endpoint. */
  readonly proxy?: string | undefined
}

/** A valid configuration; durations in milliseconds. */
export interface Config extends PolicyConfig {
  readonly server: {
    readonly host: string
    readonly port: number
    /** How many processes serve, started by `spillway start`; `auto` is one for each core. @default 1 */
    readonly workers?: number | 'auto' | undefined
    readonly auth: 'none' | 'keys'
    /** Whether the dashboard, `/api` and `/metrics` ask who is there; by default where clients are asked too. */
    readonly admin?: 'open' | 'login' | undefined
    /** `env:NAME` or `vault:NAME`: the key that fingerprints of callers' keys are made with. */
    readonly fingerprintKey?: string | undefined
    /** Ids of files, responses and containers at the vendor that no client was seen to make. @default refuse */
    readonly unknownIds?: 'refuse' | 'pass' | undefined
    /** What happens to calls in flight whose client is revoked. @default finish */
    readonly onRevoke?: 'finish' | 'cut' | undefined
    /** Where client keys are kept, for `auth: keys` and `admin: login`. */
    readonly clientsFile?: string | undefined
    /** The identity provider whose tokens clients present, and at which people log in. */
    readonly oidc?: OidcConfig | undefined
    /** The same in PostgreSQL: `storage` for the database of the ledger, `env:NAME` or a URL. */
    readonly clientsDatabase?: string | undefined
    readonly keepAliveAfter?: number | undefined
    /** Further hosts that requests may name: `gateway.internal`, `*.example.com`, each also with a port. */
    readonly allowedHosts?: readonly string[] | undefined
    /** Origins whose web pages may use the gateway, as browsers write them; `scheme://*` for all of a scheme. */
    readonly allowedOrigins?: readonly string[] | undefined
    /** Undefined: without TLS. */
    readonly tls?: ServerTlsConfig | undefined
    /** `false`: HTTP/1.1 alone. */
    readonly http2?: boolean | Loosely<Http2Limits> | undefined
    /** Networks of proxies whose word on who asks is taken. */
    readonly trustProxy?: readonly string[] | undefined
    /** That other machines may reach the gateway is meant, though it does not authenticate clients. */
    readonly exposed?: boolean | undefined
    /** Bytes of requests that are held at a time. */
    readonly maxInFlightBytes?: number | undefined
    /** Connections at a time. */
    readonly maxConnections?: number | undefined
    /** How long a client may take none of what is written to it. */
    readonly stallTimeout?: number | undefined
    /** How long a client may send nothing of a body that it has begun. */
    readonly bodyTimeout?: number | undefined
    readonly headersTimeout?: number | undefined
    /** How long an idle connection of a client stays open. */
    readonly keepAliveTimeout?: number | undefined
    /** The largest body of a request. */
    readonly maxRequestBytes?: number | undefined
    /** The largest answer that is not streamed. */
    readonly maxResponseBytes?: number | undefined
    /** When calls are refused since the gateway is saturated, the least important first. */
    readonly loadShedding?: Loosely<SheddingLimits> | undefined
    /** How long calls are still taken, while `/readyz` answers 503, when the gateway is stopped. */
    readonly drainDelay?: number | undefined
    /** How long calls in flight may go on when the gateway is stopped. */
    readonly drainFor?: number | undefined
    /** The live view of the dashboard. */
    readonly live?:
      | {
          readonly maxClients?: number | undefined
          readonly maxWaiting?: number | undefined
          readonly pingEvery?: number | undefined
        }
      | undefined
    readonly log?: LogConfig | undefined
  }
  readonly targets: Readonly<Record<string, TargetConfig>>
  readonly routes: readonly RouteConfig[]
  /** What holds for each caller by itself, over all targets. */
  readonly tenants?:
    | {
        readonly rateLimit?: RateLimitConfig | undefined
        /** What the dashboard calls them, by their fingerprints. */
        readonly names?: Readonly<Record<string, string>> | undefined
      }
    | undefined
  /** What may be used in each period, whoever calls. */
  readonly budgets?: BudgetsConfig | undefined
  readonly fallback?:
    | {
        readonly reserve?: number | undefined
        readonly midStream?: 'fail' | 'restart' | 'continue' | undefined
        readonly refusal?: ModelRefusalConfig | undefined
      }
    | undefined
  /** Where `vault:NAME` is looked up. */
  readonly vault?: VaultConfig | undefined
  readonly mirror?:
    | readonly {
        readonly from: string
        readonly to: string
        readonly sample: number
        readonly concurrency?: number | undefined
        readonly callsPerMinute?: number | undefined
        readonly timeout?: number | undefined
        readonly maxBytes?: number | undefined
      }[]
    | undefined
  readonly storage?: StorageConfig | undefined
  readonly alerts?: readonly AlertConfig[] | undefined
  readonly state?:
    | {
        readonly redis?: string | undefined
        readonly prefix?: string | undefined
        readonly timeout?: number | undefined
        readonly recovery?: number | undefined
        readonly lease?: number | undefined
        readonly processes?: number | undefined
      }
    | undefined
  readonly telemetry?:
    | {
        readonly otlp?: string | null | undefined
        /** As of an endpoint. */
        readonly proxy?: string | undefined
        readonly exportEvery?: number | undefined
        readonly captureContent?: boolean | undefined
        readonly maxContentLength?: number | undefined
        readonly conventions?: 'published' | 'latest' | undefined
        readonly maxModels?: number | undefined
      }
    | undefined
}

/** How the gateway says what happens. */
export interface LogConfig {
  /** For people or for machines: one JSON object a line. */
  readonly format?: 'pretty' | 'json' | undefined
  /** The least important that is said: `warn` leaves out what is routine. */
  readonly level?: 'error' | 'warn' | 'info' | undefined
  /** Appended to, in place of standard output and standard error. */
  readonly file?: string | undefined
}

/** What happens when a Claude model declines. */
export interface ModelRefusalConfig {
  /** In their order; by patterns of the model asked for, the first that matches. Undefined: as the vendor publishes them. */
  readonly models?: readonly string[] | Readonly<Record<string, readonly string[]>> | undefined
  readonly credit?: boolean | undefined
  readonly stayFor?: number | undefined
  /** Whether the fallbacks of the route are asked where all models decline. */
  readonly otherTargets?: boolean | undefined
}

/** The limits of a target: its own over the file's over the defaults. */
export function timeoutsOf(config: Config, target?: TargetConfig): Timeouts {
  return { ...defaultTimeouts, ...defined(config.timeouts), ...defined(target?.timeouts) }
}

/**
 * The limits that a target sets for its own attempts. Those of the file come with each request, and a client knows which of
 * them suit its server: `headers`, `firstContent` and `idle` of the file do not bind servers that may answer late.
 */
export function ownLimitsOf({ timeouts }: TargetConfig): Partial<Omit<Timeouts, 'total'>> {
  const { total: _, ...own } = defined(timeouts)
  return own
}

function defined(limits: TimeoutsConfig = {}): Partial<Timeouts> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
