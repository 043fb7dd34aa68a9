import { describe, expect, it } from 'vitest'
import {
  type EnforcedLimits,
  enforceLimits,
  isRefusal,
  type LimitedCall,
  type LimitedLease,
} from './enforced-limits.ts'
import { anthropicPool, bedrockBurndown } from './limit-dialects.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

const opus = 'claude-opus-5-5'
const call = (inputTokens: number, more: Partial<LimitedCall> = {}): LimitedCall => ({
  model: opus,
  inputTokens,
  ...more,
})

function admitted(limits: EnforcedLimits, asked: LimitedCall): LimitedLease {
  const answer = limits.admit(asked)
  if (isRefusal(answer)) throw new Error(`refused: ${answer.body}`)
  return answer
}

function refused(
  limits: EnforcedLimits,
  asked: LimitedCall,
): Exclude<ReturnType<EnforcedLimits['check']>, undefined> {
  const answer = limits.admit(asked)
  if (!isRefusal(answer)) throw new Error('let in')
  return answer
}

describe('Anthropic', () => {
  const start = { requestsPerMinute: 50, inputTokensPerMinute: 30_000, outputTokensPerMinute: 8_000 }
  const open = (clock: VirtualClock, more = {}): EnforcedLimits =>
    enforceLimits({ limits: start, clock, ...more })

  it('lets a burst of a whole limit through, and refills without steps', async () => {
    const clock = virtualClock()
    const limits = open(clock)
    admitted(limits, call(30_000))
    const { status, limit, retryAfterMs, headers } = refused(limits, call(1_000))
    expect({ status, limit, retryAfterMs }).toEqual({
      status: 429,
      limit: 'inputTokens',
      retryAfterMs: 2_000,
    })
    expect(headers['retry-after']).toBe('2')
    await clock.advance(1_999)
    refused(limits, call(1_000))
    await clock.advance(1)
    admitted(limits, call(1_000))
  })

  it('does not count what is read from the cache, unless the model is an old one', () => {
    const clock = virtualClock()
    admitted(open(clock), call(500, { cacheReadTokens: 500_000 }))
    refused(open(clock, { countCacheReads: true }), call(500, { cacheReadTokens: 500_000 }))
  })

  it('counts output as it is generated, into debt, and never max_tokens', async () => {
    const clock = virtualClock()
    const limits = open(clock)
    const first = admitted(limits, call(10, { maxTokens: 1_000_000 }))
    admitted(limits, call(10))
    first.generated(12_000)
    first.end()
    expect(limits.meters(opus).outputTokens?.remaining).toBe(-4_000)
    const { limit, retryAfterMs } = refused(limits, call(10))
    expect(limit).toBe('outputTokens')
    expect(retryAfterMs).toBeCloseTo(30_007.5)
    await clock.advance(30_008)
    admitted(limits, call(10))
  })

  it('limits counts of tokens apart from messages', () => {
    const limits = open(virtualClock(), { limits: { requestsPerMinute: 1, countRequestsPerMinute: 2 } })
    const count = call(900_000, { operation: 'count_tokens' })
    admitted(limits, count)
    admitted(limits, call(1))
    refused(limits, call(1))
    admitted(limits, count)
    expect(refused(limits, count).limit).toBe('countRequests')
  })

  it('says limits, what remains in thousands, and when all is back in whole seconds', async () => {
    const clock = virtualClock({ epoch: Date.UTC(2026, 10, 26, 12, 0, 0) })
    const limits = open(clock)
    await clock.advance(250)
    const { headers } = admitted(limits, call(4_600))
    expect(headers).toEqual({
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-11-26T12:00:02Z',
      'anthropic-ratelimit-input-tokens-limit': '30000',
      'anthropic-ratelimit-input-tokens-remaining': '25000',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-26T12:00:10Z',
      'anthropic-ratelimit-output-tokens-limit': '8000',
      'anthropic-ratelimit-output-tokens-remaining': '8000',
      'anthropic-ratelimit-output-tokens-reset': '2026-11-26T12:00:01Z',
      'anthropic-ratelimit-tokens-limit': '38000',
      'anthropic-ratelimit-tokens-remaining': '33000',
      'anthropic-ratelimit-tokens-reset': '2026-11-26T12:00:10Z',
    })
  })

  it('refuses a sharp rise, and lets a gradual one through', async () => {
    const clock = virtualClock()
    const ramp = { limits: { inputTokensPerMinute: 1_000_000 }, acceleration: { floor: 100_000 } }
    const limits = open(clock, ramp)
    admitted(limits, call(60_000))
    const sharp = refused(limits, call(60_000))
    expect([sharp.limit, sharp.retryAfterMs]).toEqual(['acceleration', 60_000])
    expect(JSON.parse(sharp.body).error.details).toEqual({ error_code: 'ramp_limit_exceeded' })
    const byMinute: number[] = []
    for (let minute = 0; minute < 5; minute++) {
      await clock.advance(60_000)
      byMinute.push(0)
      while (limits.check(call(20_000)) === undefined) {
        admitted(limits, call(20_000))
        byMinute[minute] = (byMinute[minute] as number) + 20_000
      }
    }
    expect(byMinute).toEqual([120_000, 240_000, 480_000, 960_000, 1_000_000])
  })

  it('has one pool for the models of some families, and one for each other model', () => {
    const pools = [
      'claude-opus-4-8',
      'claude-opus-4-5-20251101',
      'claude-sonnet-4-6',
      'claude-fable-5-1',
      opus,
    ]
    expect(pools.map(anthropicPool)).toEqual(['opus-4', 'opus-4', 'sonnet-4', 'fable-5', 'opus-5-5'])
    const limits = open(virtualClock(), { limits: { requestsPerMinute: 1 } })
    admitted(limits, call(1, { model: 'claude-opus-4-8' }))
    refused(limits, call(1, { model: 'claude-opus-4-6' }))
    admitted(limits, call(1))
  })

  it('checks without counting', () => {
    const limits = open(virtualClock(), { limits: { requestsPerMinute: 1 } })
    for (let i = 0; i < 3; i++) expect(limits.check(call(1))).toBeUndefined()
    admitted(limits, call(1))
    expect(limits.check(call(1))?.status).toBe(429)
  })

  it('is closed for as long as it is told', async () => {
    const clock = virtualClock()
    const limits = open(clock)
    limits.close(opus, 3_000)
    expect(refused(limits, call(1))).toMatchObject({ limit: 'closed', retryAfterMs: 3_000 })
    admitted(limits, call(1, { operation: 'count_tokens' }))
    await clock.advance(3_000)
    admitted(limits, call(1))
  })

  it('refuses limits that let nothing through', () => {
    const limits = enforceLimits({ limits: { requestsPerMinute: 0 } })
    expect(() => limits.check(call(1))).toThrow('requestsPerMinute must be more than 0, but is 0')
  })
})

