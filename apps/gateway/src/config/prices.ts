import { type ModelPrice, type PriceTable, type Rate, withPrices } from '@spillway/usage'
import { z } from 'zod'
import { isOnThisMachine } from '../access/exposure.ts'
import type { TargetConfig } from './config.ts'

/** USD for a million tokens. */
export interface RateConfig {
  readonly input: number
  readonly output: number
  readonly cacheRead?: number | undefined
  readonly cacheWrite?: number | undefined
  readonly cacheWrite1h?: number | undefined
}

/** What models of a target cost, where its owner knows better than the published prices, or they say nothing. */
export interface PriceConfig extends RateConfig {
  /** Names of models; `*` for all that are not named. */
  readonly models: readonly string[]
  /** The first day, in UTC: `2026-10-07`. */
  readonly from?: string | undefined
  readonly longPrompt?: (RateConfig & { readonly above: number }) | undefined
  readonly fast?: RateConfig | undefined
  /** USD for a thousand searches. */
  readonly webSearches?: number | undefined
}

const priceError = 'expected a price in USD of 0 or more'
const price = z.number({ error: priceError }).min(0, { error: priceError }).max(1e6, { error: priceError })

const rate = {
  input: price.describe('Input that is in no cache.'),
  output: price.describe('Output.'),
  cacheRead: price.optional().describe('Input that is read from a cache; as `input` by default.'),
  cacheWrite: price.optional().describe('Input that is written into a cache; as `input` by default.'),
  cacheWrite1h: price.optional().describe('The same for an hour; as `cacheWrite` by default.'),
}

/** The key `prices` of a target. */
export const pricesSchema: z.ZodType<readonly PriceConfig[]> = z
  .array(
    z.strictObject({
      models: z
        .array(z.string().min(1))
        .min(1, { error: 'expected at least one name of a model, or *' })
        .describe('Names of models, or * for all that are not named.'),
      ...rate,
      from: z.iso
        .date({ error: 'expected a day such as 2026-10-07' })
        .optional()
        .describe('The first day, in UTC.'),
      longPrompt: z
        .strictObject({
          above: z.int({ error: 'expected a number of tokens' }).positive().describe('Tokens of input.'),
          ...rate,
        })
        .optional()
        .describe('What a call costs whose input is above a length.'),
      fast: z.strictObject(rate).optional().describe('What a call costs with speed: fast.'),
      webSearches: price.optional().describe('A thousand searches.'),
    }),
    { error: 'expected a list of prices' },
  )
  .describe(
    'What models of this target cost, in USD for a million tokens; these replace the published prices.',
  )

/**
 * The prices of a target: its own in front of those that are published. Undefined where it has none. What a model server on this
 * machine answers costs nothing.
 */
export function priceTableOf({ api, prices, endpoints = [] }: TargetConfig): PriceTable | undefined {
  if (prices !== undefined) return withPrices(prices.map((each) => modelPrice(api, each)))
  return api === 'ollama' && endpoints.every(({ url = '' }) => isOnThisMachine(url)) ? free : undefined
}

const free: PriceTable = withPrices([{ provider: 'ollama', models: ['*'], input: '0', output: '0' }])

function modelPrice(provider: string, config: PriceConfig): ModelPrice {
  const { models, from, longPrompt, fast, webSearches } = config
  return {
    ...{ provider, models, from },
    ...rateOf(config),
    longPrompt: longPrompt && { above: longPrompt.above, ...rateOf(longPrompt) },
    fast: fast && rateOf(fast),
    webSearches: webSearches === undefined ? undefined : String(webSearches),
  }
}

/** A number of the file is written as it was read, without the digits that a float cannot hold. */
function rateOf({ input, output, cacheRead, cacheWrite, cacheWrite1h }: RateConfig): Rate {
  const text = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : String(value)
  return {
    ...{ input: String(input), output: String(output) },
    ...{ cacheRead: text(cacheRead), cacheWrite: text(cacheWrite), cacheWrite1h: text(cacheWrite1h) },
  }
}
