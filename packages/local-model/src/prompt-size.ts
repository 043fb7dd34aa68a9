import { LocalModelError } from './local-model-error.ts'
import type { Turn } from './prompt.ts'

/** What a model can take. */
export interface PromptLimits {
  /** Of prompt and answer, in tokens. */
  readonly contextSize: number
  /** The longest text of a single token, in bytes of UTF-8; Infinity where that is unknown. */
  readonly longestTokenBytes: number
}

/** How many tokens a prompt may have: one must be left for the answer, and two for its end. */
export function longestPrompt({ contextSize }: PromptLimits): number {
  return contextSize - 3
}

/** The typical size of a token, in bytes of UTF-8. */
const usualTokenBytes = 4

/**
 * For turns that cannot fit, however they are tokenised: how many tokens they roughly come to. Undefined for all others.
 * It costs next to nothing, even for turns of many megabytes.
 */
export function surelyTooLong(turns: readonly Turn[], limits: PromptLimits): number | undefined {
  const most = longestPrompt(limits)
  const bytes = turns.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
  // Every chat template marks where a turn begins or ends, by a token at least.
  if (bytes <= most * limits.longestTokenBytes && turns.length <= most) return undefined
  return Math.max(most + 1, turns.length, Math.ceil(bytes / usualTokenBytes))
}

/** The error for a prompt that does not fit, in the words by which clients know that they have to compact it. */
export function tooLongError(model: string, tokens: number, limits: PromptLimits): LocalModelError {
  return new LocalModelError(
    'SPILLWAY_LOCAL_PROMPT_TOO_LONG',
    `prompt is too long: ${tokens} tokens > ${longestPrompt(limits)} maximum (the local model ${model})`,
  )
}

/** The numbers in the message of such an error. */
export function promptSize(message: string): { readonly tokens: string; readonly most: string } | undefined {
  const [, tokens, most] = /^prompt is too long: (\d+) tokens > (\d+) maximum/.exec(message) ?? []
  return tokens === undefined || most === undefined ? undefined : { tokens, most }
}
