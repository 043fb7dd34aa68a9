import type { Usage } from '@spillway/middleware'
import { longestReason, nameField } from './upstream-text.ts'
import { costField, count, field, promptTokens } from './usage.ts'

/** Where vendors tell what was read from the cache: OpenAI and most others, Mistral, Moonshot, DeepSeek, proxies of Claude. */
const cacheReads = [
  ['prompt_tokens_details', 'cached_tokens'],
  ['prompt_token_details', 'cached_tokens'],
  ['num_cached_tokens'],
  ['cached_tokens'],
  ['prompt_cache_hit_tokens'],
  ['cache_read_input_tokens'],
]

/** And what was written to it: OpenAI and OpenRouter, Qwen, LiteLLM, proxies of Claude. */
const cacheWrites = [
  ['prompt_tokens_details', 'cache_write_tokens'],
  ['prompt_tokens_details', 'cache_creation_input_tokens'],
  ['prompt_tokens_details', 'cache_creation_tokens'],
  ['cache_creation_input_tokens'],
]

/** Of that, for one hour. */
const cacheWrites1h = [
  ['cache_creation', 'ephemeral_1h_input_tokens'],
  ['prompt_tokens_details', 'cache_creation', 'ephemeral_1h_input_tokens'],
  ['prompt_tokens_details', 'cache_creation_token_details', 'ephemeral_1h_input_tokens'],
]

/** Tiers at the price of the list: of OpenAI, of Groq. */
const listed = new Set(['standard', 'default', 'auto', 'on_demand'])

/**
 * Reads a `usage` object of OpenAI chat completions, or of one of the many services that answer in their shape. Mostly
 * `prompt_tokens` includes the cache, which is taken out of it here, and `completion_tokens` includes thinking; where the numbers
 * say that one of them does not, it is added. Counts that do not add up are marked as an estimate.
 * @param model the one that answered: Gemini's thinking is in no count but the total
 */
export function openaiUsage(raw: unknown, model?: string): Usage | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const prompt = count(field(raw, 'prompt_tokens'))
  const completion = count(field(raw, 'completion_tokens'))
  const reasoningTokens = count(field(field(raw, 'completion_tokens_details'), 'reasoning_tokens'))
  const cacheReadTokens = firstCount(raw, cacheReads)
  const cacheWriteTokens = firstCount(raw, cacheWrites)
  const cached = cacheReadTokens + cacheWriteTokens
  const total = count(field(raw, 'total_tokens'))
  /** What the total has beyond its parts. */
  const rest = total - prompt - completion
  const isCacheBeside = cached > prompt || (cached > 0 && rest === cached)
  const thinking = isCacheBeside ? 0 : thinkingBeside(rest, { total, completion, reasoningTokens, model })
  return {
    inputTokens: isCacheBeside ? prompt : prompt - cached,
    outputTokens: completion + thinking,
    cacheReadTokens,
    cacheWriteTokens,
    cacheWrite1hTokens: Math.min(cacheWriteTokens, firstCount(raw, cacheWrites1h)),
    reasoningTokens,
    cost: costField(raw),
    estimated: rest > 0 && rest !== (isCacheBeside ? cached : thinking),
  }
}

interface Completion {
  readonly total: number
  readonly completion: number
  readonly reasoningTokens: number
  readonly model: string | undefined
}

/** Thinking that the completion does not include: as xAI counts it, and as Gemini leaves it out of all but the total. */
function thinkingBeside(rest: number, { total, completion, reasoningTokens, model }: Completion): number {
  if (total === 0) return reasoningTokens > completion ? reasoningTokens : 0
  if (rest <= 0) return 0
  if (rest === reasoningTokens) return rest
  return reasoningTokens === 0 && model !== undefined && /gemini/i.test(model) ? rest : 0
}

function firstCount(raw: object, paths: readonly (readonly string[])[]): number {
  for (const path of paths) {
    const found = count(path.reduce<unknown>(field, raw))
    if (found > 0) return found
  }
  return 0
}

/**
 * Reads a `usage` object of OpenAI Responses: the same counts by other names.
 * @param response around it, which tells the tier
 */
export function responsesUsage(raw: unknown, response?: unknown): Usage | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const usage = openaiUsage({
    ...raw,
    prompt_tokens: field(raw, 'input_tokens'),
    prompt_tokens_details: field(raw, 'input_tokens_details'),
    completion_tokens: field(raw, 'output_tokens'),
    completion_tokens_details: field(raw, 'output_tokens_details'),
  })
  return usage && withTier(usage, raw, response)
}

/**
 * The usage of a chat completion or of a chunk of one. In the last chunk of a stream Groq has it in a separate field, and
 * Moonshot in its choice.
 */
export function usageOfCompletion(completion: unknown): Usage | undefined {
  const raw = [
    field(completion, 'usage'),
    field(field(completion, 'x_groq'), 'usage'),
    field(firstChoice(completion), 'usage'),
  ].find((each) => typeof each === 'object' && each !== null)
  const usage = openaiUsage(raw, nameField(completion, 'model'))
  return usage && withTier(usage, raw, completion)
}

/** With the tier in which the answer was served, where that has another price than the list's. */
function withTier(usage: Usage, raw: unknown, answer: unknown): Usage {
  const tier =
    nameField(raw, 'service_tier', longestReason) ?? nameField(answer, 'service_tier', longestReason)
  return tier === undefined || listed.has(tier) ? usage : { ...usage, tier }
}

function firstChoice(completion: unknown): unknown {
  const choices = field(completion, 'choices')
  return Array.isArray(choices) ? choices[0] : undefined
}

/** The usage of a stream that tells it more than once. Counts do not shrink: zeros behind others say nothing. */
export function laterUsage(earlier: Usage | undefined, later: Usage | undefined): Usage | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier
  const { inputTokens, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens } =
    promptTokens(later) === 0 ? earlier : later
  return {
    ...later,
    ...{ inputTokens, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens },
    outputTokens: later.outputTokens || earlier.outputTokens,
    reasoningTokens: later.reasoningTokens || earlier.reasoningTokens,
    cost: later.cost ?? earlier.cost,
    tier: later.tier ?? earlier.tier,
  }
}
