import type { ModelPrice, PriceTable } from './price-table.ts'
import { publishedPrices } from './published-prices.ts'

/**
 * The prices of a place where Claude is sold: Anthropic's, and for answers that stay in one region or part of the world what is
 * published for that.
 * @param provider the name under which the place is paid
 * @param staysInRegion whether the answers of a model stay there in one region; of a name as in `priceName`
 */
export function pricesAt(
  provider: string,
  staysInRegion: (model: string) => boolean,
  base: PriceTable = publishedPrices,
): PriceTable {
  const own = base.prices.filter((price) => price.provider === 'anthropic')
  const at = (price: ModelPrice, isRegional: boolean): ModelPrice[] => {
    const models = price.models.filter((model) => staysInRegion(model) === isRegional)
    const surcharge = isRegional ? price.regional : undefined
    return models.length === 0 ? [] : [{ ...price, provider, models, ...(surcharge && { surcharge }) }]
  }
  return {
    ...base,
    prices: [...base.prices, ...own.flatMap((price) => [...at(price, false), ...at(price, true)])],
  }
}
