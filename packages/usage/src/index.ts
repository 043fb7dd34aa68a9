export { type Cost, type CostFacts, costOf, formatDollars } from './cost.ts'
export { priceName } from './price-name.ts'
export {
  type DecimalText,
  findPrice,
  type ModelPrice,
  type PriceTable,
  type Rate,
  withPrices,
} from './price-table.ts'
export { publishedPrices } from './published-prices.ts'
export { pricesAt } from './venue-prices.ts'
