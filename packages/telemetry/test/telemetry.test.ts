import Anthropic from '@anthropic-ai/sdk'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Histogram } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { type EventMap, emit, type Middleware } from '@spillway/middleware'
import type { EventType } from '@spillway/middleware/kit'
import { type Reply, type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  attemptMetrics,
  attemptTelemetry,
  observeValues,
  type TelemetryOptions,
  telemetry,
  wrapFetch,
} from '../src/index.ts'
import { type Observation, observe, registerContext, unregisterContext } from './observation.ts'

const model = 'claude-sonnet-5-5'
const params = { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'A secret question' }] }

let claude: SimulatedServer
let reply: Reply = {}
let observation: Observation

beforeAll(registerContext)
afterAll(unregisterContext)
beforeEach(async () => {
  reply = {}
  claude = await startClaude({ reply: () => reply })
  observation = observe()
})
afterEach(async () => {
  await observation.close()
  await claude.close()
})

/** Sends a failed call once more, as a retry policy would. */
const oneRetry: Middleware = (next) => async (request) => {
  const response = await next(request)
  if (response.failure === undefined) return response
  response.body.cancel()
  emit(
    request,
    'retry.scheduled' as EventType,
    { waitMs: 40, failure: response.failure } as unknown as EventMap[EventType],
  )
  return next(request)
}

function fetchWith(options: TelemetryOptions = {}, ...inner: Middleware[]): typeof fetch {
  const { tracerProvider, meterProvider } = observation
  return wrapFetch(
    fetch,
    telemetry({ tracerProvider, meterProvider, ...options }),
    ...inner,
    attemptTelemetry({ tracerProvider }),
  )
}

function anthropic(wrapped: typeof fetch, options: Record<string, unknown> = {}): Anthropic {
  return new Anthropic({
    apiKey: 'sk-test',
    baseURL: claude.url,
    fetch: wrapped,
    maxRetries: 0,
    openTelemetry: false,
    ...options,
  })
}

function named(beginning: string): ReadableSpan {
  const found = observation.spans.find(({ name }) => name.startsWith(beginning))
  if (found === undefined)
    throw new Error(`no span ${beginning}: ${observation.spans.map(({ name }) => name)}`)
  return found
}

/** Spans end at the outcome, a turn after the reader has seen the last byte. */
const spansOf = (count: number): Promise<void> =>
  expect.poll(() => observation.spans.length).toBeGreaterThanOrEqual(count) as unknown as Promise<void>

