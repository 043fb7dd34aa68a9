import type { ModelRequest, Usage } from '@spillway/middleware'
import { guardHook } from '@spillway/middleware/kit'
import { costOf, type PriceTable } from '@spillway/usage'

type PricesOf = (request: ModelRequest) => PriceTable | undefined

/**
 * The prices of an attempt: those that the hook names, if they can be read, else the usual ones.
 * @throws RangeError for usual prices that are no decimals
 */
export function guardedPrices(
  pricesOf: PricesOf | undefined,
  usual: PriceTable,
): (request: ModelRequest) => PriceTable {
  checkPrices(usual)
  const readable = new WeakSet<PriceTable>([usual])
  const isReadable = (table: PriceTable): boolean => {
    if (!readable.has(table)) {
      checkPrices(table)
      readable.add(table)
    }
    return true
  }
  return guardHook<[ModelRequest], PriceTable>(
    'ledger.pricesOf',
    pricesOf,
    () => usual,
    (answer) => isTable(answer) && isReadable(answer),
  )
}

function isTable(answer: unknown): answer is PriceTable {
  if (typeof answer !== 'object' || answer === null) return false
  const { prices, batch, geo } = answer as Partial<PriceTable>
  return Array.isArray(prices) && typeof batch === 'string' && typeof geo === 'object' && geo !== null
}

/** Of a model that stays in one region, so that the price for that is read too. */
const bedrockName = 'anthropic.claude'

/** A table that cannot be read shows here, not at the first call. */
function checkPrices(table: PriceTable): void {
  const usage: Usage = {
    inputTokens: 1,
    outputTokens: 1,
    cacheReadTokens: 1,
    cacheWriteTokens: 2,
    cacheWrite1hTokens: 1,
    reasoningTokens: 0,
    webSearches: 1,
    estimated: false,
  }
  for (const price of table.prices) {
    const alone: PriceTable = { ...table, prices: [{ ...price, from: undefined }] }
    const [model = ''] = price.models
    for (const geo of [undefined, ...Object.keys(table.geo)])
      costOf(usage, { model, asked: bedrockName, provider: price.provider, at: 0, batch: true, geo }, alone)
    const variants = [...(price.fast ? [price.fast] : []), ...(price.longPrompt ? [price.longPrompt] : [])]
    for (const rate of variants) {
      const variant: PriceTable = {
        ...table,
        prices: [{ ...rate, provider: price.provider, models: [model] }],
      }
      costOf(usage, { model, provider: price.provider, at: 0 }, variant)
    }
  }
}
