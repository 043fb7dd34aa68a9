import { publishedPrices } from '@spillway/usage'
import type { Charged } from './usage-kinds.ts'

/** The usage that an upstream reports. */
export interface Reported {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly cacheWrite1hTokens: number
  readonly reasoningTokens: number
  /** In US dollars; only OpenRouter tells it. */
  readonly cost: number
}

/** A price of the reseller's own, in billionths of a dollar, so that no fraction is lost in its decimals. */
export function reportedPrice(usage: {
  readonly inputTokens: number
  readonly outputTokens: number
}): number {
  return (usage.inputTokens * 1234 + usage.outputTokens * 5678) / 1e9
}

/** What an operator has agreed with the vendor of chat completions, in US dollars for a million tokens. */
export const chatPrices = { input: 2, output: 8, cacheRead: 0.5 }

/** The same in nano-dollars. */
export function chatPrice({ inputTokens, outputTokens, cacheReadTokens }: Reported): bigint {
  return BigInt(inputTokens) * 2000n + BigInt(outputTokens) * 8000n + BigInt(cacheReadTokens) * 500n
}

/** What one model did for an answer. */
export interface Sampling {
  readonly model: string
  readonly usage: Reported
}

/** Whole numbers for decimals: so many places are kept. */
const places = 6
const scale = 10n ** BigInt(places)

/** What Anthropic takes for a search, in nano-dollars. */
const search = 10_000_000n

/**
 * What an answer of Claude's costs in nano-dollars, from the published table, without the code that is judged: every
 * factor as a whole number of millionths, rounded half up once at the end.
 */
export function vendorPrice({ samplings, searches, place }: Charged, at: Date): bigint {
  const sum = samplings.reduce((total, sampling) => total + samplingPrice(sampling, at), 0n)
  // A dollar for a million tokens is a thousand nano-dollars for one; the place counts in tenths.
  const divisor = scale * scale * 10n
  return (sum * place * 1000n + divisor / 2n) / divisor + BigInt(searches) * search
}

function samplingPrice({ model, usage }: Sampling, at: Date): bigint {
  const day = at.toISOString().slice(0, 10)
  const rows = publishedPrices.prices.filter(
    ({ provider, models, from = '' }) => provider === 'anthropic' && models.includes(model) && from <= day,
  )
  const row = rows.sort((a, b) => ((a.from ?? '') < (b.from ?? '') ? 1 : -1))[0]
  if (row === undefined) throw new Error(`the price table does not know ${model}`)
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  const { input, output, cacheRead, cacheWrite, cacheWrite1h } =
    row.longPrompt !== undefined && prompt > row.longPrompt.above ? row.longPrompt : row
  const part = (tokens: number, price: string | undefined, factor = '1'): bigint =>
    BigInt(tokens) *
    (price === undefined ? millionths(input) * millionths(factor) : millionths(price) * scale)
  const short = usage.cacheWriteTokens - usage.cacheWrite1hTokens
  return (
    part(usage.inputTokens, input) +
    part(usage.cacheReadTokens, cacheRead, '0.1') +
    part(short, cacheWrite, '1.25') +
    part(usage.cacheWrite1hTokens, cacheWrite1h, '2') +
    part(usage.outputTokens, output)
  )
}

function millionths(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(places, '0'))
}