describe('a call', () => {
  it('is a client span by the GenAI conventions, with its attempt inside', async () => {
    await anthropic(fetchWith()).messages.create(params)
    await spansOf(2)
    const call = named('chat')
    const attempt = named('attempt')
    const { port } = new URL(claude.url)
    expect(call).toMatchObject({
      name: `chat ${model}`,
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
    })
    expect(call.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': model,
      'gen_ai.request.stream': false,
      'gen_ai.request.max_tokens': 50,
      'gen_ai.response.model': model,
      'gen_ai.response.finish_reasons': ['end_turn'],
      'server.address': '127.0.0.1',
      'server.port': Number(port),
      'spillway.attempts': 1,
    })
    expect(call.attributes['gen_ai.usage.input_tokens']).toBeGreaterThan(0)
    expect(attempt.parentSpanContext?.spanId).toBe(call.spanContext().spanId)
    expect(attempt.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'spillway.attempt': 1,
    })
    expect(Object.keys(attempt.attributes).filter((name) => name.startsWith('gen_ai'))).toEqual([])
  })

  it('tells the upstream of the attempt and hangs in what the caller says', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    await anthropic(fetchWith()).messages.create(params, {
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'a=b', baggage: 'plan=pro' },
    })
    await spansOf(2)
    const attempt = named('attempt').spanContext()
    expect(named('chat').parentSpanContext?.spanId).toBe('b7ad6b7169203331')
    expect(attempt.traceId).toBe(traceId)
    expect(claude.requests[0]?.headers).toMatchObject({
      traceparent: `00-${traceId}-${attempt.spanId}-01`,
      tracestate: 'a=b',
      baggage: 'plan=pro',
    })
  })

  it('has an active span of the same trace for its parent rather than the headers', async () => {
    const tracer = observation.tracerProvider.getTracer('server')
    await tracer.startActiveSpan('POST /v1/messages', async (server) => {
      const { traceId } = server.spanContext()
      await anthropic(fetchWith()).messages.create(params, {
        headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
      })
      await spansOf(2)
      expect(named('chat').parentSpanContext?.spanId).toBe(server.spanContext().spanId)
      server.end()
    })
  })

  it('ends at its outcome, not at its headers, and has the time to its first chunk', async () => {
    claude.next({ type: 'stall', afterChunks: 1, ms: 60 })
    const stream = await anthropic(fetchWith()).messages.create({ ...params, stream: true })
    expect(observation.spans).toEqual([])
    // The last events are read after the outcome: they come in one piece with the end.
    for await (const { type } of stream) if (type === 'message_start') expect(observation.spans).toEqual([])
    await spansOf(2)
    expect(observation.spans.map(({ name }) => name.split(' ')[0])).toEqual(['attempt', 'chat'])
    const { attributes, duration } = named('chat')
    expect(duration[1] / 1e6).toBeGreaterThan(55)
    expect(attributes['gen_ai.response.time_to_first_chunk']).toBeLessThan(0.05)
    const [chunks] = await observation.histograms('gen_ai.client.operation.time_per_output_chunk')
    expect(chunks?.count).toBe(1)
  })

  it('tells of the kinds of tokens that there were, and of estimates where they are', async () => {
    reply = { usage: { inputTokens: 10, outputTokens: 7, cacheReadTokens: 3 } }
    await anthropic(fetchWith()).messages.create(params)
    await spansOf(2)
    const told = ({ attributes }: ReadableSpan) =>
      Object.fromEntries(Object.entries(attributes).filter(([name]) => name.includes('usage')))
    expect(told(named('chat'))).toEqual({
      'gen_ai.usage.input_tokens': 13,
      'gen_ai.usage.output_tokens': 7,
      'gen_ai.usage.cache_read.input_tokens': 3,
    })
    expect(told(named('attempt'))).toEqual({
      'spillway.usage.input_tokens': 13,
      'spillway.usage.output_tokens': 7,
    })
  })

  it('that is repeated has a span for each attempt and an event for the wait', async () => {
    claude.next({ type: 'status', status: 529 })
    await anthropic(fetchWith({}, oneRetry)).messages.create(params)
    await spansOf(3)
    const [first, second, call] = observation.spans as [ReadableSpan, ReadableSpan, ReadableSpan]
    expect(first.attributes).toMatchObject({ 'error.type': 'overloaded', 'http.response.status_code': 529 })
    expect(first.status).toMatchObject({ code: SpanStatusCode.ERROR })
    expect(second.attributes).toMatchObject({ 'spillway.attempt': 2, 'http.request.resend_count': 1 })
    expect(call.events).toMatchObject([
      {
        name: 'spillway.retry.scheduled',
        attributes: { 'spillway.wait_ms': 40, 'error.type': 'overloaded' },
      },
    ])
    expect(call.attributes['spillway.attempts']).toBe(2)
    expect(call.status.code).toBe(SpanStatusCode.UNSET)
    expect(await observation.points('spillway.events')).toMatchObject([
      { value: 1, attributes: { 'spillway.event': 'retry.scheduled', 'error.type': 'overloaded' } },
    ])
    const [wait] = await observation.histograms('spillway.wait.duration')
    expect(wait?.sum).toBeCloseTo(0.04)
  })

  it('that fails says how, without quoting anybody', async () => {
    claude.next({ type: 'status', status: 400, message: 'A secret question is too long' })
    await expect(anthropic(fetchWith()).messages.create(params)).rejects.toThrow('too long')
    await spansOf(2)
    const call = named('chat')
    expect(call.attributes['error.type']).toBe('invalid_request')
    expect(call.status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'invalid_request 400 invalid_request_error',
    })
    expect(
      JSON.stringify(observation.spans.map((span) => [span.attributes, span.events, span.status])),
    ).not.toContain('secret')
  })

  it('that its caller gives up is cancelled and no error', async () => {
    claude.next({ type: 'slow-headers', ms: 60_000 })
    const caller = new AbortController()
    const answer = anthropic(fetchWith()).messages.create(params, { signal: caller.signal })
    await expect.poll(() => claude.requests.length).toBe(1)
    caller.abort()
    await expect(answer).rejects.toThrow()
    await spansOf(2)
    for (const span of observation.spans) {
      expect(span.attributes['error.type']).toBe('cancelled')
      expect(span.status.code).toBe(SpanStatusCode.UNSET)
    }
    expect(await observation.points('spillway.calls')).toMatchObject([
      { value: 1, attributes: { 'error.type': 'cancelled' } },
    ])
    expect(await observation.points('spillway.calls.active')).toMatchObject([{ value: 0 }])
  })

  it('whose model declines is a refusal and no error', async () => {
    reply = { text: '', stopReason: 'refusal' }
    await anthropic(fetchWith()).messages.create(params)
    await spansOf(2)
    for (const span of observation.spans) {
      expect(span.attributes['error.type']).toBe('refusal')
      expect(span.status.code).toBe(SpanStatusCode.UNSET)
    }
    expect(await observation.points('spillway.calls')).toMatchObject([
      { value: 1, attributes: { 'error.type': 'refusal' } },
    ])
  })

  it('whose body is dropped ends when it is cancelled, with an estimate', async () => {
    claude.next({ type: 'stall', afterChunks: 2, ms: 60_000 })
    const stream = await anthropic(fetchWith()).messages.create({ ...params, stream: true })
    for await (const event of stream) if (event.type === 'content_block_delta') break
    await spansOf(2)
    expect(named('chat').attributes).toMatchObject({
      'error.type': 'cancelled',
      'spillway.usage.estimated': true,
    })
  })

  it('that breaks off after its first content fails at its end', async () => {
    claude.next({ type: 'cut', at: 'after-content', how: 'end' })
    const stream = await anthropic(fetchWith()).messages.create({ ...params, stream: true })
    await expect(drain(stream)).rejects.toThrow()
    await spansOf(2)
    expect(named('chat').attributes['error.type']).toMatch(/truncated|connection/)
    expect(named('chat').status.code).toBe(SpanStatusCode.ERROR)
  })

  it('that hits an error in the code of a middleware ends as well', async () => {
    const broken: Middleware = () => () => {
      throw new TypeError('oops')
    }
    await expect(
      fetchWith({}, broken)(`${claude.url}/v1/messages`, { method: 'POST', body: JSON.stringify(params) }),
    ).rejects.toThrow('oops')
    expect(named('chat').attributes['error.type']).toBe('TypeError')
  })
})

