import type { Usage } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'

/** Token counts in Anthropic's words, where the input excludes what is cached. */
export function usageForAnthropic(usage: Usage | undefined): JsonObject {
  return {
    input_tokens: usage?.inputTokens ?? 0,
    cache_creation_input_tokens: usage?.cacheWriteTokens ?? 0,
    cache_read_input_tokens: usage?.cacheReadTokens ?? 0,
    output_tokens: usage?.outputTokens ?? 0,
    ...(usage?.reasoningTokens ? { output_tokens_details: { thinking_tokens: usage.reasoningTokens } } : {}),
    ...(usage?.cost === undefined ? {} : { cost: usage.cost }),
  }
}

/** Token counts in OpenAI's words, where the prompt includes what is cached. */
export function usageForOpenAi(usage: Usage | undefined): JsonObject {
  const cached = usage?.cacheReadTokens ?? 0
  const written = usage?.cacheWriteTokens ?? 0
  const prompt = (usage?.inputTokens ?? 0) + cached + written
  const completion = usage?.outputTokens ?? 0
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: usage?.reasoningTokens ?? 0 },
    ...(usage?.cost === undefined ? {} : { cost: usage.cost }),
  }
}

/** The same in the words of the Responses API. */
export function usageForResponses(usage: Usage | undefined): JsonObject {
  const {
    prompt_tokens,
    completion_tokens,
    total_tokens,
    prompt_tokens_details,
    completion_tokens_details,
    ...cost
  } = usageForOpenAi(usage)
  return {
    input_tokens: prompt_tokens,
    input_tokens_details: prompt_tokens_details,
    output_tokens: completion_tokens,
    output_tokens_details: completion_tokens_details,
    total_tokens,
    ...cost,
  }
}
