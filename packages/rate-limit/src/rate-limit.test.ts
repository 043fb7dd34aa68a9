import { attempt, fetchTransport, timeouts } from '@spillway/attempt'
import {
  createRequest,
  type Handler,
  listen,
  type ModelResponse,
  type SpillwayEvent,
  systemClock,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { type SimulatedServer, startClaude, virtualClock } from '@spillway/testing'
import { classifyHttpError, failureResponse } from '@spillway/wire'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Limiter } from './limiter.ts'
import { createRateLimit, type RateLimit, type RateLimitOptions } from './rate-limit.ts'

let claude: SimulatedServer

beforeEach(async () => {
  claude = await startClaude({
    reply: { text: 'Hi', usage: { inputTokens: 40, outputTokens: 7, cacheReadTokens: 500 } },
  })
})

afterEach(() => claude.close())

function limited(options: RateLimitOptions): { limit: RateLimit; handler: Handler } {
  const limit = createRateLimit(options)
  return { limit, handler: limit.middleware(timeouts({ firstContent: 300 })(attempt(fetchTransport(fetch)))) }
}

function call(changes: { signal?: AbortSignal; stream?: boolean; tenant?: string } = {}) {
  const { stream = false, signal, tenant } = changes
  const json = {
    model: 'claude-sonnet-5-5',
    max_tokens: 100,
    stream,
    messages: [{ role: 'user', content: 'Hi' }],
  }
  return createRequest({
    api: 'anthropic',
    model: 'claude-sonnet-5-5',
    stream,
    url: `${claude.url}/v1/messages`,
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: jsonBodyFromObject(json),
    signal,
    context: { tenant },
  })
}

function used({ limit }: { limit: RateLimit }) {
  const headroom = limit.limiter()?.headroom(performance.now()) ?? {}
  return Object.fromEntries(Object.entries(headroom).map(([name, { used }]) => [name, used]))
}

const limits = {
  requestsPerMinute: 1_000,
  inputTokensPerMinute: 100_000,
  outputTokensPerMinute: 10_000,
  concurrency: 10,
}

describe('a call is settled', () => {
  it('with its real usage; tokens read from the cache do not count', async () => {
    const under = limited(limits)
    const response = await under.handler(call())
    await response.outcome
    expect(used(under)).toEqual({
      requestsPerMinute: 1,
      inputTokensPerMinute: 40,
      outputTokensPerMinute: 7,
      concurrency: 0,
    })
  })

  it('with the tokens from the cache where the vendor counts them', async () => {
    const under = limited({ ...limits, countCacheReads: true })
    await (await under.handler(call())).outcome
    expect(used(under)).toMatchObject({ inputTokensPerMinute: 540 })
  })

  it('at the end of its stream and not before', async () => {
    claude.next({ type: 'stall', afterChunks: 1, ms: 100 })
    const under = limited(limits)
    const response = await under.handler(call({ stream: true }))
    expect(used(under)).toMatchObject({ concurrency: 1 })
    response.body.pipe({ write: () => true, end() {}, fail() {} })
    await response.outcome
    expect(used(under)).toMatchObject({ outputTokensPerMinute: 7, concurrency: 0 })
  })

  it('with an estimate when it is cancelled in mid-stream', async () => {
    claude.next({ type: 'stall', afterChunks: 1, ms: Number.POSITIVE_INFINITY })
    const under = limited(limits)
    const response = await under.handler(call({ stream: true }))
    response.body.cancel()
    await response.outcome
    expect(used(under)).toMatchObject({ requestsPerMinute: 1, inputTokensPerMinute: 40, concurrency: 0 })
    expect(used(under).outputTokensPerMinute).toBeGreaterThan(0)
  })

  it.each([400, 401, 413, 429, 500, 529])(
    'as a request without tokens when it is refused with status %i',
    async (status) => {
      claude.next({ type: 'status', status })
      const under = limited(limits)
      await (await under.handler(call())).outcome
      expect(used(under)).toEqual({
        requestsPerMinute: 1,
        inputTokensPerMinute: 0,
        outputTokensPerMinute: 0,
        concurrency: 0,
      })
    },
  )

  it('at what was reserved when a proxy has given up on it, since the vendor may still be at work', async () => {
    claude.next({ type: 'status', status: 504 })
    const under = limited(limits)
    await (await under.handler(call())).outcome
    expect(used(under).inputTokensPerMinute).toBeGreaterThan(0)
    expect(used(under).outputTokensPerMinute).toBe(100)
  })

  it('as sent when the caller leaves before its first content', async () => {
    claude.next({ type: 'slow-first-token', ms: Number.POSITIVE_INFINITY })
    const caller = new AbortController()
    const under = limited(limits)
    const arrived = claude.nextRequest()
    const asked = under.handler(call({ stream: true, signal: caller.signal }))
    await arrived
    caller.abort(new Error('gone'))
    await expect(asked).rejects.toThrow('gone')
    expect(used(under)).toMatchObject({ requestsPerMinute: 1, concurrency: 0 })
  })

  it('as nothing when it never reached the vendor', async () => {
    const under = limited(limits)
    const nowhere = call()
    await claude.close()
    await (await under.handler(nowhere)).outcome
    expect(used(under)).toEqual({
      requestsPerMinute: 0,
      inputTokensPerMinute: 0,
      outputTokensPerMinute: 0,
      concurrency: 0,
    })
  })
})