describe('beside the span of @anthropic-ai/sdk', () => {
  beforeEach(() => {
    trace.setGlobalTracerProvider(observation.tracerProvider)
  })
  afterEach(() => trace.disable())

  it('is its child and tells of the chain alone', async () => {
    await anthropic(fetchWith(), { openTelemetry: undefined }).messages.create(params)
    await spansOf(3)
    const sdk = named('anthropic.messages.create')
    const call = named('spillway chat')
    expect(call.kind).toBe(SpanKind.INTERNAL)
    expect(call.parentSpanContext?.spanId).toBe(sdk.spanContext().spanId)
    expect(named('attempt').parentSpanContext?.spanId).toBe(call.spanContext().spanId)
    expect(Object.keys(call.attributes).filter((name) => name.startsWith('gen_ai'))).toEqual([])
    expect(observation.spans.filter((span) => 'gen_ai.usage.input_tokens' in span.attributes)).toEqual([sdk])
  })

  it('tells everything where that is wanted', async () => {
    const wrapped = fetchWith({ insideGenAiSpan: 'client' })
    await anthropic(wrapped, { openTelemetry: undefined }).messages.create(params)
    await spansOf(3)
    expect(named(`chat ${model}`).kind).toBe(SpanKind.CLIENT)
  })
})

describe('content', () => {
  it.each([false, true])('is in no span unless asked for (stream: %s)', async (stream) => {
    await anthropic(fetchWith())
      .messages.create({ ...params, stream })
      .then(drain)
    await spansOf(2)
    expect(JSON.stringify(observation.spans.map(({ attributes }) => attributes))).not.toMatch(
      /secret|messages/,
    )
  })

  it.each([false, true])('is there by option (stream: %s)', async (stream) => {
    reply = { text: 'The answer' }
    const said = await anthropic(fetchWith({ captureContent: true }))
      .messages.create({ ...params, system: 'Be brief', stream })
      .then(drain)
    expect(said).toContain('answer')
    await spansOf(2)
    const { attributes } = named('chat')
    expect(JSON.parse(String(attributes['gen_ai.input.messages']))).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'A secret question' }] },
    ])
    expect(attributes['gen_ai.system_instructions']).toContain('Be brief')
    expect(JSON.parse(String(attributes['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'The answer' }], finish_reason: 'end_turn' },
    ])
  })

  it('that is too long is left out whole', async () => {
    await anthropic(fetchWith({ captureContent: true, maxContentLength: 10 })).messages.create(params)
    await spansOf(2)
    const { attributes } = named('chat')
    expect(attributes['gen_ai.input.messages']).toBeUndefined()
    expect(attributes['spillway.omitted.gen_ai.input.messages']).toBeGreaterThan(10)
  })
})

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

async function drain(answer: unknown): Promise<string> {
  if (!(answer as AsyncIterable<unknown>)[Symbol.asyncIterator]) return JSON.stringify(answer)
  return JSON.stringify(await collect(answer as AsyncIterable<unknown>))
}

