export { type Cost, type CostFacts, costOf, formatDollars } from './cost.ts'
export {
  type DecimalText,
  findPrice,
  type ModelPrice,
  type PriceTable,
  priceName,
  publishedPrices,
  withPrices,
} from './price-table.ts'