it('does not refuse a first call by a flat reservation: it fits a limit below max_tokens', async () => {
  const response = await limited({ outputTokensPerMinute: 20 }).handler(call())
  expect(response.failure).toBeUndefined()
})

it.each([
  [true, 500, 600],
  [false, 40, 80],
])(
  'reserves what counts of a prompt, as learned, with the cache: %s',
  async (countCacheReads, least, most) => {
    const under = limited({ ...limits, countCacheReads })
    for (let number = 0; number < 30; number++) await (await under.handler(call())).outcome
    claude.always({ type: 'slow-headers', ms: Number.POSITIVE_INFINITY })
    const before = used(under).inputTokensPerMinute ?? 0
    void under.handler(call()).catch(() => {})
    // The reservation of the last call: the real prompt has 540 tokens, 500 of them from the cache.
    const reserved = (used(under).inputTokensPerMinute ?? 0) - before
    expect(reserved).toBeGreaterThanOrEqual(least)
    expect(reserved).toBeLessThanOrEqual(most)
  },
)

describe('a call that nobody waits for', () => {
  const shadow = () => {
    const request = call()
    return { ...request, context: { ...request.context, isShadow: true } }
  }

  it('never waits, is sent while half is free, and is refused as saturated otherwise', async () => {
    claude.always({ type: 'slow-headers', ms: 100 })
    const under = limited({ concurrency: 2 })
    const first = under.handler(shadow())
    const second = await under.handler(shadow())
    expect(second.failure).toMatchObject({ kind: 'saturated', origin: 'spillway', retryable: false })
    expect(under.limit.waiting).toBe(0)
    const real = under.handler(call())
    expect((await Promise.all([first, real])).map(({ failure }) => failure)).toEqual([undefined, undefined])
  })

  it('is not admitted while others wait', async () => {
    claude.always({ type: 'slow-headers', ms: 100 })
    const under = limited({ concurrency: 1 })
    const calls = [under.handler(call()), under.handler(call())]
    expect(under.limit.waiting).toBe(1)
    expect((await under.handler(shadow())).failure?.kind).toBe('saturated')
    await Promise.all(calls)
  })
})

describe('without room', () => {
  it('a call waits for a place and tells so', async () => {
    claude.next({ type: 'slow-headers', ms: 100 })
    const under = limited({ concurrency: 1 })
    const events: SpillwayEvent[] = []
    const first = under.handler(call())
    const second = under.handler(listen(call(), (event) => events.push(event)))
    expect(under.limit.waiting).toBe(1)
    expect((await first).failure).toBeUndefined()
    expect((await second).failure).toBeUndefined()
    expect(events[0]).toMatchObject({ type: 'limit.waited' })
    expect(under.limit.waiting).toBe(0)
  })

  it('a call that would wait too long is refused within 50 ms: saturated, and nothing is sent', {
    retry: 2,
  }, async () => {
    const under = limited({ requestsPerMinute: 1, maxWait: 1_000 })
    await under.handler(call())
    const begun = performance.now()
    const response = await under.handler(call())
    expect(performance.now() - begun).toBeLessThan(50)
    expect(response).toMatchObject({
      status: 429,
      failure: { kind: 'saturated', origin: 'spillway', retryable: false },
      target: undefined,
    })
    expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(59)
    expect(claude.requests).toHaveLength(1)
  })
})

