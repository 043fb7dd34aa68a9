import type { LimitedCall, LimitRefusal } from './enforced-limits.ts'
import { goDuration } from './go-duration.ts'

/** Whose limits. */
export type LimitVendor = 'anthropic' | 'openai' | 'groq' | 'bedrock'

/** The buckets of a pool. */
export type MeterName =
  | 'requests'
  | 'dailyRequests'
  | 'inputTokens'
  | 'outputTokens'
  | 'tokens'
  | 'countRequests'

/** A bucket as it is now. */
export interface Meter {
  readonly limit: number
  /** Not rounded; below zero when it is overdrawn. */
  readonly remaining: number
  /** Milliseconds until it is full, without further use. */
  readonly fullInMs: number
}

/** All buckets of a pool that has any. */
export type Meters = Readonly<Partial<Record<MeterName, Meter>>>

interface RefusalFacts {
  readonly call: LimitedCall
  readonly limit: LimitRefusal['limit']
  readonly retryAfterMs: number
  /** What the call asked of that limit. */
  readonly requested: number
  readonly meters: Meters
  readonly isTooLarge: boolean
}

/** How one vendor counts, and how it says so. */
export interface LimitDialect {
  /** The models of one pool have the same. */
  pool(model: string): string
  /** What a call takes when it comes. Of output tokens only whether there are any: they are taken as they are generated. */
  charges(call: LimitedCall, countsReads: boolean): readonly (readonly [MeterName, number])[]
  /** How much of that is for the answer, and comes back if that is shorter. */
  reserve(call: LimitedCall, countsReads: boolean): number
  /** The bucket that output is taken from; undefined where it does not count beyond what was taken at first. */
  readonly outputMeter: MeterName | undefined
  burndown(model: string): number
  headers(meters: Meters, epoch: number): Record<string, string>
  refusalHeaders(retryAfterMs: number): Record<string, string>
  refusalBody(facts: RefusalFacts): string
  /** Of a call that is larger than a whole limit. */
  readonly tooLargeStatus: number
}

/** What an answer may have where the caller does not say. */
const mostOutput = 64_000

const whole = (model: string): string => model
const once = (): number => 1
const seconds = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1_000)))
const allInput = ({ inputTokens, cacheReadTokens = 0 }: LimitedCall): number => inputTokens + cacheReadTokens

/**
 * Anthropic: requests, input and output a minute; prompts without what is read from the cache; output as it is generated,
 * whatever `max_tokens` says. Token counts rounded to thousands.
 */
const anthropic: LimitDialect = {
  pool: anthropicPool,
  charges: (call, countsReads) => [
    ['requests', 1],
    ['inputTokens', countsReads ? allInput(call) : call.inputTokens],
    ['outputTokens', 1],
  ],
  reserve: () => 0,
  outputMeter: 'outputTokens',
  burndown: once,
  headers(meters, epoch) {
    const headers: Record<string, string> = {}
    const say = (name: string, limit: number, remaining: number, fullInMs: number): void => {
      headers[`anthropic-ratelimit-${name}-limit`] = String(limit)
      headers[`anthropic-ratelimit-${name}-remaining`] = String(Math.max(0, remaining))
      headers[`anthropic-ratelimit-${name}-reset`] = wholeSeconds(epoch + fullInMs)
    }
    const { requests, inputTokens: input, outputTokens: output } = meters
    if (requests) say('requests', requests.limit, Math.floor(requests.remaining), requests.fullInMs)
    if (input) say('input-tokens', input.limit, thousands(input.remaining), input.fullInMs)
    if (output) say('output-tokens', output.limit, thousands(output.remaining), output.fullInMs)
    if (input && output) {
      const remaining = thousands(Math.max(0, input.remaining) + Math.max(0, output.remaining))
      say('tokens', input.limit + output.limit, remaining, Math.max(input.fullInMs, output.fullInMs))
    }
    return headers
  },
  refusalHeaders: (ms) => ({ 'retry-after': seconds(ms) }),
  refusalBody({ limit, meters, call }) {
    const amount = limit in meters ? meters[limit as MeterName]?.limit : undefined
    const named: Partial<Record<LimitRefusal['limit'], string>> = {
      requests: 'requests per minute',
      inputTokens: 'input tokens per minute',
      outputTokens: 'output tokens per minute',
      countRequests: 'token counting requests per minute',
    }
    const message =
      named[limit] === undefined
        ? 'Your organization has reached its acceleration limit. Increase your usage more gradually.'
        : `This request would exceed your organization's rate limit of ${amount} ${named[limit]} (model: ${call.model}).`
    const details = limit === 'acceleration' ? { details: { error_code: 'ramp_limit_exceeded' } } : {}
    return JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message, ...details } })
  },
  tooLargeStatus: 429,
}

/** OpenAI: a call takes the larger one of `max_tokens` and its prompt, and nothing of that comes back. */
const openai: LimitDialect = {
  pool: whole,
  charges: (call) => [
    ['requests', 1],
    ['dailyRequests', 1],
    ['tokens', Math.max(allInput(call), call.maxTokens ?? 0)],
  ],
  reserve: () => 0,
  outputMeter: undefined,
  burndown: once,
  headers: (meters) => goHeaders(meters, meters.dailyRequests ?? meters.requests),
  refusalHeaders: (ms) => ({ 'retry-after': seconds(ms), 'retry-after-ms': String(Math.ceil(ms)) }),
  refusalBody: rateLimitReached,
  tooLargeStatus: 429,
}

