import type { TokenCounts } from '@spillway/middleware/kit'
import { type Decimal, decimal, plus, times } from './decimal.ts'
import type { ModelPrice, Rate } from './price-table.ts'

/** The rate for one sampling; undefined where none is known for its speed. */
export function rateFor(price: ModelPrice, tokens: TokenCounts, speed: string): Rate | undefined {
  if (speed === 'fast') return price.fast
  if (speed !== 'standard') return undefined
  const prompt = tokens.inputTokens + tokens.cacheReadTokens + tokens.cacheWriteTokens
  return price.longPrompt !== undefined && prompt > price.longPrompt.above ? price.longPrompt : price
}

/** What tokens cost, in millionths of a dollar. */
export function tokenCost(tokens: TokenCounts, rate: Rate): Decimal {
  const unit = unitPrices(rate)
  const written1h = Math.min(tokens.cacheWrite1hTokens, tokens.cacheWriteTokens)
  let total = times(whole(tokens.inputTokens), unit.input)
  const add = (count: number, each: Decimal): void => {
    if (count > 0) total = plus(total, times(whole(count), each))
  }
  add(tokens.cacheReadTokens, unit.cacheRead)
  add(tokens.cacheWriteTokens - written1h, unit.cacheWrite)
  add(written1h, unit.cacheWrite1h)
  add(tokens.outputTokens, unit.output)
  return total
}

interface UnitPrices {
  readonly input: Decimal
  readonly output: Decimal
  readonly cacheRead: Decimal
  readonly cacheWrite: Decimal
  readonly cacheWrite1h: Decimal
}

/** By their rate: reading its decimals costs more than the sum itself. */
const knownUnitPrices = new WeakMap<Rate, UnitPrices>()

function unitPrices(rate: Rate): UnitPrices {
  let known = knownUnitPrices.get(rate)
  if (known === undefined) {
    const input = decimal(rate.input)
    const cached = (price: string | undefined, multiple: string): Decimal =>
      price === undefined ? times(input, decimal(multiple)) : decimal(price)
    known = {
      input,
      output: decimal(rate.output),
      cacheRead: cached(rate.cacheRead, '0.1'),
      cacheWrite: cached(rate.cacheWrite, '1.25'),
      cacheWrite1h: cached(rate.cacheWrite1h, '2'),
    }
    knownUnitPrices.set(rate, known)
  }
  return known
}

export function whole(count: number): Decimal {
  return { units: BigInt(Math.round(count)), scale: 0 }
}