it('keeps keys apart', async () => {
  const under = limited({ requestsPerMinute: 1, maxWait: 0, key: ({ context }) => context.tenant ?? '' })
  const statuses = []
  for (const tenant of ['a', 'b', 'a']) statuses.push((await under.handler(call({ tenant }))).status)
  expect(statuses).toEqual([200, 200, 429])
})

it('keeps no more than maxKeys, and of those the ones that have used most', async () => {
  const under = limited({ ...limits, maxKeys: 3, key: ({ context }) => context.tenant ?? '' })
  const tenants = ['a', 'a', 'a', 'b', 'b', 'b', 'c', 'd', 'e', 'f']
  // Eight draws see each of the few keys.
  let draws = 0
  const random = vi.spyOn(Math, 'random').mockImplementation(() => (draws++ % 8) / 8)
  for (const tenant of tenants) await (await under.handler(call({ tenant }))).outcome
  random.mockRestore()
  const kept = [...new Set(tenants)].filter((key) => under.limit.limiter(key) !== undefined)
  expect(kept).toEqual(['a', 'b', 'f'])
})

it('paces by what the vendor says, before it says 429', async () => {
  await using shared = await startClaude({
    headers: {
      'anthropic-ratelimit-requests-limit': '100',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': new Date(Date.now() + 60_000).toISOString(),
    },
  })
  const under = limited({ requestsPerMinute: 100, maxWait: 0 })
  const request = { ...call(), url: `${shared.url}/v1/messages` }
  expect((await under.handler(request)).status).toBe(200)
  expect((await under.handler(request)).failure?.kind).toBe('saturated')
})

it('stops at a 429 until the time that it names', async () => {
  claude.next({ type: 'status', status: 429, retryAfter: 30 })
  const under = limited({ requestsPerMinute: 1_000, maxWait: 0 })
  expect((await under.handler(call())).failure?.kind).toBe('rate_limited')
  const refused = await under.handler(call())
  expect(refused.failure).toMatchObject({ kind: 'saturated', origin: 'spillway' })
  expect(claude.requests).toHaveLength(1)
})

it('does not stop at one that is said of a single request', async () => {
  const body = {
    error: { message: 'Request too large for m on tokens per min (TPM): Limit 9', type: 'tokens' },
  }
  claude.next({ type: 'status', status: 429, retryAfter: 30, body: JSON.stringify(body) })
  const under = limited({ requestsPerMinute: 1_000, maxWait: 0 })
  expect((await under.handler(call())).failure).toMatchObject({ kind: 'rate_limited', scope: 'request' })
  expect((await under.handler(call())).status).toBe(200)
})

it('lets no more text through after any number of images', async () => {
  const limit = createRateLimit({ inputTokensPerMinute: 120_000, maxWait: 0 })
  let now = 0
  const clock = { ...systemClock, now: () => now }
  const ask = (content: unknown, inputTokens: number): Promise<ModelResponse> => {
    const body = jsonBodyFromObject({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content }] })
    const usage = { input_tokens: inputTokens, output_tokens: 5 }
    const message = { type: 'message', model: 'm', content: [], stop_reason: 'end_turn', usage }
    const answer = attempt(fetchTransport(async () => Response.json(message)))
    return limit.middleware(answer)({ ...call(), body, clock })
  }
  const data = `iVBORw0KGgo${Buffer.alloc(90_000, 7).toString('base64')}`
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }
  for (let number = 0; number < 15; number++) {
    const response = await ask([image, { type: 'text', text: `What is it? ${number}` }], 1_600)
    expect(response.failure).toBeUndefined()
    await response.outcome
  }
  now += 120_000
  const texts = Array.from({ length: 20 }, (_, number) => ask(`${number} ${'word '.repeat(17_500)}`, 25_000))
  const admitted = (await Promise.all(texts)).filter(({ failure }) => failure === undefined)
  expect(admitted).toHaveLength(4)
})

