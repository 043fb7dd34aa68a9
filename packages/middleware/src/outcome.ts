import type { Failure } from './failure.ts'

/** Tokens of one attempt. */
export interface Usage {
  /** Prompt tokens that were neither read from nor written to the prompt cache. */
  readonly inputTokens: number
  /** All generated tokens, thinking included. */
  readonly outputTokens: number
  /** Prompt tokens read from the cache. */
  readonly cacheReadTokens: number
  /** Prompt tokens written to the cache, of either lifetime. */
  readonly cacheWriteTokens: number
  /** The part of `cacheWriteTokens` written for one hour; Anthropic only. */
  readonly cacheWrite1hTokens: number
  /** The part of `outputTokens` spent on thinking, where it is reported. */
  readonly reasoningTokens: number
  /** What the vendor charged, in its own unit (OpenRouter: credits), where it says so; 0 where it does not bill: a refusal before any output. */
  readonly cost?: number | undefined
  /** True when the vendor's last word is missing, so that counts are a lower bound or a guess. */
  readonly estimated: boolean
}

/** When things happened, in milliseconds after `startedAt`. */
export interface Timings {
  /** In `clock.now()` time. */
  readonly startedAt: number
  readonly headers?: number | undefined
  readonly firstContent?: number | undefined
  /** The last byte, or the moment of failure. */
  readonly end: number
}

/** How one attempt ended. Everyone who counts, counts this. */
export interface Outcome {
  /**
   * Undefined for success. That of an answer which declines (`stop_reason: refusal`, `content_filter`) is of kind `refusal`
   * although it is passed on like any other: a caller has to read it.
   */
  readonly failure: Failure | undefined
  readonly usage: Usage | undefined
  /** As the vendor put it: `end_turn`, `stop`, … */
  readonly stopReason: string | undefined
  /** The model that answered, by its own word. */
  readonly model: string | undefined
  readonly timings: Timings
  /** Chunks of the stream that carried content; undefined for an answer that was not streamed. */
  readonly outputChunks?: number | undefined
  /** Bytes of body received. */
  readonly bytes: number
}
