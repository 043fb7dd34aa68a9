import type { LanguageModelV4FinishReason, LanguageModelV4Usage } from '@ai-sdk/provider'
import { definedOnly, type JsonObject } from '@spillway/middleware/kit'

/** Usage of the AI SDK in the words of the Messages API; undefined where the model tells nothing. */
export function messagesUsage(usage: LanguageModelV4Usage | undefined): JsonObject | undefined {
  if (usage === undefined) return undefined
  const { inputTokens: input, outputTokens: output } = usage
  const read = input.cacheRead
  const write = input.cacheWrite
  const uncached = input.noCache ?? rest(input.total, (read ?? 0) + (write ?? 0))
  if (uncached === undefined && output.total === undefined) return undefined
  return definedOnly<Record<string, unknown>>({
    input_tokens: uncached,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: write,
    output_tokens: output.total,
    output_tokens_details: output.reasoning === undefined ? undefined : { thinking_tokens: output.reasoning },
  })
}

const rest = (total: number | undefined, cached: number): number | undefined =>
  total === undefined ? undefined : Math.max(0, total - cached)

/** Why an answer ends: the vendor's word, but for a model that declines, which has one for all vendors. */
export function stopReason({ unified, raw }: LanguageModelV4FinishReason): string {
  return unified === 'content-filter' ? 'refusal' : (raw ?? unified)
}