it('stops counts of tokens alone at a 429 to one of them', async () => {
  const asked: string[] = []
  const refusesCounts: Handler = async (request) => {
    asked.push(request.operation)
    const status = request.operation === 'count_tokens' ? 429 : 500
    return failureResponse(request, classifyHttpError(status, { 'retry-after': '30' }, undefined, 0))
  }
  const handler = createRateLimit({ requestsPerMinute: 100, maxWait: 0 }).middleware(refusesCounts)
  const count = { ...call(), operation: 'count_tokens' } as const
  for (const request of [count, count, call(), call()]) await handler(request)
  expect(asked).toEqual(['count_tokens', 'generate', 'generate'])
})

describe('a stream of Claude', () => {
  const start = { input_tokens: 1_000, cache_read_input_tokens: 50_000, output_tokens: 1 }
  const events = (usage: object): string =>
    [
      { type: 'message_start', message: { model: 'm', usage: start } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage },
      { type: 'message_stop' },
    ]
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join('')

  it.each([
    [{ output_tokens: 100 }],
    [{ input_tokens: 0, output_tokens: 100 }],
    [{ input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 100 }],
  ])('is settled at the input that it began with, whatever zeros it ends with: %j', async (usage) => {
    const limit = createRateLimit(limits)
    const answer = async () =>
      new Response(events(usage), { headers: { 'content-type': 'text/event-stream' } })
    const response = await limit.middleware(attempt(fetchTransport(answer)))(call({ stream: true }))
    response.body.pipe({ write: () => true, end() {}, fail() {} })
    await response.outcome
    expect(used({ limit })).toMatchObject({ inputTokensPerMinute: 1_000, outputTokensPerMinute: 100 })
  })
})

it.each([
  { maxWait: -1 },
  { maxQueued: Number.NaN },
  { requestsPerMinute: 0 },
  { countRequestsPerMinute: 0 },
])('refuses %o', (options) => {
  expect(() => createRateLimit(options)).toThrow(/^rateLimit\.\w+ must be/)
})

it('admits in under 2 µs and without a turn of the event loop where there is room', { retry: 2 }, () => {
  const limiter = new Limiter(limits)
  const cost = { inputTokens: 1, outputTokens: 1 }
  const rounds = 20_000
  const once = (): number => {
    const begun = performance.now()
    for (let round = 0; round < rounds; round++) {
      const now = round * 100
      limiter.tryAcquire(cost, now)?.settle(cost, now)
    }
    return ((performance.now() - begun) / rounds) * 1_000
  }
  const fastest = Math.min(...Array.from({ length: 10 }, once))
  expect(fastest).toBeLessThan(2)
})

it('hands a call on that a fallback can answer, instead of letting it wait for long', {
  retry: 2,
}, async () => {
  claude.next({ type: 'stall', afterChunks: 1, ms: Number.POSITIVE_INFINITY })
  const under = limited({ concurrency: 1, maxWait: 5_000, maxWaitWithFallback: 50 })
  const first = await under.handler(call({ stream: true }))
  const begun = performance.now()
  const request = call()
  const context = { ...request.context, hasAlternative: true }
  const { failure } = await under.handler({ ...request, context })
  expect(failure?.kind).toBe('saturated')
  expect(performance.now() - begun).toBeLessThan(1_000)
  // Without a fallback it waits.
  const patient = under.handler(call())
  setTimeout(() => first.body.cancel(), 200)
  expect((await patient).failure).toBeUndefined()
})

it('tests each minute whether a vendor still refuses, whatever wait a 429 names, and opens at the first success', async () => {
  const clock = virtualClock()
  const refusal = classifyHttpError(429, { 'retry-after': '1000000000' }, undefined, clock.epoch())
  let asked = 0
  const upstream: Handler = async (request) => {
    asked++
    return asked <= 4 ? failureResponse(request, refusal) : answered()
  }
  const { middleware } = createRateLimit({ requestsPerMinute: 100 })
  const handler = middleware(upstream)
  const ask = async () => (await clock.runUntil(handler({ ...call(), clock }))).failure
  for (let round = 1; round <= 4; round++) {
    // The caller is told what the vendor has said, up to what one timer can wait for.
    expect(await ask()).toMatchObject({ kind: 'rate_limited', retryAfterMs: 24 * 86_400_000 })
    expect(await ask()).toMatchObject({ kind: 'saturated', retryAfterMs: 600_000 })
    expect(asked).toBe(round)
    await clock.advance(60_000)
  }
  expect([await ask(), await ask(), await ask()]).toEqual([undefined, undefined, undefined])
})

