import type { Failure } from './failure.ts'

/** What a model read and wrote. */
export interface TokenCounts {
  /** Prompt tokens that were neither read from nor written to the prompt cache. */
  readonly inputTokens: number
  /** All generated tokens, thinking included. */
  readonly outputTokens: number
  /** Prompt tokens read from the cache. */
  readonly cacheReadTokens: number
  /** Prompt tokens written to the cache, of either lifetime. */
  readonly cacheWriteTokens: number
  /** The part of `cacheWriteTokens` written for one hour; of Claude alone. */
  readonly cacheWrite1hTokens: number
}

/**
 * One of several samplings that an answer took: of the model that answered, of one that declined before it, of an advisor, or
 * for a summary of the conversation.
 */
export interface UsageIteration extends TokenCounts {
  /** Undefined for the model that answered. */
  readonly model: string | undefined
  /** False where the vendor does not charge for it: a model that declined before it wrote anything. */
  readonly isBilled: boolean
}

/** Tokens of one attempt: of all that the vendor did for it. */
export interface Usage extends TokenCounts {
  /** The part of `outputTokens` spent on thinking, where it is reported. */
  readonly reasoningTokens: number
  /** What the vendor charged, in USD (OpenRouter: credits), where it says so; 0 where it does not bill: a refusal before any output. */
  readonly cost?: number | undefined
  /** True when the vendor's last word is missing, so that counts are a lower bound or a guess. */
  readonly estimated: boolean
  /** True where the vendor did not tell what the prompt came to: its tokens are a guess by its size. */
  readonly isPromptEstimated?: boolean | undefined
  /** Where the answer took several samplings: each of them. The counts of the usage are their sum. */
  readonly iterations?: readonly UsageIteration[] | undefined
  /** Searches of the vendor's own web search. */
  readonly webSearches?: number | undefined
  /** The speed that was delivered, where the vendor says so: `standard` or `fast`. */
  readonly speed?: string | undefined
  /** Where the answer was made, where the vendor says so: `us`, `global`, … */
  readonly geo?: string | undefined
  /** The vendor's service tier where it is not at the price of the list: `batch`, `priority`, `flex`. */
  readonly tier?: string | undefined
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
