import type { Usage } from '@spillway/middleware'
import { costField, count, field } from './usage.ts'

/**
 * Reads a `usage` object of OpenAI chat completions or OpenRouter. `prompt_tokens` includes the cache, so cached
 * tokens are taken out of it here.
 */
export function openaiUsage(raw: unknown): Usage | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const prompt = field(raw, 'prompt_tokens_details')
  const cacheReadTokens = count(field(prompt, 'cached_tokens'))
  const cacheWriteTokens = count(field(prompt, 'cache_write_tokens'))
  return {
    inputTokens: Math.max(0, count(field(raw, 'prompt_tokens')) - cacheReadTokens - cacheWriteTokens),
    outputTokens: count(field(raw, 'completion_tokens')),
    cacheReadTokens,
    cacheWriteTokens,
    cacheWrite1hTokens: 0,
    reasoningTokens: count(field(field(raw, 'completion_tokens_details'), 'reasoning_tokens')),
    cost: costField(raw),
    estimated: false,
  }
}

/** Reads a `usage` object of OpenAI Responses: the same counts by other names. */
export function responsesUsage(raw: unknown): Usage | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  return openaiUsage({
    ...raw,
    prompt_tokens: field(raw, 'input_tokens'),
    prompt_tokens_details: field(raw, 'input_tokens_details'),
    completion_tokens: field(raw, 'output_tokens'),
    completion_tokens_details: field(raw, 'output_tokens_details'),
  })
}

/** The usage of a chat completion or of a chunk of one. Groq has it in a field of its own in the last chunk of a stream. */
export function usageOfCompletion(completion: unknown): Usage | undefined {
  return openaiUsage(field(completion, 'usage')) ?? openaiUsage(field(field(completion, 'x_groq'), 'usage'))
}
