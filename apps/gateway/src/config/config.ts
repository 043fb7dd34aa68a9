import { defaultTimeouts, type Timeouts } from '@spillway/middleware'

/** Limits as the file names them, in milliseconds; Infinity for `none`. */
export type TimeoutsConfig = { readonly [K in keyof Timeouts]?: number | undefined }

export interface RetryConfig {
  readonly attempts?: number | undefined
  readonly baseDelay?: number | undefined
  readonly maxDelay?: number | undefined
  readonly budget?: number | undefined
}

export interface RateLimitConfig {
  readonly requestsPerMinute?: number | undefined
  readonly requestsPerSecond?: number | undefined
  readonly inputTokensPerMinute?: number | undefined
  readonly outputTokensPerMinute?: number | undefined
  readonly concurrency?: number | undefined
  readonly maxWait?: number | undefined
}

export interface CircuitBreakerConfig {
  readonly window?: number | undefined
  readonly minimumCalls?: number | undefined
  readonly failureRate?: number | undefined
  readonly openFor?: number | undefined
  readonly halfOpenProbes?: number | undefined
}

export interface EndpointConfig {
  readonly url: string
  /** `env:NAME`, `vault:NAME` or `caller`. */
  readonly credential?: string | undefined
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
}

export interface RouteConfig {
  /** A model name; `*` stands for any characters. */
  readonly models: string
  readonly target: string
  readonly fallback: readonly string[]
}

/** A valid configuration; durations in milliseconds. */
export interface Config extends PolicyConfig {
  readonly server: {
    readonly host: string
    readonly port: number
    readonly auth: 'none' | 'keys'
    readonly keepAliveAfter?: number | undefined
  }
  readonly targets: Readonly<Record<string, TargetConfig>>
  readonly routes: readonly RouteConfig[]
  /** What holds for each caller by itself, over all targets. */
  readonly tenants?: { readonly rateLimit?: RateLimitConfig | undefined } | undefined
  readonly fallback?:
    | {
        readonly reserve?: number | undefined
        readonly midStream?: 'fail' | 'restart' | 'continue' | undefined
      }
    | undefined
  readonly mirror?:
    | readonly { readonly from: string; readonly to: string; readonly sample: number }[]
    | undefined
  readonly storage?: { readonly url: string } | undefined
  readonly state?: { readonly redis?: string | undefined } | undefined
  readonly telemetry?:
    | { readonly otlp?: string | null | undefined; readonly captureContent?: boolean | undefined }
    | undefined
}

/** The limits of a target: its own over the file's over the defaults. */
export function timeoutsOf(config: Config, target?: TargetConfig): Timeouts {
  const set = { ...config.timeouts, ...target?.timeouts }
  return {
    ...defaultTimeouts,
    ...Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
  }
}
