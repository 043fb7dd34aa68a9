import type { Usage } from '@spillway/middleware'

/** No call has more tokens; a thousand such calls still add up exactly, in tokens and in money. */
const mostTokens = 1e9

/** No call costs more, in the vendor's unit. */
const mostCost = 1e6

/** Whether a value is a number of tokens. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= mostTokens
}

/** A number of tokens in its place, else 0: counts may be null, missing or nonsense, and never break a call. */
export function count(value: unknown): number {
  return isCount(value) ? value : 0
}

/** xAI's unit of cost, in USD. */
const ticksOfDollar = 1e10

/**
 * What a call cost by the word of its vendor, where that is an amount that can be owed. OpenRouter charges only its fee for calls
 * with the customer's own key; what was paid to the model's vendor is beside it, and is none of the cost of other calls.
 */
export function costField(value: unknown): number | undefined {
  const cost = costOnly(value)
  if (field(value, 'is_byok') !== true) return cost
  const paid = amount(field(field(value, 'cost_details'), 'upstream_inference_cost'))
  return paid === undefined ? undefined : (cost ?? 0) + paid
}

/** As OpenRouter tells it, Perplexity, xAI or DeepInfra. */
function costOnly(value: unknown): number | undefined {
  const cost = field(value, 'cost')
  const ticks = field(value, 'cost_in_usd_ticks')
  return (
    amount(cost) ??
    amount(field(cost, 'total_cost')) ??
    (typeof ticks === 'number' ? amount(ticks / ticksOfDollar) : undefined) ??
    amount(field(value, 'estimated_cost'))
  )
}

function amount(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= mostCost ? value : undefined
}

/** What was written to a cache of Claude's: the sum of its lifetimes where a server tells no more than those. */
export function writtenTokens(total: number | undefined, lifetimes: unknown): number | undefined {
  const sum =
    count(field(lifetimes, 'ephemeral_5m_input_tokens')) +
    count(field(lifetimes, 'ephemeral_1h_input_tokens'))
  return sum > (total ?? 0) ? sum : total
}

/** A property of a value that may be anything. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

export function stringField(value: unknown, name: string): string | undefined {
  const found = field(value, name)
  return typeof found === 'string' ? found : undefined
}

/** All tokens of a prompt, whether they came from the cache, went into it, or neither. */
export function promptTokens(usage: Usage | undefined): number {
  if (usage === undefined) return 0
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
}

/** Roughly how many tokens a text of so many bytes has; for streams whose last word on usage is missing. */
export function tokensFromBytes(bytes: number): number {
  return Math.ceil(bytes / 3.5)
}
