import type { Usage } from '@spillway/middleware'
import { count, field } from './usage.ts'

/**
 * Reads a `usage` object of Anthropic Messages. Values are cumulative: a later object replaces an earlier one
 * field by field, so a field that is missing or null keeps its earlier value. `input_tokens` excludes the cache.
 */
export function anthropicUsage(raw: unknown, earlier?: Usage): Usage | undefined {
  if (typeof raw !== 'object' || raw === null) return earlier
  const latest = (name: string, previous: number | undefined): number => {
    const value = field(raw, name)
    return typeof value === 'number' ? count(value) : (previous ?? 0)
  }
  const cost = field(raw, 'cost')
  const oneHour = field(field(raw, 'cache_creation'), 'ephemeral_1h_input_tokens')
  const thinking = field(field(raw, 'output_tokens_details'), 'thinking_tokens')
  return {
    inputTokens: latest('input_tokens', earlier?.inputTokens),
    outputTokens: latest('output_tokens', earlier?.outputTokens),
    cacheReadTokens: latest('cache_read_input_tokens', earlier?.cacheReadTokens),
    cacheWriteTokens: latest('cache_creation_input_tokens', earlier?.cacheWriteTokens),
    cacheWrite1hTokens: typeof oneHour === 'number' ? count(oneHour) : (earlier?.cacheWrite1hTokens ?? 0),
    reasoningTokens: typeof thinking === 'number' ? count(thinking) : (earlier?.reasoningTokens ?? 0),
    cost: typeof cost === 'number' ? cost : earlier?.cost,
    estimated: false,
  }
}
