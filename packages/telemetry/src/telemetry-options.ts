import type { Attributes, MeterProvider, TracerProvider } from '@opentelemetry/api'
import type { ModelRequest } from '@spillway/middleware'
import type { ConventionsName } from './conventions.ts'

/** What the middleware of calls and that of attempts have in common. */
export interface TracingOptions {
  /**
   * Where spans come from.
   * @default the provider that is registered globally when a call comes, if any
   */
  readonly tracerProvider?: TracerProvider | undefined
}

export interface TelemetryOptions extends TracingOptions {
  /**
   * Which names are written: those of the published package of semantic conventions, or the newer ones (`latest`).
   * @default 'published'
   */
  readonly conventions?: ConventionsName
  /**
   * Whether spans carry prompts and answers.
   * @default false
   */
  readonly captureContent?: boolean
  /**
   * With `captureContent`: a longer prompt or answer is left out, in characters.
   * @default 65536
   */
  readonly maxContentLength?: number
  /**
   * What the call's span becomes inside a span that tells of the same operation already, such as the one of
   * `@anthropic-ai/sdk`: `internal` leaves the GenAI attributes to that one, `client` writes them again.
   * @default 'internal'
   */
  readonly insideGenAiSpan?: 'internal' | 'client'
  /**
   * How many different models the labels of metrics tell apart; further ones are counted together as `_OTHER`, and so are
   * models that occur in more than five times as many different sets of labels.
   * @default 100
   */
  readonly maxModels?: number
  /** `gen_ai.provider.name`, or how to tell it; by default the vendor whose protocol the caller speaks. */
  readonly provider?: string | ((request: ModelRequest) => string) | undefined
  /** Attributes of your own for the span of a call; not for metrics. */
  readonly attributes?: ((request: ModelRequest) => Attributes) | undefined
  /** Where instruments come from; by default the provider that is registered globally when a call comes, if any. */
  readonly meterProvider?: MeterProvider | undefined
}

/** The defaults of {@link TelemetryOptions}. */
export const telemetryDefaults: Required<
  Pick<
    TelemetryOptions,
    'conventions' | 'captureContent' | 'maxContentLength' | 'insideGenAiSpan' | 'maxModels'
  >
> = {
  conventions: 'published',
  captureContent: false,
  maxContentLength: 65_536,
  insideGenAiSpan: 'internal',
  maxModels: 100,
}
