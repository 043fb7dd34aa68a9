import type { TokenCounts, UsageIteration } from '@spillway/middleware/kit'
import { nameField } from './upstream-text.ts'
import { field, isCount, writtenTokens } from './usage.ts'

/** A call that takes more is none. */
const mostIterations = 1_000

/**
 * Reads `usage.iterations` of Anthropic: each sampling that an answer took. The counts of the usage around it leave some of them
 * out: those of a compaction and of an advisor always, and of a vendor's fallback all but the one that answered.
 *
 * Undefined where the list says nothing that those counts do not say, or less than they do: then it is not whole.
 * @param counts what the usage around the list says
 */
export function usageIterations(raw: unknown, counts: TokenCounts): readonly UsageIteration[] | undefined {
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > mostIterations) return undefined
  const hasFallback = raw.some((each) => field(each, 'type') === 'fallback_message')
  const list: UsageIteration[] = []
  // Lists without lifetimes of the cache share that of the usage.
  let left1h = counts.cacheWrite1hTokens
  for (const each of raw) {
    const tokens = tokensOf(each, left1h)
    if (tokens === undefined) return undefined
    left1h -= Math.min(left1h, tokens.cacheWrite1hTokens)
    // A model that declined before it wrote anything is not charged for.
    const isBilled = !(hasFallback && isAnswer(each) && tokens.outputTokens === 0)
    list.push({ ...tokens, model: nameField(each, 'model'), isBilled })
  }
  if (list.length === 1 && isAnswer(raw[0])) return undefined
  const sum = sumOf(list)
  return isAtLeast(sum, counts) && Object.values(sum).every(isCount) ? list : undefined
}

function isAnswer(iteration: unknown): boolean {
  const type = field(iteration, 'type')
  return type === 'message' || type === 'fallback_message'
}

export function sumOf(list: readonly TokenCounts[]): TokenCounts {
  const total = (name: keyof TokenCounts): number => list.reduce((sum, each) => sum + each[name], 0)
  return {
    inputTokens: total('inputTokens'),
    outputTokens: total('outputTokens'),
    cacheReadTokens: total('cacheReadTokens'),
    cacheWriteTokens: total('cacheWriteTokens'),
    cacheWrite1hTokens: total('cacheWrite1hTokens'),
  }
}

function tokensOf(raw: unknown, left1h: number): TokenCounts | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const count = (value: unknown): number => (isCount(value) ? value : 0)
  const lifetimes = field(raw, 'cache_creation')
  const cacheWriteTokens = writtenTokens(count(field(raw, 'cache_creation_input_tokens')), lifetimes) ?? 0
  return {
    inputTokens: count(field(raw, 'input_tokens')),
    outputTokens: count(field(raw, 'output_tokens')),
    cacheReadTokens: count(field(raw, 'cache_read_input_tokens')),
    cacheWriteTokens,
    cacheWrite1hTokens:
      lifetimes == null
        ? Math.min(cacheWriteTokens, left1h)
        : count(field(lifetimes, 'ephemeral_1h_input_tokens')),
  }
}

function isAtLeast(sum: TokenCounts, counts: TokenCounts): boolean {
  const prompt = (tokens: TokenCounts): number =>
    tokens.inputTokens + tokens.cacheReadTokens + tokens.cacheWriteTokens
  return prompt(sum) >= prompt(counts) && sum.outputTokens >= counts.outputTokens
}
