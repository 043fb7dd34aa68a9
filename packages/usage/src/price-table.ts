import { priceName } from './price-name.ts'
import { publishedPrices } from './published-prices.ts'

/** USD, as a decimal: `'0.125'`. Texts, since a float cannot hold most of them. */
export type DecimalText = string

/** USD for a million tokens of each kind. */
export interface Rate {
  readonly input: DecimalText
  readonly output: DecimalText
  /** Read from the prompt cache. @default a tenth of `input` */
  readonly cacheRead?: DecimalText | undefined
  /** Written to the prompt cache for five minutes. @default 1.25 times `input` */
  readonly cacheWrite?: DecimalText | undefined
  /** Written for one hour. @default twice `input` */
  readonly cacheWrite1h?: DecimalText | undefined
}

/** What a model costs from a day on. */
export interface ModelPrice extends Rate {
  /** Whose price it is, such as `anthropic`. */
  readonly provider: string
  /** Names as in {@link priceName}, or of one snapshot (`gpt-4o-2024-08-06`), which win; `*` for all that are not named. */
  readonly models: readonly string[]
  /** The first day, in UTC: `2026-10-07`. Of several that have begun the latest applies. @default all days */
  readonly from?: string | undefined
  /** Applies to a whole request whose prompt, cached tokens included, is longer than `above` tokens. */
  readonly longPrompt?: (Rate & { readonly above: number }) | undefined
  /** For answers that were delivered with `speed: fast`. Without it a fast answer has no price. */
  readonly fast?: Rate | undefined
  /** Times the price of tokens where a name of Bedrock's says that the answer stays in one region (`us.anthropic.…`). @default '1' */
  readonly regional?: DecimalText | undefined
  /** Times the price of tokens of all answers, but those whose name of Bedrock's says that they are made anywhere (`global.…`). @default '1' */
  readonly surcharge?: DecimalText | undefined
  /** USD for a thousand searches of the vendor's web search. Without it the cost of an answer with searches is an estimate. */
  readonly webSearches?: DecimalText | undefined
  /** Where the price is published. */
  readonly source?: string | undefined
  /** The day on which the source was last compared with this price. */
  readonly checked?: string | undefined
}

/** Prices, and what they are multiplied with. */
export interface PriceTable {
  /** Of several prices for the same name and day the first applies. */
  readonly prices: readonly ModelPrice[]
  /** Times the price of tokens, for answers of the batch API. */
  readonly batch: DecimalText
  /** Times the price of tokens, by where the answer was made (`usage.inference_geo`). Others have no multiplier. */
  readonly geo: Readonly<Record<string, DecimalText>>
}

/**
 * A table with prices of one's own. They replace those of `base` for the same provider and model on any day; one for `*`
 * replaces all of its provider.
 */
export function withPrices(prices: readonly ModelPrice[], base: PriceTable = publishedPrices): PriceTable {
  const isReplaced = (provider: string, model: string): boolean =>
    prices.some((price) => price.provider === provider && price.models.some((own) => covers(own, model)))
  const kept = base.prices
    .map((price) => ({ ...price, models: price.models.filter((each) => !isReplaced(price.provider, each)) }))
    .filter(({ models }) => models.length > 0)
  return { ...base, prices: [...prices, ...kept] }
}

function covers(own: string, model: string): boolean {
  return own === '*' || priceName(own) === priceName(model)
}

/** What a table answered before, by provider, model and day: each call asks, and nearly always the same. */
const answers = new WeakMap<PriceTable, Map<string, ModelPrice | undefined>>()

/** Callers choose the models' names, so there may be any number of them. */
const mostAnswers = 1000

const millisecondsOfDay = 86_400_000

/** The price of a model on a day; undefined where the table has none. */
export function findPrice(
  table: PriceTable,
  provider: string,
  model: string,
  at: number,
): ModelPrice | undefined {
  let known = answers.get(table)
  if (known === undefined || known.size >= mostAnswers) {
    known = new Map()
    answers.set(table, known)
  }
  const question = `${Math.floor(at / millisecondsOfDay)} ${provider} ${model}`
  if (!known.has(question)) known.set(question, lookUp(table, provider, model, at))
  return known.get(question)
}

/** A snapshot that is named itself comes before its model, and a name before `*`. */
function lookUp(table: PriceTable, provider: string, model: string, at: number): ModelPrice | undefined {
  const day = new Date(at).toISOString().slice(0, 10)
  const begun = table.prices.filter((price) => price.provider === provider && (price.from ?? '') <= day)
  const name = priceName(model)
  const matches = [
    (each: string) => each.toLowerCase() === model.toLowerCase(),
    (each: string) => each !== '*' && priceName(each) === name,
    (each: string) => each === '*',
  ]
  for (const isMatch of matches) {
    const found = latest(begun.filter(({ models }) => models.some(isMatch)))
    if (found !== undefined) return found
  }
  return undefined
}

function latest(prices: readonly ModelPrice[]): ModelPrice | undefined {
  let found: ModelPrice | undefined
  for (const price of prices)
    if (found === undefined || (price.from ?? '') > (found.from ?? '')) found = price
  return found
}
