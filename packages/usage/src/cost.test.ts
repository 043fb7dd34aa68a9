import type { Usage } from '@spillway/middleware'
import type { UsageIteration } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CostFacts, costOf, formatDollars } from './cost.ts'
import { type ModelPrice, withPrices } from './price-table.ts'
import { publishedPrices } from './published-prices.ts'

const none: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}
const november = Date.UTC(2026, 10, 1)
const million = 1_000_000

function dollars(usage: Partial<Usage>, model: string, facts: Partial<CostFacts> = {}): string | undefined {
  const cost = costOf({ ...none, ...usage }, { model, provider: 'anthropic', at: november, ...facts })
  return cost.nanoDollars === undefined ? undefined : formatDollars(cost.nanoDollars)
}

describe('the published prices', () => {
  // For a million tokens each: input, output, cache read, written for five minutes, for one hour.
  it.each([
    ['claude-fable-5-2', '8', '40', '0.2', '10', '16'],
    ['claude-fable-5-1', '10', '50', '0.25', '12.5', '20'],
    ['claude-mythos-5', '10', '50', '1', '12.5', '20'],
    ['claude-opus-5-5', '4', '20', '0.2', '5', '8'],
    ['claude-opus-4-5-20251101', '5', '25', '0.5', '6.25', '10'],
    ['claude-opus-5', '5', '25', '0.5', '6.25', '10'],
    ['claude-sonnet-5-5', '2', '10', '0.1', '2.5', '4'],
    ['claude-sonnet-5', '2', '10', '0.2', '2.5', '4'],
    ['claude-sonnet-4-6', '3', '15', '0.3', '3.75', '6'],
    ['claude-haiku-4-5', '1', '5', '0.1', '1.25', '2'],
    ['claude-opus-4-1-20250805', '15', '75', '1.5', '18.75', '30'],
    ['claude-opus-4-20250514', '15', '75', '1.5', '18.75', '30'],
    ['claude-3-7-sonnet-latest', '3', '15', '0.3', '3.75', '6'],
    ['claude-3-5-haiku-20241022', '0.8', '4', '0.08', '1', '1.6'],
    ['claude-3-haiku-20240307', '0.25', '1.25', '0.03', '0.3', '0.5'],
  ])('of %s', (model, input, output, read, write, write1h) => {
    expect([
      dollars({ inputTokens: million }, model),
      dollars({ outputTokens: million }, model),
      dollars({ cacheReadTokens: million }, model),
      dollars({ cacheWriteTokens: million }, model),
      dollars({ cacheWriteTokens: million, cacheWrite1hTokens: million }, model),
    ]).toEqual([input, output, read, write, write1h])
  })

  it('of Haiku 5.5 are those of a long prompt for the whole request, cache included', () => {
    const atLimit = {
      inputTokens: 50_000,
      cacheReadTokens: 40_000,
      cacheWriteTokens: 10_000,
      outputTokens: 1000,
    }
    expect(dollars(atLimit, 'claude-haiku-5-5')).toBe('0.00715')
    expect(dollars({ ...atLimit, inputTokens: 50_001 }, 'claude-haiku-5-5')).toBe('0.0357505')
  })

  it.each(['claude-sonnet-4-5', 'claude-sonnet-4-20250514'])(
    'of %s above 200,000 tokens are those of the long window',
    (model) => {
      const usage = { inputTokens: 1000, cacheReadTokens: 199_000, outputTokens: 1000 }
      expect(dollars(usage, model)).toBe('0.0777')
      expect(dollars({ ...usage, cacheReadTokens: 199_001 }, model)).toBe('0.1479006')
    },
  )

  it('of Opus 4.6 lost their step when the long window became part of the price', () => {
    const usage = { inputTokens: 300_000 }
    expect(dollars(usage, 'claude-opus-4-6', { at: Date.UTC(2026, 2, 12) })).toBe('3')
    expect(dollars(usage, 'claude-opus-4-6', { at: Date.UTC(2026, 2, 13) })).toBe('1.5')
  })

  it('say where they come from, and when that was last compared', () => {
    for (const { provider, source, checked } of publishedPrices.prices) {
      if (provider === 'embedded') continue
      expect(source).toContain('platform.claude.com/docs/en/about-claude/pricing')
      expect(checked).toMatch(/^2026-\d{2}-\d{2}$/)
    }
  })

  it('change on their day, in UTC', () => {
    const read = { cacheReadTokens: million }
    const dayBefore = Date.UTC(2026, 9, 7) - 1
    expect(dollars(read, 'claude-sonnet-5-5', { at: dayBefore })).toBe('0.2')
    expect(dollars(read, 'claude-sonnet-5-5', { at: dayBefore + 1 })).toBe('0.1')
  })

  it('are multiplied for fast answers, places and batches', () => {
    const usage = { inputTokens: million, outputTokens: million }
    expect(dollars(usage, 'claude-opus-5-5', { speed: 'fast' })).toBe('48')
    expect(dollars(usage, 'claude-opus-5-5', { geo: 'us' })).toBe('26.4')
    expect(dollars(usage, 'claude-opus-5-5', { geo: 'global', batch: true })).toBe('12')
    expect(dollars(usage, 'claude-opus-5-5', { geo: 'us', batch: true, speed: 'fast' })).toBe('26.4')
  })

  it.each([
    ['global.anthropic.claude-opus-4-8', undefined, '30'],
    ['us.anthropic.claude-opus-4-8', undefined, '33'],
    ['claude-opus-4-8', 'eu.anthropic.claude-opus-4-8', '33'],
    ['claude-haiku-4-5', 'anthropic.claude-haiku-4-5-20251001-v1:0', '6.6'],
    ['us.anthropic.claude-opus-4-1-20250805-v1:0', undefined, '90'],
    ['us.anthropic.claude-sonnet-4-20250514-v1:0', undefined, '28.5'],
    ['us.anthropic.claude-3-haiku-20240307-v1:0', undefined, '1.5'],
  ])('of %s on Bedrock, asked for as %s, have the addition for one region', (model, asked, expected) => {
    expect(dollars({ inputTokens: million, outputTokens: million }, model, { asked })).toBe(expected)
  })

  it('are those of what was delivered, not of what was asked', () => {
    const usage = { inputTokens: million, outputTokens: million }
    expect(dollars({ ...usage, speed: 'standard' }, 'claude-opus-5-5', { speed: 'fast' })).toBe('24')
    expect(dollars({ ...usage, speed: 'fast' }, 'claude-opus-5-5')).toBe('48')
    expect(dollars({ ...usage, geo: 'us' }, 'claude-opus-5-5')).toBe('26.4')
    expect(dollars({ ...usage, geo: 'not_available' }, 'claude-opus-4-5', { geo: 'us' })).toBe('30')
    expect(dollars({ ...usage, tier: 'batch' }, 'claude-opus-5-5')).toBe('12')
  })

  it('of web searches are added, and not multiplied', () => {
    const usage = { inputTokens: million, webSearches: 3 }
    expect(dollars(usage, 'claude-opus-5-5')).toBe('4.03')
    expect(dollars(usage, 'claude-opus-5-5', { geo: 'us', batch: true })).toBe('2.23')
  })
})

