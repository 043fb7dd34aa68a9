import type { Usage } from '@spillway/middleware'
import type { UsageIteration } from '@spillway/middleware/kit'
import { type Decimal, decimal, plus, rounded, times } from './decimal.ts'
import { isGlobal, isRegional } from './price-name.ts'
import { findPrice, type ModelPrice, type PriceTable } from './price-table.ts'
import { publishedPrices } from './published-prices.ts'
import { rateFor, tokenCost, whole } from './token-cost.ts'

/** What of a call decides on its price, besides the usage. */
export interface CostFacts {
  /** The model that answered. */
  readonly model: string
  /** The model that was asked for, where its name may tell more: Bedrock's tell the region. */
  readonly asked?: string | undefined
  /** Who is paid: `anthropic`, `openrouter`, `embedded`, or one of your own table. */
  readonly provider: string
  /** When the call was made, in milliseconds since the Unix epoch. */
  readonly at: number
  /** The request's `speed`; what the usage says was delivered wins. @default standard */
  readonly speed?: string | undefined
  /** The request's `inference_geo`; what the usage says wins. */
  readonly geo?: string | undefined
  /** Whether it went through the batch API; so says the usage too. @default false */
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

/** Prices are for a million tokens and a thousand searches, costs in nano-dollars: 10^-6, 10^-3 and 10^9. */
const nanoScale = 9
const million = 6
const thousand = 3

/** In nano-dollars; more is no cost of a call, and would not add up exactly. */
const mostNanoDollars = 10n ** 15n

/**
 * What a call cost, exact: sums of products of decimals, rounded once, half up, to a nano-dollar. What the vendor reports
 * (OpenRouter) wins over the table. Each sampling of an answer that took several is priced by its own model.
 * @throws RangeError when a price in the table is not a decimal
 */
export function costOf(
  usage: Usage | undefined,
  facts: CostFacts,
  table: PriceTable = publishedPrices,
): Cost {
  if (usage === undefined) return unpriced('usage')
  if (usage.cost !== undefined && Number.isFinite(usage.cost) && usage.cost >= 0)
    return priced(decimal(String(usage.cost)), 'reported', usage.estimated)
  const tokens = costOfTokens(usage, facts, table)
  if (typeof tokens === 'string') return unpriced(tokens)
  const searches = costOfSearches(usage, facts, table)
  const estimated =
    usage.estimated || tokens.estimated || searches === undefined || isOtherwiseSold(usage.tier)
  return priced(searches === undefined ? tokens.total : plus(tokens.total, searches), 'table', estimated)
}

interface TokensCost {
  /** USD */
  readonly total: Decimal
  readonly estimated: boolean
}

/** What all tokens cost, or what is not known. */
function costOfTokens(usage: Usage, facts: CostFacts, table: PriceTable): TokensCost | 'model' | 'speed' {
  const speed = usage.speed ?? facts.speed ?? 'standard'
  const isPlaced = isRegional(facts.model) || (facts.asked !== undefined && isRegional(facts.asked))
  const isAnywhere = isGlobal(facts.asked ?? facts.model)
  let total = whole(0)
  let estimated = false
  for (const part of usage.iterations ?? [asIteration(usage)]) {
    if (!part.isBilled) continue
    const price = priceFor(part.model ?? facts.model, facts, table)
    if (price === undefined) return 'model'
    // Speed is said of the model that answered; an advisor that is not sold so works at its only one.
    const isOther = part.model !== undefined && part.model !== facts.model
    const isOnlyStandard = isOther && speed === 'fast' && price.fast === undefined
    const rate = rateFor(price, part, isOnlyStandard ? 'standard' : speed)
    if (rate === undefined) return 'speed'
    const cost = tokenCost(part, rate)
    const factor = isAnywhere ? undefined : (price.surcharge ?? (isPlaced ? price.regional : undefined))
    total = plus(total, factor === undefined ? cost : times(cost, decimal(factor)))
    // A reseller's price is not the vendor's.
    estimated ||= price.provider !== facts.provider || isOnlyStandard
  }
  if (facts.batch === true || usage.tier === 'batch') total = times(total, decimal(table.batch))
  const multiplier = table.geo[usage.geo ?? facts.geo ?? '']
  if (multiplier !== undefined) total = times(total, decimal(multiplier))
  return { total: { units: total.units, scale: total.scale + million }, estimated }
}

/** In USD; undefined where searches were made and their price is unknown. */
function costOfSearches(usage: Usage, facts: CostFacts, table: PriceTable): Decimal | undefined {
  if (!usage.webSearches) return whole(0)
  const each = priceFor(facts.model, facts, table)?.webSearches
  if (each === undefined) return undefined
  const { units, scale } = times(whole(usage.webSearches), decimal(each))
  return { units, scale: scale + thousand }
}

function priceFor(model: string, { provider, at }: CostFacts, table: PriceTable): ModelPrice | undefined {
  const own = findPrice(table, provider, model, at)
  if (own !== undefined || provider !== 'openrouter') return own
  return findPrice(table, 'anthropic', model, at)
}

/** Capacity that was bought in advance has another price than the list. */
function isOtherwiseSold(tier: string | undefined): boolean {
  return tier !== undefined && tier !== 'batch'
}

function asIteration(usage: Usage): UsageIteration {
  return { ...usage, model: undefined, isBilled: true }
}

function priced(dollars: Decimal, source: 'reported' | 'table', estimated: boolean): Cost {
  const nanoDollars = rounded(dollars, nanoScale)
  if (nanoDollars > mostNanoDollars) return unpriced('usage')
  return { status: 'priced', nanoDollars: Number(nanoDollars), source, estimated }
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
