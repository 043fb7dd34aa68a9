import type { Usage } from '@spillway/middleware'
import { costField, field, isCount } from './usage.ts'

/**
 * Reads a `usage` object of Anthropic Messages. Values are cumulative: a later object replaces an earlier one
 * field by field, so a field that is missing, null or no count keeps its earlier value. `input_tokens` excludes the cache.
 */
export function anthropicUsage(raw: unknown, earlier?: Usage): Usage | undefined {
  if (typeof raw !== 'object' || raw === null) return earlier
  const latest = (name: string, previous: number | undefined): number => {
    const value = field(raw, name)
    return isCount(value) ? value : (previous ?? 0)
  }
  const oneHour = field(field(raw, 'cache_creation'), 'ephemeral_1h_input_tokens')
  const thinking = field(field(raw, 'output_tokens_details'), 'thinking_tokens')
  return {
    inputTokens: latest('input_tokens', earlier?.inputTokens),
    outputTokens: latest('output_tokens', earlier?.outputTokens),
    cacheReadTokens: latest('cache_read_input_tokens', earlier?.cacheReadTokens),
    cacheWriteTokens: latest('cache_creation_input_tokens', earlier?.cacheWriteTokens),
    cacheWrite1hTokens: isCount(oneHour) ? oneHour : (earlier?.cacheWrite1hTokens ?? 0),
    reasoningTokens: isCount(thinking) ? thinking : (earlier?.reasoningTokens ?? 0),
    cost: costField(raw) ?? earlier?.cost,
    estimated: false,
  }
}
