/** USD for a million tokens, as a decimal: `'0.125'`. Texts, since a float cannot hold most of them. */
export type DecimalText = string

/** What a model costs from a day on. */
export interface ModelPrice {
  /** Whose price it is, such as `anthropic`. */
  readonly provider: string
  /** Names without the day of a snapshot (`claude-haiku-4-5`, not `claude-haiku-4-5-20251001`); `*` for all. */
  readonly models: readonly string[]
  /** The first day, in UTC: `2026-10-07`. Of several that have begun the latest holds. @default from ever */
  readonly from?: string | undefined
  readonly input: DecimalText
  readonly output: DecimalText
  /** Times the price of input. @default 0.1 */
  readonly cacheRead?: DecimalText | undefined
  /** For five minutes; times the price of input. @default 1.25 */
  readonly cacheWrite?: DecimalText | undefined
  /** For one hour; times the price of input. @default 2 */
  readonly cacheWrite1h?: DecimalText | undefined
  /** Above so many tokens of prompt, those of the cache included, the whole request costs this instead. */
  readonly longPrompt?:
    | { readonly above: number; readonly input: DecimalText; readonly output: DecimalText }
    | undefined
  /** With `speed: 'fast'`. Without it a fast answer has no price. */
  readonly fast?: { readonly input: DecimalText; readonly output: DecimalText } | undefined
}

/** Prices, and what they are multiplied with. */
export interface PriceTable {
  /** The first match wins, so that prices of one's own go in front. */
  readonly prices: readonly ModelPrice[]
  /** Times everything, for answers of the batch API. */
  readonly batch: DecimalText
  /** Times everything, by the request's `inference_geo`. Others have no multiplier. */
  readonly geo: Readonly<Record<string, DecimalText>>
}

const claude = (
  models: readonly string[],
  input: string,
  output: string,
  more: Partial<ModelPrice> = {},
): ModelPrice => ({
  provider: 'anthropic',
  models,
  input,
  output,
  ...more,
})

/** The prices of Anthropic as published on 2026-10-24, and local models, which cost nothing for each token. */
export const publishedPrices: PriceTable = {
  prices: [
    claude(['claude-fable-5-1', 'claude-mythos-5-1'], '10', '50', { cacheRead: '0.025' }),
    claude(['claude-fable-5', 'claude-mythos-5'], '10', '50'),
    claude(['claude-opus-5-5'], '4', '20', { cacheRead: '0.05', fast: { input: '8', output: '40' } }),
    claude(
      ['claude-opus-4-5', 'claude-opus-4-6', 'claude-opus-4-7', 'claude-opus-4-8', 'claude-opus-5'],
      '5',
      '25',
    ),
    claude(['claude-sonnet-5-5'], '2', '10'),
    claude(['claude-sonnet-5-5'], '2', '10', { from: '2026-10-07', cacheRead: '0.05' }),
    claude(['claude-sonnet-5'], '2', '10'),
    claude(['claude-sonnet-4-5', 'claude-sonnet-4-6'], '3', '15'),
    claude(['claude-haiku-5-5'], '0.10', '0.50', {
      longPrompt: { above: 100_000, input: '0.50', output: '2.50' },
    }),
    claude(['claude-haiku-4-5'], '1', '5'),
    { provider: 'embedded', models: ['*'], input: '0', output: '0' },
  ],
  batch: '0.5',
  geo: { us: '1.1' },
}

/** A table with prices of one's own, which win over those of `base` for the same provider and model on any day. */
export function withPrices(prices: readonly ModelPrice[], base: PriceTable = publishedPrices): PriceTable {
  const isReplaced = (price: ModelPrice, model: string): boolean =>
    prices.some(({ provider, models }) => provider === price.provider && models.includes(model))
  const kept = base.prices
    .map((price) => ({ ...price, models: price.models.filter((model) => !isReplaced(price, model)) }))
    .filter(({ models }) => models.length > 0)
  return { ...base, prices: [...prices, ...kept] }
}

/**
 * A model's name as it stands in the table: without a reseller's prefix (`anthropic/`), a variant (`:nitro`) and the day
 * of a snapshot; with dashes between the digits of its version.
 */
export function priceName(model: string): string {
  return model
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/:.*$/, '')
    .replaceAll('.', '-')
    .replace(/[-@]\d{8}$/, '')
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

function lookUp(table: PriceTable, provider: string, model: string, at: number): ModelPrice | undefined {
  const name = priceName(model)
  const day = new Date(at).toISOString().slice(0, 10)
  const begun = table.prices.filter(
    (price) =>
      price.provider === provider &&
      (price.from ?? '') <= day &&
      (price.models.includes(name) || price.models.includes('*')),
  )
  // One's own prices name a model; `*` is for what nobody names.
  const named = begun.filter(({ models }) => models.includes(name))
  return latest(named.length > 0 ? named : begun)
}

function latest(prices: readonly ModelPrice[]): ModelPrice | undefined {
  let found: ModelPrice | undefined
  for (const price of prices)
    if (found === undefined || (price.from ?? '') > (found.from ?? '')) found = price
  return found
}
