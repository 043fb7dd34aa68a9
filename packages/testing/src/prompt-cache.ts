/** Options of {@link promptCache}. */
export interface PromptCacheOptions {
  /** How long a prefix is kept after its last use, in milliseconds. @default 300000 */
  readonly ttlMs?: number
  /** A prompt with fewer tokens is not cached. @default 1024 */
  readonly minimum?: number
  /** Tokens after the last breakpoint: they are never cached. @default 3 */
  readonly uncachedTail?: number
}

/** How a prompt is counted. The sum is the whole prompt. */
export interface CachedPrompt {
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
}

/** Which part of a prompt a vendor has in its cache. */
export interface PromptCache {
  /**
   * Counts a prompt without keeping it: what the conversation had last time is read, what is new is written.
   * @param prompt tokens of the whole prompt
   */
  look(conversation: string, prompt: number, now: number): CachedPrompt
  /** The prompt has been processed: it is what the conversation has from now on. */
  keep(conversation: string, prompt: number, now: number): void
}

/** Conversations that are kept at most; beyond that the ones used longest ago are forgotten. */
const most = 100_000

/**
 * A simulated prompt cache: by conversation, whose prompts begin with the one before, with one breakpoint at their end.
 * A conversation that grows by a tenth each turn reads nine tenths.
 */
export function promptCache(options: PromptCacheOptions = {}): PromptCache {
  const { ttlMs = 300_000, minimum = 1_024, uncachedTail = 3 } = options
  const kept = new Map<string, { readonly tokens: number; readonly until: number }>()
  return {
    look(conversation, prompt, now) {
      if (prompt < minimum) return { inputTokens: prompt, cacheReadTokens: 0, cacheWriteTokens: 0 }
      const known = kept.get(conversation)
      const cached = Math.max(0, prompt - uncachedTail)
      const cacheReadTokens = known === undefined || known.until <= now ? 0 : Math.min(known.tokens, cached)
      const inputTokens = prompt - cached
      return { inputTokens, cacheReadTokens, cacheWriteTokens: cached - cacheReadTokens }
    },
    keep(conversation, prompt, now) {
      if (prompt < minimum) return
      kept.delete(conversation)
      kept.set(conversation, { tokens: Math.max(0, prompt - uncachedTail), until: now + ttlMs })
      if (kept.size > most) kept.delete(kept.keys().next().value as string)
    },
  }
}