describe('an answer of several samplings', () => {
  const facts = { model: 'claude-sonnet-5-5', provider: 'anthropic', at: november }
  const part = (model: string | undefined, tokens: Partial<UsageIteration>): UsageIteration => ({
    ...none,
    model,
    isBilled: true,
    ...tokens,
  })
  const costs = (iterations: readonly UsageIteration[], more: Partial<Usage> = {}) =>
    costOf({ ...none, ...more, iterations }, facts)

  it('costs what each of them costs, by its own model', () => {
    const cost = costs([
      part(undefined, { inputTokens: million }),
      part('claude-opus-5-5', { inputTokens: million, outputTokens: 1000 }),
      part('claude-haiku-5-5', { inputTokens: 100_000 }),
    ])
    expect(cost).toMatchObject({ nanoDollars: 6_030_000_000, estimated: false })
  })

  it('has the step of a long prompt for each of them alone', () => {
    const short = part('claude-haiku-5-5', { inputTokens: 100_000 })
    expect(costs([short, short]).nanoDollars).toBe(20_000_000)
  })

  it('does not cost what was declined', () => {
    const declined = part('claude-fable-5-1', { inputTokens: million, isBilled: false })
    expect(costs([declined, part(undefined, { inputTokens: million })]).nanoDollars).toBe(2_000_000_000)
  })

  it('is unpriced where one of them is', () => {
    expect(costs([part(undefined, {}), part('claude-unheard-of', { inputTokens: 1 })])).toMatchObject({
      status: 'unpriced',
      reason: 'model',
    })
  })

  it('is an estimate where an advisor is not sold at the speed of the answer', () => {
    const fast = { ...facts, model: 'claude-opus-5-5' }
    const iterations = [
      part(undefined, { inputTokens: million }),
      part('claude-fable-5-1', { inputTokens: million }),
    ]
    expect(costOf({ ...none, speed: 'fast', iterations }, fast)).toMatchObject({
      nanoDollars: 18_000_000_000,
      estimated: true,
    })
  })
})

