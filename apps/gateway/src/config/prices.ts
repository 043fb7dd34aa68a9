import { type ModelPrice, type PriceTable, type Rate, withPrices } from '@spillway/usage'
import { z } from 'zod'
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
  input: price,
  output: price,
  cacheRead: price.optional(),
  cacheWrite: price.optional(),
  cacheWrite1h: price.optional(),
}

/** The key `prices` of a target. */
export const pricesSchema: z.ZodType<readonly PriceConfig[]> = z
  .array(
    z.strictObject({
      models: z.array(z.string().min(1)).min(1, { error: 'expected at least one name of a model, or *' }),
      ...rate,
      from: z.iso.date({ error: 'expected a day such as 2026-10-07' }).optional(),
      longPrompt: z
        .strictObject({ above: z.int({ error: 'expected a number of tokens' }).positive(), ...rate })
        .optional(),
      fast: z.strictObject(rate).optional(),
      webSearches: price.optional(),
    }),
    { error: 'expected a list of prices' },
  )
  .describe(
    'What models of this target cost, in USD for a million tokens; these replace the published prices.',
  )

/** The prices of a target: its own in front of those that are published. Undefined where it has none. */
export function priceTableOf({ api, prices }: TargetConfig): PriceTable | undefined {
  return prices && withPrices(prices.map((each) => modelPrice(api, each)))
}

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
