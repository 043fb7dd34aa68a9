import type { Usage } from '@spillway/middleware'
import { type Decimal, decimal, plus, rounded, times } from './decimal.ts'
import {
  type DecimalText,
  findPrice,
  type ModelPrice,
  type PriceTable,
  publishedPrices,
} from './price-table.ts'

/** What of a call decides on its price, besides the tokens. */
export interface CostFacts {
  /** The model that answered. */
  readonly model: string
  /** Who is paid: `anthropic`, `openrouter`, `embedded`, or one of your own table. */
  readonly provider: string
  /** When the call was made, in milliseconds since the Unix epoch. */
  readonly at: number
  /** The request's `speed`. @default standard */
  readonly speed?: string | undefined
  /** The request's `inference_geo`. */
  readonly geo?: string | undefined
  /** Whether it went through the batch API. @default false */
  readonly batch?: boolean | undefined
}

/** What a call cost. An unknown price is not 0. */
export type Cost =
  | {
      readonly status: 'priced'
      /** Thousand-millionths of a USD: a whole number, so that sums are exact. */
      readonly nanoDollars: number
      /** Whether the vendor said so, or the table. */
      readonly source: 'reported' | 'table'
      /** Whether the tokens, or the table's claim to this vendor's price, are an estimate. */
      readonly estimated: boolean
    }
  | {
      readonly status: 'unpriced'
      readonly nanoDollars: undefined
      readonly reason: 'model' | 'speed' | 'usage'
    }

/** Prices are for a million tokens, costs in nano-dollars: 10^-6 and 10^9. */
const nanoScale = 9
const million = 6

/**
 * What a call cost, exact: sums of products of decimals, rounded once, half up, to a nano-dollar. What the vendor reports
 * (OpenRouter) wins over the table. Searches and other tools of the server are not included.
 * @throws RangeError when a price in the table is not a decimal
 */
export function costOf(
  usage: Usage | undefined,
  facts: CostFacts,
  table: PriceTable = publishedPrices,
): Cost {
  if (usage === undefined) return unpriced('usage')
  if (usage.cost !== undefined && Number.isFinite(usage.cost) && usage.cost >= 0) {
    const nanoDollars = Number(rounded(decimal(String(usage.cost)), nanoScale))
    return { status: 'priced', nanoDollars, source: 'reported', estimated: usage.estimated }
  }
  const isResold = facts.provider === 'openrouter'
  const price =
    findPrice(table, facts.provider, facts.model, facts.at) ??
    (isResold ? findPrice(table, 'anthropic', facts.model, facts.at) : undefined)
  if (price === undefined) return unpriced('model')
  const rate = rateFor(price, usage, facts)
  if (rate === undefined) return unpriced('speed')
  let total = tokenCost(usage, price, rate)
  if (facts.batch) total = times(total, decimal(table.batch))
  const geo = facts.geo === undefined ? undefined : table.geo[facts.geo]
  if (geo !== undefined) total = times(total, decimal(geo))
  const nanoDollars = Number(rounded({ units: total.units, scale: total.scale + million }, nanoScale))
  // A reseller's price is not the vendor's.
  const estimated = usage.estimated || price.provider !== facts.provider
  return { status: 'priced', nanoDollars, source: 'table', estimated }
}

interface Rate {
  readonly input: DecimalText
  readonly output: DecimalText
}

function rateFor(price: ModelPrice, usage: Usage, { speed = 'standard' }: CostFacts): Rate | undefined {
  if (speed === 'fast') return price.fast
  if (speed !== 'standard') return undefined
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  return price.longPrompt !== undefined && prompt > price.longPrompt.above ? price.longPrompt : price
}

function tokenCost(usage: Usage, price: ModelPrice, rate: Rate): Decimal {
  const unit = unitPrices(price, rate)
  const written1h = Math.min(usage.cacheWrite1hTokens, usage.cacheWriteTokens)
  let total = times(tokens(usage.inputTokens), unit.input)
  const add = (count: number, each: Decimal): void => {
    if (count > 0) total = plus(total, times(tokens(count), each))
  }
  add(usage.cacheReadTokens, unit.cacheRead)
  add(usage.cacheWriteTokens - written1h, unit.cacheWrite)
  add(written1h, unit.cacheWrite1h)
  add(usage.outputTokens, unit.output)
  return total
}

interface UnitPrices {
  readonly input: Decimal
  readonly output: Decimal
  readonly cacheRead: Decimal
  readonly cacheWrite: Decimal
  readonly cacheWrite1h: Decimal
}

/** By the rate of a price: reading its decimals costs more than the sum itself. */
const knownUnitPrices = new WeakMap<Rate, UnitPrices>()

function unitPrices(price: ModelPrice, rate: Rate): UnitPrices {
  let known = knownUnitPrices.get(rate)
  if (known === undefined) {
    const { cacheRead = '0.1', cacheWrite = '1.25', cacheWrite1h = '2' } = price
    const input = decimal(rate.input)
    known = {
      input,
      output: decimal(rate.output),
      cacheRead: times(input, decimal(cacheRead)),
      cacheWrite: times(input, decimal(cacheWrite)),
      cacheWrite1h: times(input, decimal(cacheWrite1h)),
    }
    knownUnitPrices.set(rate, known)
  }
  return known
}

function tokens(count: number): Decimal {
  return { units: BigInt(Math.round(count)), scale: 0 }
}

function unpriced(reason: 'model' | 'speed' | 'usage'): Cost {
  return { status: 'unpriced', nanoDollars: undefined, reason }
}

/** Nano-dollars as USD, exact: `1234567` is `0.001234567`. */
export function formatDollars(nanoDollars: number): string {
  const digits = String(nanoDollars).padStart(nanoScale + 1, '0')
  const fraction = digits.slice(-nanoScale).replace(/0+$/, '')
  return digits.slice(0, -nanoScale) + (fraction === '' ? '' : `.${fraction}`)
}