it('is an estimate where capacity was bought in advance, or nobody knows the price of a search', () => {
  const facts = { model: 'm', provider: 'p', at: november }
  const table = withPrices([{ provider: 'p', models: ['m'], input: '1', output: '1' }])
  const usage = { ...none, inputTokens: million }
  expect(costOf(usage, facts, table)).toMatchObject({ estimated: false })
  expect(costOf({ ...usage, tier: 'priority' }, facts, table)).toMatchObject({ estimated: true })
  expect(costOf({ ...usage, webSearches: 1 }, facts, table)).toMatchObject({ estimated: true })
})

describe('a price that nobody knows', () => {
  it.each([
    ['a model', { model: 'claude-fable-9' }, 'model'],
    ['a model that public lists contradict each other on', { model: 'claude-mythos-preview' }, 'model'],
    ['a provider', { provider: 'elsewhere' }, 'model'],
    ['a speed', { model: 'claude-sonnet-5-5', speed: 'fast' }, 'speed'],
  ])('of %s is none, not 0', (_name, facts, reason) => {
    const cost = costOf(
      { ...none, inputTokens: 1 },
      { model: 'claude-opus-5', provider: 'anthropic', at: november, ...facts },
    )
    expect(cost).toEqual({ status: 'unpriced', nanoDollars: undefined, reason })
  })

  it('is none without usage', () => {
    expect(costOf(undefined, { model: 'claude-opus-5', provider: 'anthropic', at: november }).status).toBe(
      'unpriced',
    )
  })
})

describe('OpenRouter', () => {
  const facts = { model: 'anthropic/claude-sonnet-5.5:nitro', provider: 'openrouter', at: november }

  it.each([
    [0.0123456789, 12345679],
    [1e-7, 100],
    [0, 0],
    [0.1 + 0.2, 300000000],
  ])('is believed what it reports: %d', (cost, nanoDollars) => {
    expect(costOf({ ...none, inputTokens: 5, cost }, facts)).toMatchObject({
      nanoDollars,
      source: 'reported',
      estimated: false,
    })
  })

  it('is estimated by the price of the vendor where it reports none', () => {
    expect(costOf({ ...none, inputTokens: million }, facts)).toMatchObject({
      nanoDollars: 2_000_000_000,
      source: 'table',
      estimated: true,
    })
  })
})

