import type { Reply } from '@spillway/testing'
import type { CallPlan } from './call-plan.ts'
import { type Reported, reportedPrice, type Sampling } from './price.ts'

/** What a vendor did for an answer besides giving it. */
export type UsageKind =
  | 'plain'
  | 'compacted'
  | 'advised'
  | 'declined'
  | 'searched'
  | 'in-us'
  | 'own-key'
  | 'silent'

const shares: readonly (readonly [UsageKind, number])[] = [
  ['compacted', 0.08],
  ['advised', 0.06],
  ['declined', 0.06],
  ['searched', 0.06],
  ['in-us', 0.06],
  ['own-key', 0.1],
  ['silent', 0.1],
]

/** @param chance from 0 to 1 */
export function usageKindOf(chance: number): UsageKind {
  let sum = 0
  for (const [kind, share] of shares) {
    sum += share
    if (chance < sum) return kind
  }
  return 'plain'
}

/** What is charged for an answer. */
export interface Charged {
  /** All tokens of it. */
  readonly tokens: Reported
  /** What of them is charged, by model. */
  readonly samplings: readonly Sampling[]
  readonly searches: number
  /** Tenths of the price. */
  readonly place: 10n | 11n
}

/** How an upstream reports an answer of a call, and what it charges for it. */
export interface Told {
  readonly reply: Reply
  readonly charged: Charged
}

/** How other vendors of chat completions say the same; what OpenAI has for it is not there. */
const dialects: Partial<Record<UsageKind, (tokens: Reported) => Record<string, unknown>>> = {
  // DeepSeek
  compacted: ({ cacheReadTokens }) => ({
    prompt_tokens_details: null,
    prompt_cache_hit_tokens: cacheReadTokens,
  }),
  // Moonshot
  advised: ({ cacheReadTokens }) => ({ prompt_tokens_details: null, cached_tokens: cacheReadTokens }),
  // A proxy of Claude, whose prompt leaves the cache out.
  declined: ({ inputTokens, cacheReadTokens, outputTokens }) => ({
    prompt_tokens: inputTokens,
    total_tokens: inputTokens + cacheReadTokens + outputTokens,
    prompt_tokens_details: null,
    cache_read_input_tokens: cacheReadTokens,
  }),
  // xAI, whose completion leaves thinking out.
  searched: ({ outputTokens, reasoningTokens }) => ({ completion_tokens: outputTokens - reasoningTokens }),
}

const none = { cacheReadTokens: 0, cacheWriteTokens: 0, cacheWrite1hTokens: 0, reasoningTokens: 0, cost: 0 }

/** @param usage that of the answer itself */
export function toldBy(
  vendor: 'claude' | 'chat' | 'router',
  { usageKind, model, size }: CallPlan,
  usage: Reported,
): Told {
  const answer: Sampling = { model, usage }
  const charged: Charged = { tokens: usage, samplings: [answer], searches: 0, place: 10n }
  const plain: Told = { reply: { usage }, charged }
  if (vendor === 'chat') {
    // It caches by itself, and charges nothing for that.
    const reasoningTokens = usageKind === 'searched' ? usage.outputTokens >> 1 : usage.reasoningTokens
    const tokens = { ...usage, cacheWriteTokens: 0, cacheWrite1hTokens: 0, reasoningTokens }
    const moreUsage = dialects[usageKind]?.(tokens)
    const told = { usage: { ...tokens, cost: undefined }, ...(moreUsage && { moreUsage }) }
    const reply = usageKind === 'silent' ? { withoutUsage: true } : told
    return { reply, charged: { ...charged, tokens, samplings: [{ model, usage: tokens }] } }
  }
  if (vendor === 'router') return usageKind === 'own-key' ? withOwnKey(usage, charged) : plain
  const extra: Reported = {
    ...none,
    inputTokens: 1 + Math.floor(size * 90_000),
    outputTokens: 1 + Math.floor(size * 3_000),
  }
  const more = (type: string, other: string | undefined, billed: Reported): Told => ({
    reply: {
      usage,
      moreUsage: { iterations: [iteration(type, other, billed), iteration(answerType(type), model, usage)] },
    },
    charged: {
      ...charged,
      tokens: sumOf(usage, billed),
      // A model that declined before it wrote anything is not charged for.
      samplings: [answer, ...(type === 'message' ? [] : [{ model: other ?? model, usage: billed }])],
    },
  })
  switch (usageKind) {
    case 'compacted':
      return more('compaction', undefined, extra)
    case 'advised':
      return more('advisor_message', 'claude-fable-5-1', extra)
    case 'declined':
      return more('message', 'claude-fable-5-2', { ...extra, outputTokens: 0 })
    case 'searched':
      return {
        reply: { usage, moreUsage: { server_tool_use: { web_search_requests: 3 } } },
        charged: { ...charged, searches: 3 },
      }
    case 'in-us':
      return { reply: { usage, moreUsage: { inference_geo: 'us' } }, charged: { ...charged, place: 11n } }
    default:
      return plain
  }
}

function answerType(type: string): string {
  return type === 'message' ? 'fallback_message' : 'message'
}

/** OpenRouter's fee is none, and what was paid to the vendor of the model is its price. */
function withOwnKey(usage: Reported, charged: Charged): Told {
  const paid = reportedPrice(usage)
  const moreUsage = { cost: 0, is_byok: true, cost_details: { upstream_inference_cost: paid } }
  return { reply: { usage: { ...usage, cost: 0 }, moreUsage }, charged }
}

function iteration(type: string, model: string | undefined, usage: Reported): object {
  return {
    ...{ type, model: model ?? null },
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWriteTokens - usage.cacheWrite1hTokens,
      ephemeral_1h_input_tokens: usage.cacheWrite1hTokens,
    },
  }
}

function sumOf(a: Reported, b: Reported): Reported {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    cacheWrite1hTokens: a.cacheWrite1hTokens + b.cacheWrite1hTokens,
    reasoningTokens: a.reasoningTokens,
    cost: a.cost,
  }
}
