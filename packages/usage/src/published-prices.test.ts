import { calcPrice, type ModelPrice as PublicPrice, type TieredPrices } from '@pydantic/genai-prices'
import { expect, it } from 'vitest'
import { decimal, rounded, times } from './decimal.ts'
import { findPrice, type Rate } from './price-table.ts'
import { publishedPrices } from './published-prices.ts'

/** Before and after the long window became part of the price, and today. */
const days = [Date.UTC(2026, 1, 20), Date.UTC(2026, 8, 1), Date.UTC(2026, 10, 1)]

/** What the list has otherwise, and why this table is right. The list is of 2026-09-23. */
const differences: Readonly<Record<string, string>> = {
  'claude-sonnet-4-0 input, long':
    'it has no step for Sonnet 4, whose long window was sold like that of Sonnet 4.5',
  'claude-sonnet-4-0 cache_read, long': 'the same',
  'claude-sonnet-4-0 cache_write, long': 'the same',
  'claude-sonnet-4-0 cache_write_1h, long': 'the same',
  'claude-sonnet-4-0 output, long': 'the same',
  'claude-sonnet-5-5 cache_read': 'cut on 2026-10-07; the list takes the model for Sonnet 5',
  'claude-sonnet-5-5 cache_read, long': 'the same',
}

const kinds = ['input', 'cache_read', 'cache_write', 'cache_write_1h', 'output'] as const

it('are those of a public list of prices, for every model and day that it knows', () => {
  const compared = new Set<string>()
  const found = new Set<string>()
  for (const model of publishedPrices.prices.flatMap(({ models }) => models)) {
    for (const at of days) {
      const ours = findPrice(publishedPrices, 'anthropic', model, at)
      const theirs = ours && publicPrice(model, at)
      if (ours === undefined || theirs === undefined) continue
      compared.add(model)
      for (const kind of kinds) {
        const [base, long = base] = steps(theirs[`${kind}_mtok`])
        if (millionths(ours, kind) !== base) found.add(`${model} ${kind}`)
        if (millionths(ours.longPrompt ?? ours, kind) !== long) found.add(`${model} ${kind}, long`)
      }
      const searches = theirs.web_searches_kcount
      if (typeof searches === 'number') expect(Number(ours.webSearches)).toBe(searches)
    }
  }
  expect([...found].toSorted()).toEqual(Object.keys(differences).toSorted())
  expect([...compared].toSorted()).toEqual([
    'claude-3-5-haiku',
    'claude-3-5-sonnet',
    'claude-3-7-sonnet',
    'claude-3-haiku',
    'claude-3-opus',
    'claude-3-sonnet',
    'claude-fable-5',
    'claude-fable-5-1',
    'claude-haiku-4-5',
    'claude-opus-4-0',
    'claude-opus-4-1',
    'claude-opus-4-5',
    'claude-opus-4-6',
    'claude-opus-4-7',
    'claude-opus-4-8',
    'claude-opus-5',
    'claude-opus-5-5',
    'claude-sonnet-4-0',
    'claude-sonnet-4-5',
    'claude-sonnet-4-6',
    'claude-sonnet-5',
    'claude-sonnet-5-5',
  ])
})

function publicPrice(model: string, at: number): PublicPrice | undefined {
  const usage = { input_tokens: 1, output_tokens: 1 }
  return calcPrice(usage, model, { providerId: 'anthropic', timestamp: new Date(at) })?.model_price
}

/** The price of short and of long prompts, in millionths of a dollar. */
function steps(price: number | TieredPrices | undefined): [number | undefined, number | undefined] {
  const scaled = (dollars: number | undefined): number | undefined =>
    dollars === undefined ? undefined : Math.round(dollars * 1e6)
  if (typeof price !== 'object') return [scaled(price), undefined]
  return [scaled(price.base), scaled(price.tiers[0]?.price)]
}

function millionths(rate: Rate, kind: (typeof kinds)[number]): number {
  const multiple = (price: string | undefined, by: string) =>
    price === undefined ? times(decimal(rate.input), decimal(by)) : decimal(price)
  const dollars = {
    input: decimal(rate.input),
    output: decimal(rate.output),
    cache_read: multiple(rate.cacheRead, '0.1'),
    cache_write: multiple(rate.cacheWrite, '1.25'),
    cache_write_1h: multiple(rate.cacheWrite1h, '2'),
  }[kind]
  return Number(rounded(dollars, 6))
}