it('opens by hand what a 429 has closed', async () => {
  claude.next({ type: 'status', status: 429, retryAfter: 86_400 })
  const under = limited({ requestsPerMinute: 1_000, maxWait: 0 })
  await under.handler(call())
  expect((await under.handler(call())).failure?.kind).toBe('saturated')
  under.limit.open('of another key')
  expect((await under.handler(call())).failure?.kind).toBe('saturated')
  under.limit.open('')
  expect((await under.handler(call())).failure).toBeUndefined()
})

/** An answer of a vendor that says nothing of its limits. */
function answered(headers: Record<string, string> = {}): ModelResponse {
  const outcome = { failure: undefined, usage: undefined, stopReason: 'end_turn', model: undefined, bytes: 1 }
  return {
    ...{ status: 200, headers, body: bodyOf(new Uint8Array(1)), failure: undefined, target: undefined },
    outcome: Promise.resolve({ ...outcome, timings: { startedAt: 0, end: 1 } }),
  }
}

describe('limits of the vendor’s', () => {
  const asking = async (handler: Handler, model: string, more: object = {}) =>
    (await handler({ ...call(), ...more, model })).failure?.kind

  it('of Haiku do not bind Opus, and a 429 of Opus does not stop Haiku', async () => {
    const spent = {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': new Date(Date.now() + 60_000).toISOString(),
    }
    const refused = classifyHttpError(429, { 'retry-after': '30' }, undefined, Date.now())
    const opus = new Set<string>()
    const { middleware } = createRateLimit({ requestsPerMinute: 100, maxWait: 0 })
    const handler = middleware(async (request) => {
      if (request.model.includes('haiku')) return answered(opus.size > 1 ? {} : spent)
      opus.add(request.model)
      return request.model.includes('opus-4') ? failureResponse(request, refused) : answered()
    })
    expect(await asking(handler, 'claude-haiku-4-5')).toBeUndefined()
    expect(await asking(handler, 'claude-haiku-4-5')).toBe('saturated')
    expect(await asking(handler, 'claude-opus-5-5')).toBeUndefined()
    expect(await asking(handler, 'claude-opus-4-8')).toBe('rate_limited')
    // One pool for all of Opus 4.x.
    expect(await asking(handler, 'claude-opus-4-6')).toBe('saturated')
    expect(await asking(handler, 'claude-haiku-5-5')).toBeUndefined()
    expect(await asking(handler, 'claude-opus-5-5')).toBeUndefined()
    // Counting tokens is limited apart.
    expect(await asking(handler, 'claude-opus-4-6', { operation: 'count_tokens' })).toBe('rate_limited')
  })

  it('concern all models where they are told not to be told apart, and none where they are limits of our own', async () => {
    const kinds = async (options: RateLimitOptions) => {
      let isFirst = true
      const { middleware } = createRateLimit({ requestsPerMinute: 100, maxWait: 0, ...options })
      const handler = middleware(async (request) => {
        const refused = classifyHttpError(429, { 'retry-after': '30' }, undefined, Date.now())
        const isRefused = isFirst
        isFirst = false
        return isRefused ? failureResponse(request, refused) : answered()
      })
      const models = ['claude-opus-5-5', 'claude-opus-5-5', 'claude-haiku-5-5']
      const seen = []
      for (const model of models) seen.push(await asking(handler, model))
      return seen
    }
    expect(await kinds({})).toEqual(['rate_limited', 'saturated', undefined])
    expect(await kinds({ group: () => '' })).toEqual(['rate_limited', 'saturated', 'saturated'])
    expect(await kinds({ applyVendorLimits: false })).toEqual(['rate_limited', undefined, undefined])
  })

  it('of a day do not bind a minute: all of five calls pass', async () => {
    let used = 400
    const { middleware } = createRateLimit({ requestsPerMinute: 30, maxWait: 0 })
    const handler = middleware(async () => {
      used++
      return answered({
        'x-ratelimit-limit-requests': '14400',
        'x-ratelimit-remaining-requests': String(14_400 - used),
        'x-ratelimit-reset-requests': `${used * 6}s`,
        'x-ratelimit-limit-tokens': '6000',
        'x-ratelimit-remaining-tokens': '5963',
        'x-ratelimit-reset-tokens': '370ms',
      })
    })
    for (let number = 0; number < 5; number++) expect(await asking(handler, 'llama-3.3-70b')).toBeUndefined()
  })
})
