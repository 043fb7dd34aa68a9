import type { Usage } from '@spillway/middleware'
import { longestReason, nameField } from './upstream-text.ts'
import { costField, field, isCount, promptTokens, writtenTokens } from './usage.ts'
import { sumOf, usageIterations } from './usage-iterations.ts'

/**
 * Reads a `usage` object of Anthropic Messages. Values are cumulative: a later object replaces an earlier one
 * field by field, so a field that is missing, null or no count keeps its earlier value. `input_tokens` excludes the cache.
 *
 * The prompt of a call does not shrink. Some servers end a stream with zeros for what they counted at its beginning; where
 * a later object has fewer prompt tokens in all, its zeros say nothing.
 *
 * Where the answer took several samplings (`iterations`), the counts are those of all of them.
 */
export function anthropicUsage(raw: unknown, earlier?: Usage): Usage | undefined {
  if (typeof raw !== 'object' || raw === null) return earlier
  const countIn = (value: unknown, name: string): number | undefined => {
    const found = field(value, name)
    return isCount(found) ? found : undefined
  }
  const latest = (name: string): number | undefined => countIn(raw, name)
  const input = latest('input_tokens')
  const read = latest('cache_read_input_tokens')
  const lifetimes = field(raw, 'cache_creation')
  const oneHour = countIn(lifetimes, 'ephemeral_1h_input_tokens')
  const write = writtenTokens(latest('cache_creation_input_tokens'), lifetimes)
  // Some servers tell at the end alone what of the prompt came from the cache.
  const isSplit = earlier !== undefined && cachedTokens(earlier) === 0 && Boolean(read || write)
  const isWhole = isSplit || (input ?? 0) + (read ?? 0) + (write ?? 0) >= promptTokens(earlier)
  const prompt = (value: number | undefined, previous: number | undefined): number =>
    (isWhole ? value : value || undefined) ?? previous ?? 0
  const counts = {
    inputTokens: prompt(input, earlier?.inputTokens),
    outputTokens: latest('output_tokens') ?? earlier?.outputTokens ?? 0,
    cacheReadTokens: prompt(read, earlier?.cacheReadTokens),
    cacheWriteTokens: prompt(write, earlier?.cacheWriteTokens),
    cacheWrite1hTokens: prompt(oneHour, earlier?.cacheWrite1hTokens),
  }
  const said = usageIterations(field(raw, 'iterations'), counts)
  const iterations = said ?? earlier?.iterations
  const tier = nameField(raw, 'service_tier', longestReason)
  return {
    ...(iterations === undefined ? counts : sumOf(iterations)),
    iterations,
    reasoningTokens:
      countIn(field(raw, 'output_tokens_details'), 'thinking_tokens') ?? earlier?.reasoningTokens ?? 0,
    cost: costField(raw) ?? earlier?.cost,
    webSearches:
      countIn(field(raw, 'server_tool_use'), 'web_search_requests') || earlier?.webSearches || undefined,
    speed: nameField(raw, 'speed', longestReason) ?? earlier?.speed,
    geo: nameField(raw, 'inference_geo', longestReason) ?? earlier?.geo,
    tier: tier === undefined || tier === 'standard' ? earlier?.tier : tier,
    estimated: false,
  }
}

function cachedTokens({ cacheReadTokens, cacheWriteTokens }: Usage): number {
  return cacheReadTokens + cacheWriteTokens
}