describe('metrics', () => {
  it('count what the upstream counted, under the published names', async () => {
    reply = { text: 'Hi', usage: { inputTokens: 10, outputTokens: 7, cacheReadTokens: 3 } }
    const client = anthropic(fetchWith())
    for (let call = 0; call < 5; call++) await client.messages.create(params)
    await spansOf(10)
    const tokens = await observation.points('gen_ai.client.token.usage')
    const sums = Object.fromEntries(
      tokens.map(({ attributes, value }) => [attributes['gen_ai.token.type'], (value as Histogram).sum]),
    )
    expect(sums).toEqual({ input: 65, output: 35 })
    const byType = await observation.points('spillway.tokens')
    expect(
      Object.fromEntries(byType.map(({ attributes, value }) => [attributes['gen_ai.token.type'], value])),
    ).toEqual({
      input: 50,
      output: 35,
      cache_read: 15,
    })
    const [duration] = await observation.histograms('gen_ai.client.operation.duration')
    expect(duration?.count).toBe(5)
    expect(
      (await observation.points('spillway.attempt.duration')).map(({ value }) => (value as Histogram).count),
    ).toEqual([5])
  })

  it('have the newer names by option', async () => {
    reply = { usage: { inputTokens: 10, outputTokens: 7, cacheWriteTokens: 5 } }
    const client = anthropic(fetchWith({ conventions: 'latest' }))
    await client.messages.create({ ...params, stream: true }).then(drain)
    await spansOf(2)
    const names = await observation.metricNames()
    expect(names).toEqual(
      expect.arrayContaining([
        'gen_ai.client.inference.duration',
        'gen_ai.client.inference.time_to_first_chunk',
        'gen_ai.client.inference.usage.input_tokens',
        'gen_ai.client.inference.operation.output_tokens',
      ]),
    )
    expect(
      names.filter(
        (name) => name.startsWith('gen_ai.client.operation') || name.startsWith('gen_ai.client.token'),
      ),
    ).toEqual([])
    expect(named('chat').attributes).toHaveProperty(['gen_ai.usage.cache_write.input_tokens'])
  })

  it('tell a bounded number of models apart', async () => {
    const client = anthropic(fetchWith({ maxModels: 3 }))
    for (const suffix of 'abcdef') await client.messages.create({ ...params, model: `m-${suffix}` })
    await spansOf(12)
    const points = await observation.points('gen_ai.client.operation.duration')
    expect(new Set(points.map(({ attributes }) => attributes['gen_ai.request.model']))).toEqual(
      new Set(['m-a', 'm-b', 'm-c', '_OTHER']),
    )
  })

  it('include gauges of whatever can be read', async () => {
    let headroom = 3
    const stop = observeValues(
      {
        'spillway.limiter.headroom': {
          read: () => [{ value: headroom, attributes: { dimension: 'requests' } }],
        },
      },
      observation.meterProvider,
    )
    headroom = 2
    expect(await observation.points('spillway.limiter.headroom')).toMatchObject([
      { value: 2, attributes: { dimension: 'requests' } },
    ])
    stop()
    headroom = 1
    expect(await observation.points('spillway.limiter.headroom')).not.toMatchObject([{ value: 1 }])
  })

  it('include sums of what only grows', async () => {
    let mirrored = 3
    observeValues(
      { 'spillway.mirror.calls': { kind: 'counter', read: () => [{ value: mirrored }] } },
      observation.meterProvider,
    )
    mirrored = 5
    expect(await observation.points('spillway.mirror.calls')).toMatchObject([{ value: 5 }])
  })
})

it('speaks of OpenRouter as its option says, over the protocol of OpenAI', async () => {
  await using openrouter = await startOpenRouter()
  const client = new OpenAI({
    apiKey: 'sk-or-test',
    baseURL: `${openrouter.url}/api/v1`,
    fetch: fetchWith({ provider: 'openrouter' }),
    maxRetries: 0,
  })
  const stream = await client.chat.completions.create({
    model: 'anthropic/claude-sonnet-5.5',
    messages: params.messages,
    stream: true,
  })
  await drain(stream)
  await spansOf(2)
  expect(named('chat').attributes).toMatchObject({
    'gen_ai.provider.name': 'openrouter',
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.request.stream': true,
  })
})

it('counts attempts that no call is told of, and their tokens', async () => {
  const { tracerProvider, meterProvider } = observation
  const client = anthropic(
    wrapFetch(fetch, attemptMetrics({ meterProvider }), attemptTelemetry({ tracerProvider })),
  )
  await client.messages.create(params)
  const attempts = await observation.points('spillway.attempt.duration')
  expect(attempts.map(({ value }) => (value as Histogram).count)).toEqual([1])
  const tokens = await observation.points('spillway.tokens')
  expect(tokens.map(({ attributes }) => attributes['gen_ai.token.type'])).toEqual(['input', 'output'])
  expect(await observation.points('spillway.calls')).toEqual([])
})

it('refuses options out of range', () => {
  expect(() => telemetry({ maxModels: -1 })).toThrow('telemetry.maxModels must be 0 or more, but is -1')
  expect(() => telemetry({ conventions: 'old' as 'latest' })).toThrow(RangeError)
})
