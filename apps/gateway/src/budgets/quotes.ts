import type { ModelRequest, Usage } from '@spillway/middleware'
import { fieldOf, type JsonBody, RecentMap } from '@spillway/middleware/kit'
import { type CostFacts, costOf, publishedPrices } from '@spillway/usage'
import type { Upstream } from '../ledger/upstream.ts'
import type { RunningTarget } from '../targets.ts'

/** What a call may cost, in nano-dollars. */
export interface Quote {
  readonly most: number
  /** What it costs if it is in the vendor's cache as far as can be, and answered by a word. */
  readonly least: number
}

/** What is known of a call before it is made. */
export interface CallSize {
  /** Tokens of its prompt, roughly. */
  readonly prompt: number
  /** Tokens that its answer may have. */
  readonly output: number
}

/** In nano-dollars a token. */
interface Rates {
  readonly input: number
  readonly cached: number
  readonly written: number
  readonly written1h: number
  readonly output: number
}

/** Who is paid, and how much. */
type Paid = Pick<Upstream, 'provider' | 'prices'>

/** Those that a configuration chooses and callers ask for. */
const mostRates = 1_000

/** Prompts above which some models have another price; below the lowest of these lengths. */
const longPrompt = 90_000

const day = 86_400_000

/**
 * What calls on a route may cost, by the dearest endpoint of its targets. Undefined where the price of the first target is not known; of
 * others, what a call costs there shows when it is over.
 */
export function quotesOf(
  targets: readonly Pick<RunningTarget, 'endpoints' | 'model'>[],
): (request: ModelRequest, size: CallSize) => Quote | undefined {
  const [first = [], ...others] = targets.map(({ endpoints, model }) =>
    endpoints.map(({ paid }) => ({ paid: paid ?? embedded, model })),
  )
  const known = new RecentMap<Rates | null>(mostRates)
  const ratesOf = (request: ModelRequest, isLong: boolean): Rates | null => {
    const at = request.clock.epoch()
    const [speed, geo] = [wordIn(request.body, 'speed'), wordIn(request.body, 'inference_geo')]
    const key = `${Math.floor(at / day)} ${isLong} ${speed} ${geo} ${request.model}`
    let rates = known.get(key)
    if (rates === undefined) {
      const facts = { at, ...(speed && { speed }), ...(geo && { geo }) }
      const at1st = first.map(({ paid, model = request.model }) => ratesAt(paid, { ...facts, model }, isLong))
      const elsewhere = others
        .flat()
        .map(({ paid, model = request.model }) => ratesAt(paid, { ...facts, model }, isLong))
      rates = at1st.includes(undefined) ? null : dearest([...at1st, ...elsewhere])
      known.set(key, rates)
    }
    return rates
  }
  return (request, { prompt, output }) => {
    const rates = ratesOf(request, prompt > longPrompt)
    if (rates === null) return undefined
    const cache = cacheIn(request.body)
    const dearestInput = cache === '1h' ? rates.written1h : cache === '5m' ? rates.written : rates.input
    // Vendors of other protocols cache unasked.
    const cheapestInput = cache === undefined && request.api === 'anthropic' ? rates.input : rates.cached
    return {
      most: Math.ceil(prompt * Math.max(rates.input, dearestInput) + output * rates.output),
      least: Math.ceil(prompt * Math.min(rates.input, cheapestInput) + Math.min(1, output) * rates.output),
    }
  }
}

const embedded: Paid = { provider: 'embedded', prices: undefined }

const nothing: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: true,
}

/** What a token of each kind costs; undefined where that is not known. */
function ratesAt(
  { provider, prices }: Paid,
  facts: Omit<CostFacts, 'provider'>,
  isLong: boolean,
): Rates | undefined {
  const tokens = isLong ? 1_000_000 : 1_000
  const rate = (usage: Partial<Usage>, more: Partial<CostFacts> = {}): number | undefined => {
    const cost = costOf({ ...nothing, ...usage }, { ...facts, provider, ...more }, prices).nanoDollars
    return cost === undefined ? undefined : cost / tokens
  }
  // What OpenRouter charges it says afterwards, also for models whose price is in no table.
  const isKnown = rate({ inputTokens: tokens }) !== undefined || provider !== 'openrouter'
  const more = isKnown ? {} : { model: dearestModel, provider: 'anthropic' }
  const [input, cached, written, written1h, output] = [
    rate({ inputTokens: tokens }, more),
    rate({ cacheReadTokens: tokens }, more),
    rate({ cacheWriteTokens: tokens }, more),
    rate({ cacheWriteTokens: tokens, cacheWrite1hTokens: tokens }, more),
    // The price of a long prompt holds for the answer too.
    isLong
      ? difference(
          rate({ inputTokens: tokens, outputTokens: tokens }, more),
          rate({ inputTokens: tokens }, more),
        )
      : rate({ outputTokens: tokens }, more),
  ]
  if (input === undefined || cached === undefined || written === undefined) return undefined
  if (written1h === undefined || output === undefined) return undefined
  return { input, cached, written, written1h, output }
}

const difference = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : one - other

/** The dearest model with a published price. */
const dearestModel: string = publishedPrices.prices
  .filter(({ provider }) => provider === 'anthropic')
  .toSorted((one, other) => Number(other.output) - Number(one.output))[0]?.models[0] as string

function dearest(all: readonly (Rates | undefined)[]): Rates {
  const most = (kind: keyof Rates): number => Math.max(0, ...all.map((rates) => rates?.[kind] ?? 0))
  const least = Math.min(...all.flatMap((rates) => (rates === undefined ? [] : [rates.cached])))
  return {
    ...{
      input: most('input'),
      written: most('written'),
      written1h: most('written1h'),
      output: most('output'),
    },
    cached: Number.isFinite(least) ? least : 0,
  }
}

const cacheControl = Buffer.from('"cache_control"')
const oneHour = Buffer.from('"1h"')

/** For how long a prompt asks to be cached. */
function cacheIn({ bytes }: JsonBody): '5m' | '1h' | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!text.includes(cacheControl)) return undefined
  return text.includes(oneHour) ? '1h' : '5m'
}

/** Bytes of any such word, and some. */
const longestWord = 32

function wordIn(body: JsonBody, field: string): string | undefined {
  try {
    const value = fieldOf(body, field, longestWord)
    return typeof value === 'string' ? value : undefined
  } catch {
    // Only the upstream can judge such a body.
    return undefined
  }
}