describe('Groq', () => {
  const free = { requestsPerMinute: 30, requestsPerDay: 1_000, tokensPerMinute: 6_000 }

  it('tells of requests a day and tokens a minute, in durations as Go writes them, and of the minute only in errors', async () => {
    const clock = virtualClock()
    const limits = enforceLimits({ vendor: 'groq', limits: free, clock })
    const { headers } = admitted(limits, call(700, { maxTokens: 66 }))
    expect(headers).toEqual({
      'x-ratelimit-limit-requests': '1000',
      'x-ratelimit-remaining-requests': '999',
      'x-ratelimit-reset-requests': '1m26.4s',
      'x-ratelimit-limit-tokens': '6000',
      'x-ratelimit-remaining-tokens': '5234',
      'x-ratelimit-reset-tokens': '7.66s',
    })
    for (let i = 1; i < 30; i++) admitted(limits, call(1))
    const { body, headers: told } = refused(limits, call(1))
    expect(JSON.parse(body).error).toMatchObject({
      message: expect.stringContaining(
        'on requests per minute (RPM): Limit 30, Used 30, Requested 1. Please try again in 2s.',
      ),
      code: 'rate_limit_exceeded',
    })
    expect(told['retry-after']).toBe('2')
  })

  it('gives back what was reserved for the answer and not used', () => {
    const limits = enforceLimits({ vendor: 'groq', limits: free, clock: virtualClock() })
    const lease = admitted(limits, call(1_000, { maxTokens: 4_000 }))
    refused(limits, call(1_000, { maxTokens: 1 }))
    lease.generated(500)
    lease.end()
    lease.end()
    expect(limits.meters(opus).tokens?.remaining).toBe(4_500)
  })

  it('answers 413 where a call is larger than the whole limit', () => {
    const limits = enforceLimits({ vendor: 'groq', limits: free, clock: virtualClock() })
    const { status, body } = refused(limits, call(5_000, { maxTokens: 2_000 }))
    expect(status).toBe(413)
    expect(body).toContain('Limit 6000, Requested 7000')
  })
})