describe('a table of one’s own', () => {
  it('wins for what it names and leaves the rest', () => {
    const table = withPrices([
      { provider: 'anthropic', models: ['claude-sonnet-5-5'], input: '1', output: '1' },
    ])
    const at = (model: string) =>
      costOf({ ...none, inputTokens: million }, { model, provider: 'anthropic', at: november }, table)
    expect(at('claude-sonnet-5-5').nanoDollars).toBe(1_000_000_000)
    expect(at('claude-opus-5').nanoDollars).toBe(5_000_000_000)
    expect(publishedPrices.prices.flatMap(({ models }) => models)).toContain('claude-sonnet-5-5')
  })

  const own = (models: readonly string[], more: Partial<ModelPrice> = {}): ModelPrice => ({
    ...{ provider: 'openai', models, input: '7', output: '7' },
    ...more,
  })

  it.each<[string, readonly ModelPrice[], string, number]>([
    ['with dots', [own(['gpt-4.1'])], 'gpt-4.1', 7],
    ['of a snapshot by its model', [own(['gpt-4.1'])], 'gpt-4.1-2025-04-14', 7],
    [
      'of one snapshot alone',
      [own(['gpt-4o']), own(['gpt-4o-2024-05-13'], { input: '9' })],
      'gpt-4o-2024-05-13',
      9,
    ],
    ['of the others', [own(['gpt-4o']), own(['gpt-4o-2024-05-13'], { input: '9' })], 'gpt-4o-2024-08-06', 7],
    ['of all, at nothing', [own(['*'], { input: '0', output: '0' })], 'llama3.2:3b', 0],
    ['by name before all', [own(['*']), own(['gpt-5'], { input: '2' })], 'gpt-5', 2],
  ])('finds names %s', (_name, prices, model, dollars) => {
    const cost = costOf(
      { ...none, inputTokens: million },
      { model, provider: 'openai', at: november },
      withPrices(prices),
    )
    expect(cost.nanoDollars).toBe(dollars * 1_000_000_000)
  })

  it('for all models of a provider replaces what is published for it', () => {
    const table = withPrices([own(['*'], { provider: 'anthropic', input: '0', output: '0' })])
    const cost = costOf(
      { ...none, inputTokens: 1 },
      { model: 'claude-opus-5', provider: 'anthropic', at: 0 },
      table,
    )
    expect(cost.nanoDollars).toBe(0)
  })

  it('with a price that is no decimal is refused', () => {
    const table = withPrices([{ provider: 'p', models: ['m'], input: '1,5', output: '1' }])
    expect(() => costOf(none, { model: 'm', provider: 'p', at: november }, table)).toThrow("but got '1,5'")
  })
})

describe('a cost', () => {
  const usages = fc.record({
    ...Object.fromEntries(Object.keys(none).map((name) => [name, fc.nat(200_000)])),
    estimated: fc.boolean(),
  }) as unknown as fc.Arbitrary<Usage>
  const models = fc.constantFrom('claude-sonnet-5-5', 'claude-opus-5', 'claude-fable-5-1', 'claude-haiku-4-5')
  const cost = (usage: Usage, model: string, facts: Partial<CostFacts> = {}): number =>
    costOf(usage, { model, provider: 'anthropic', at: november, ...facts }).nanoDollars as number

  it('is a whole number, never less for more tokens', () => {
    fc.assert(
      fc.property(usages, models, fc.nat(10_000), (usage, model, more) => {
        const nano = cost(usage, model)
        expect(Number.isSafeInteger(nano)).toBe(true)
        expect(cost({ ...usage, outputTokens: usage.outputTokens + more }, model)).toBeGreaterThanOrEqual(
          nano,
        )
      }),
    )
  })

  it('of two answers is the sum of both, without any drift', () => {
    fc.assert(
      fc.property(fc.array(usages, { maxLength: 50 }), models, (all, model) => {
        const sum = (name: keyof Usage): number =>
          all.reduce((total, usage) => total + Number(usage[name]), 0)
        // The part for one hour is at most what was written at all.
        const fair = all.map((usage) => ({
          ...usage,
          cacheWrite1hTokens: Math.min(usage.cacheWrite1hTokens, usage.cacheWriteTokens),
        }))
        const joined: Usage = {
          ...none,
          inputTokens: sum('inputTokens'),
          outputTokens: sum('outputTokens'),
          cacheReadTokens: sum('cacheReadTokens'),
          cacheWriteTokens: sum('cacheWriteTokens'),
          cacheWrite1hTokens: fair.reduce((total, usage) => total + usage.cacheWrite1hTokens, 0),
        }
        expect(fair.reduce((total, usage) => total + cost(usage, model), 0)).toBe(cost(joined, model))
      }),
    )
  })

  it('is written out exactly', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (nano) => {
        const [whole = '', fraction = ''] = formatDollars(nano).split('.')
        expect(BigInt(whole + fraction.padEnd(9, '0'))).toBe(BigInt(nano))
      }),
    )
  })
})