/**
 * Groq: a call asks for its prompt, without what is read from the cache, and its `max_completion_tokens`; its headers tell
 * of requests a day and of tokens a minute, never of requests a minute, though these are limited.
 */
const groq: LimitDialect = {
  pool: whole,
  charges: (call) => [
    ['requests', 1],
    ['dailyRequests', 1],
    ['tokens', call.inputTokens + (call.maxTokens ?? 0)],
  ],
  reserve: (call) => call.maxTokens ?? 0,
  outputMeter: 'tokens',
  burndown: once,
  headers: (meters) => goHeaders(meters, meters.dailyRequests),
  refusalHeaders: (ms) => ({ 'retry-after': seconds(ms) }),
  refusalBody: rateLimitReached,
  tooLargeStatus: 413,
}

/**
 * Bedrock: a call reserves its whole prompt, cache reads included, and `max_tokens`. Output is counted five, ten or fifteen
 * times; in the end cache reads and what is left of the reservation come back. No headers, no `retry-after`.
 */
const bedrock: LimitDialect = {
  pool: whole,
  charges: (call) => [
    ['requests', 1],
    ['tokens', allInput(call) + (call.maxTokens ?? mostOutput)],
  ],
  reserve: (call, countsReads) =>
    (call.maxTokens ?? mostOutput) + (countsReads ? 0 : (call.cacheReadTokens ?? 0)),
  outputMeter: 'tokens',
  burndown: bedrockBurndown,
  headers: () => ({}),
  refusalHeaders: () => ({ 'x-amzn-errortype': 'ThrottlingException' }),
  refusalBody: ({ limit }) =>
    JSON.stringify({
      message: `Too many ${limit === 'requests' ? 'requests' : 'tokens'}, please wait before trying again.`,
    }),
  tooLargeStatus: 429,
}

/** The vendors whose limits can be enforced. */
export const limitDialects: Readonly<Record<LimitVendor, LimitDialect>> = { anthropic, openai, groq, bedrock }

/** Families whose models of one major version share their limits at Anthropic. */
const pooled: ReadonlySet<string> = new Set(['opus-4', 'sonnet-4', 'fable-5', 'mythos-5'])

/** Which models share their limits at Anthropic: all of Opus 4, of Sonnet 4, of Fable 5; the others are limited one by one. */
export function anthropicPool(model: string): string {
  const [, family, version] = /(opus|sonnet|haiku|fable|mythos)-(\d+(?:-\d{1,2}(?!\d))?)/.exec(model) ?? []
  if (family === undefined || version === undefined) return model
  const major = `${family}-${version.split('-')[0]}`
  return pooled.has(major) ? major : `${family}-${version}`
}

/** How many tokens of a quota one token of output takes at Bedrock. */
export function bedrockBurndown(model: string): number {
  if (/claude-\w+-4-8/.test(model)) return 15
  if (/(?:opus|sonnet|haiku|fable|mythos)-[5-9]/.test(model)) return 10
  return /claude/.test(model) ? 5 : 1
}

function goHeaders({ tokens }: Meters, requests: Meter | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  const say = (name: string, { limit, remaining, fullInMs }: Meter): void => {
    headers[`x-ratelimit-limit-${name}`] = String(limit)
    headers[`x-ratelimit-remaining-${name}`] = String(Math.max(0, Math.floor(remaining)))
    headers[`x-ratelimit-reset-${name}`] = goDuration(fullInMs)
  }
  if (requests) say('requests', requests)
  if (tokens) say('tokens', tokens)
  return headers
}

function rateLimitReached({
  call,
  limit,
  meters,
  requested,
  retryAfterMs,
  isTooLarge,
}: RefusalFacts): string {
  const meter = meters[limit as MeterName]
  const names: Partial<Record<LimitRefusal['limit'], string>> = {
    requests: 'requests per minute (RPM)',
    dailyRequests: 'requests per day (RPD)',
    tokens: 'tokens per minute (TPM)',
  }
  const used = meter === undefined ? 0 : Math.round(meter.limit - meter.remaining)
  const on = `on ${names[limit] ?? 'requests'}: Limit ${meter?.limit ?? 0}`
  const message = isTooLarge
    ? `Request too large for model \`${call.model}\` ${on}, Requested ${requested}.`
    : `Rate limit reached for model \`${call.model}\` ${on}, Used ${used}, Requested ${requested}. Please try again in ${goDuration(retryAfterMs)}.`
  const type = limit === 'tokens' ? 'tokens' : 'requests'
  return JSON.stringify({ error: { message, type, param: null, code: 'rate_limit_exceeded' } })
}

function thousands(tokens: number): number {
  return Math.round(tokens / 1_000) * 1_000
}

/** RFC 3339 without a fraction: the second in which it is full. */
function wholeSeconds(epoch: number): string {
  return `${new Date(Math.ceil(epoch / 1_000) * 1_000).toISOString().slice(0, 19)}Z`
}