describe('OpenAI', () => {
  it('counts the larger one of the prompt and max_tokens, and tells of requests a minute', () => {
    const limits = enforceLimits({
      vendor: 'openai',
      limits: { requestsPerMinute: 5_000, tokensPerMinute: 160_000 },
      clock: virtualClock(),
    })
    const { headers } = admitted(limits, call(24, { cacheReadTokens: 1_000, maxTokens: 16_000 }))
    expect(headers).toMatchObject({
      'x-ratelimit-remaining-requests': '4999',
      'x-ratelimit-reset-requests': '12ms',
      'x-ratelimit-remaining-tokens': '144000',
      'x-ratelimit-reset-tokens': '6s',
    })
  })

  it('tells of requests a day where these are limited', () => {
    const limits = enforceLimits({
      vendor: 'openai',
      limits: { requestsPerMinute: 3, requestsPerDay: 200 },
      clock: virtualClock(),
    })
    const { headers } = admitted(limits, call(1))
    expect(headers).toMatchObject({
      'x-ratelimit-limit-requests': '200',
      'x-ratelimit-reset-requests': '7m12s',
    })
  })
})

describe('Bedrock', () => {
  it('reserves the whole prompt and max_tokens, counts output several times, and gives the rest back in the end', () => {
    const limits = enforceLimits({
      vendor: 'bedrock',
      limits: { tokensPerMinute: 100_000 },
      clock: virtualClock(),
    })
    const model = 'anthropic.claude-sonnet-4-6'
    const left = (): number | undefined => limits.meters(model).tokens?.remaining
    const lease = admitted(limits, { model, inputTokens: 1_000, cacheReadTokens: 20_000, maxTokens: 32_000 })
    expect([left(), lease.headers]).toEqual([47_000, {}])
    lease.generated(1_000)
    lease.end()
    expect(left()).toBe(94_000)
    const { headers, body } = refused(limits, { model, inputTokens: 1, maxTokens: 95_000 })
    expect([headers, JSON.parse(body).message]).toEqual([
      { 'x-amzn-errortype': 'ThrottlingException' },
      'Too many tokens, please wait before trying again.',
    ])
  })

  it('reserves the most that a model may answer where max_tokens is missing', () => {
    const limits = enforceLimits({
      vendor: 'bedrock',
      limits: { tokensPerMinute: 100_000 },
      clock: virtualClock(),
    })
    admitted(limits, call(1_000))
    expect(refused(limits, call(1_000)).limit).toBe('tokens')
  })

  it.each([
    ['anthropic.claude-opus-4-8', 15],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 5],
    ['anthropic.claude-opus-5', 10],
    ['anthropic.claude-opus-5-5', 10],
    ['meta.llama3-70b', 1],
  ])('counts a token of output of %s %i times', (model, rate) => {
    expect(bedrockBurndown(model)).toBe(rate)
  })
})
