import { APICallError, LoadAPIKeyError, UnsupportedFunctionalityError } from '@ai-sdk/provider'
import { circuitBreaker } from '@spillway/circuit-breaker-fallback'
import { describe, isSpillwayError, type Outcome, type SpillwayError } from '@spillway/middleware'
import { retry } from '@spillway/retry'
import { virtualClock } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import {
  begin,
  end,
  fakeModel,
  type Part,
  partsOf,
  said,
  streamed,
  textOf,
  usage,
  words,
} from '../test/fake-model.ts'
import { type ResilientModelOptions, resilientModel } from './index.ts'

const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hi' }] }]

const httpError = (
  statusCode: number,
  more: Partial<ConstructorParameters<typeof APICallError>[0]> = {},
): APICallError =>
  new APICallError({
    ...{ message: `status ${statusCode}`, url: 'https://a.test', requestBodyValues: {}, statusCode },
    responseBody: JSON.stringify({
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
    }),
    ...more,
  })

/** The models behind a clock that goes by itself. */
function resilient(models: Parameters<typeof resilientModel>[0], options: ResilientModelOptions = {}) {
  const clock = virtualClock()
  const model = resilientModel(models, { clock, ...options })
  return { clock, model }
}

const rejection = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was expected to fail')
}

it('answers with the result of the first model, its warnings and metadata included', async () => {
  const result = said('Hello', {
    warnings: [{ type: 'other', message: 'a warning' }],
    providerMetadata: { fake: { note: 'kept' } },
    request: { body: { asked: 'm' } },
    response: { id: 'msg_1', modelId: 'm-2026', headers: { 'x-from': 'm' } },
  })
  const { model } = resilient([fakeModel({ generate: () => result })])

  expect(await model.doGenerate({ prompt })).toEqual({
    ...result,
    providerMetadata: { fake: { note: 'kept' }, spillway: { servedBy: 'fake/m', attempts: 1 } },
  })
})

it('asks the next model where the first fails, and says which one answered', async () => {
  const first = fakeModel({ provider: 'a', generate: () => httpError(529) })
  const second = fakeModel({ provider: 'b', modelId: 'other', generate: () => said('From b') })
  const onFallback = vi.fn()
  const { model } = resilient([first, second], { onFallback })

  const result = await model.doGenerate({ prompt })
  expect(result.content).toEqual([{ type: 'text', text: 'From b' }])
  expect(result.response?.modelId).toBe('other')
  expect(result.providerMetadata?.spillway).toEqual({
    ...{ servedBy: 'b/other', attempts: 2, fallback: 'overloaded' },
  })
  expect(onFallback).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      ...{ type: 'fallback.switched', to: 'b/other', callId: expect.any(String) },
      failure: expect.objectContaining({ kind: 'overloaded', status: 529 }),
    }),
  )
})

it('repeats what is worth it, not before the time that the vendor asks for', async () => {
  const flaky = fakeModel({
    generate: (call) =>
      call < 3 ? httpError(429, { responseHeaders: { 'Retry-After': '7' } }) : said('At last'),
  })
  const { clock, model } = resilient([flaky], { each: () => [retry({ attempts: 3 })] })
  const answered = model.doGenerate({ prompt })
  await clock.advance(13_000)
  expect(flaky.calls).toHaveLength(2)
  await clock.advance(60_000)
  expect((await answered).content).toEqual([{ type: 'text', text: 'At last' }])
})

it('keeps what a failed model has streamed before its content to itself', async () => {
  const first = fakeModel({
    stream: () => [...begin, { type: 'error', error: { type: 'overloaded_error' } }],
  })
  const second = fakeModel({ modelId: 'second', stream: () => streamed('Hello') })
  const { model } = resilient([first, second])

  const { stream, request, response } = await model.doStream({ prompt })
  const parts = await partsOf(stream)
  expect(parts.filter(({ type }) => type === 'stream-start')).toHaveLength(1)
  expect(parts.map(({ type }) => type)).toEqual([
    ...['stream-start', 'text-start', 'text-delta', 'text-end', 'response-metadata', 'finish'],
  ])
  expect(parts.at(-1)).toMatchObject({
    usage,
    providerMetadata: { spillway: { servedBy: 'fake/second', attempts: 2 } },
  })
  expect({ request, response }).toEqual({
    request: { body: { asked: 'second' } },
    response: { headers: { 'x-from': 'second' } },
  })
})

it.each([
  ['an error that is thrown', [new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } })]],
  ['an end without a finish', []],
  [
    'a finish that says that it was interrupted',
    [{ type: 'finish', finishReason: { unified: 'interrupted', raw: undefined }, usage } as Part],
  ],
  ['an error part that is a text', [{ type: 'error', error: 'Overloaded' } as Part]],
])(
  'takes %s before content for a failed attempt, and after it for the end of the stream',
  async (_, failed) => {
    const second = fakeModel({ modelId: 'second', stream: () => streamed('Whole') })
    const early = resilient([fakeModel({ stream: () => [...begin, ...failed] }), second])
    expect(textOf(await partsOf((await early.model.doStream({ prompt })).stream))).toBe('Whole')

    const late = resilient([fakeModel({ stream: () => [...begin, words('Half'), ...failed] }), second])
    const parts = await partsOf((await late.model.doStream({ prompt })).stream)
    expect(textOf(parts)).toBe('Half')
    expect(parts.at(-1)).toMatchObject({ type: 'error', error: expect.any(Error) })
    expect(parts.map(({ type }) => type)).not.toContain('finish')
    expect(second.calls).toHaveLength(1)
  },
)

it('gives up a model without first content in time, and one that falls silent', async () => {
  const silence = new Promise<never>(() => {})
  const second = fakeModel({ modelId: 'second', stream: () => streamed('In time') })
  const mute = fakeModel({ stream: () => [...begin.slice(0, 1), silence] })
  const { clock, model } = resilient([mute, second], { timeouts: { firstContent: 1_000 } })
  const begun = model.doStream({ prompt })
  await clock.advance(1_000)
  expect(textOf(await partsOf((await begun).stream))).toBe('In time')
  expect(mute.calls[0]?.abortSignal?.aborted).toBe(true)
  expect(mute.cancelled).toBe(1)

  const stalls = resilient([fakeModel({ stream: () => [...begin, words('Half'), silence] }), second])
  const parts = partsOf((await stalls.model.doStream({ prompt })).stream)
  await stalls.clock.advance(30_000)
  expect((await parts).at(-1)).toMatchObject({
    type: 'error',
    error: { code: 'SPILLWAY_TIMEOUT', failure: { phase: 'idle' } },
  })

  const never = resilient([fakeModel({ generate: () => silence })], { timeouts: { total: 5_000 } })
  const failed = rejection(never.model.doGenerate({ prompt }))
  await never.clock.advance(5_000)
  expect(await failed).toMatchObject({ code: 'SPILLWAY_TIMEOUT', failure: { phase: 'total' } })
})

it('takes pings, raw chunks and words beside the answer for signs of life, and not for content', async () => {
  const wait = Promise.withResolvers<void>()
  const raw: Part = { type: 'raw', rawValue: { any: 1n } }
  const aside: Part = { type: 'custom', kind: 'anthropic.message_start' }
  const patient = fakeModel({
    stream: () => [...begin, { type: 'ping' }, aside, raw, wait.promise, words('Late'), ...end, raw],
  })
  const { clock, model } = resilient([patient], { timeouts: { idle: 1_000, firstContent: 100 } })
  const begun = model.doStream({ prompt, includeRawChunks: true })
  let isBegun = false
  void begun.then(() => {
    isBegun = true
  })
  await clock.advance(900)
  expect(isBegun).toBe(false)
  wait.resolve()
  const parts = await partsOf((await begun).stream)
  expect(parts.map(({ type }) => type).slice(0, 5)).toEqual([
    ...['stream-start', 'text-start', 'ping', 'custom', 'raw'],
  ])
  expect(parts).toContain(raw)
})

it('takes calls of tools without input for content, and half of one for none', async () => {
  const start: Part = { type: 'tool-input-start', id: 't', toolName: 'now' }
  const finish: Part = { type: 'finish', finishReason: { unified: 'tool-calls', raw: 'tool_use' }, usage }
  const whole: Part[] = [start, { type: 'tool-input-end', id: 't' }]
  const called: Part = { type: 'tool-call', toolCallId: 't', toolName: 'now', input: '{}' }
  const { model } = resilient([fakeModel({ stream: () => [...whole, called, finish] })])
  const parts = await partsOf((await model.doStream({ prompt })).stream)
  expect(parts).toContain(called)

  const half: Part[] = [start, { type: 'tool-input-delta', id: 't', delta: '{"a' }, finish]
  const cut = resilient([fakeModel({ stream: () => half })])
  expect((await partsOf((await cut.model.doStream({ prompt })).stream)).at(-1)).toMatchObject({
    error: { code: 'SPILLWAY_TRUNCATED' },
  })
})

it('throws the error of the provider, which the AI SDK does not repeat, with the story of the call', async () => {
  const failing = fakeModel({ generate: () => httpError(529) })
  const { clock, model } = resilient([failing], { each: () => [retry({ attempts: 2 })] })
  const failed = rejection(model.doGenerate({ prompt }))
  await clock.advance(60_000)
  const error = (await failed) as APICallError
  expect(APICallError.isInstance(error)).toBe(true)
  expect(error).toMatchObject({ statusCode: 529, isRetryable: false, message: 'status 529' })
  expect(isSpillwayError(error.cause)).toBe(true)
  expect((error.cause as SpillwayError).attempts).toHaveLength(2)
})

it('throws mistakes of the program as they are, and asks nobody else', async () => {
  const second = fakeModel({ generate: () => said('not asked') })
  for (const mistake of [new LoadAPIKeyError({ message: 'no key' }), new TypeError('x is not a function')]) {
    const { model } = resilient([fakeModel({ generate: () => mistake }), second])
    expect(await rejection(model.doGenerate({ prompt }))).toBe(mistake)
  }
  expect(second.calls).toHaveLength(0)
})

it('asks the next model for what one does not support', async () => {
  const first = fakeModel({ generate: () => new UnsupportedFunctionalityError({ functionality: 'tools' }) })
  const { model } = resilient([first, fakeModel({ modelId: 'able', generate: () => said('Done') })])
  expect((await model.doGenerate({ prompt })).response?.modelId).toBe('able')

  const alone = resilient([first])
  expect(await rejection(alone.model.doGenerate({ prompt }))).toMatchObject({ code: 'SPILLWAY_UNFIT' })
})

it('does not ask the next model for what is wrong with the call itself', async () => {
  const second = fakeModel({ generate: () => said('not asked') })
  const wrong = httpError(400, { responseBody: '{"error":{"type":"invalid_request_error","message":"no"}}' })
  const { model } = resilient([fakeModel({ generate: () => wrong }), second])
  expect(await rejection(model.doGenerate({ prompt }))).toMatchObject({ statusCode: 400 })
  expect(second.calls).toHaveLength(0)
})

it('stops when the caller leaves, before content and after it', async () => {
  const silence = new Promise<never>(() => {})
  const reason = new Error('left')
  const early = new AbortController()
  const mute = fakeModel({ stream: () => silence })
  const waiting = rejection(resilient([mute]).model.doStream({ prompt, abortSignal: early.signal }))
  early.abort(reason)
  expect(await waiting).toBe(reason)

  const late = new AbortController()
  const half = fakeModel({ stream: () => [...begin, words('Half'), silence] })
  const { stream } = await resilient([half]).model.doStream({ prompt, abortSignal: late.signal })
  const read = rejection(partsOf(stream))
  late.abort(reason)
  expect(await read).toBe(reason)
  expect(half.cancelled).toBe(1)

  const left = fakeModel({ stream: () => [...begin, words('Half'), silence] })
  await (await resilient([left]).model.doStream({ prompt })).stream.cancel()
  expect(left.cancelled).toBe(1)
})

it('has a circuit for each model, which refuses at once while it is open', async () => {
  const down = fakeModel({ provider: 'a', generate: () => httpError(500) })
  const up = fakeModel({ provider: 'b', generate: () => said('Up') })
  const { model } = resilient([down, up], { each: () => [circuitBreaker({ minimumCalls: 2 })] })
  for (let call = 0; call < 5; call++) await model.doGenerate({ prompt })
  expect(down.calls.length).toBeLessThan(5)
  expect(up.calls).toHaveLength(5)
})

it('tells policies of tokens, and who calls', async () => {
  const outcomes: Outcome[] = []
  let tenant: string | undefined
  const onEvent: ResilientModelOptions['onEvent'] = (event) => {
    if (event.type === 'attempt.ended') outcomes.push((event as unknown as { outcome: Outcome }).outcome)
  }
  const { model } = resilient(
    [fakeModel({ generate: () => said('Hello'), stream: () => streamed('Hello') })],
    {
      onEvent,
      around: [
        (next) => (request) => {
          tenant = request.context.tenant
          expect(request.body.json).toMatchObject({ messages: [{ role: 'user' }], max_tokens: 9 })
          return next(request)
        },
      ],
    },
  )
  const call = { prompt, maxOutputTokens: 9, providerOptions: { spillway: { tenant: 'acme' } } }
  await model.doGenerate(call)
  await partsOf((await model.doStream(call)).stream)
  expect(tenant).toBe('acme')
  for (const { usage: counted, stopReason } of outcomes) {
    expect(counted).toMatchObject({
      ...{ inputTokens: 10, cacheReadTokens: 2, outputTokens: 5, reasoningTokens: 1, estimated: false },
    })
    expect(stopReason).toBe('end_turn')
  }
  expect(outcomes).toHaveLength(2)
})

it('does not read faster than its reader', async () => {
  let asked = 0
  const long = fakeModel({
    stream: () => [...begin, ...Array.from({ length: 2_000 }, () => words('x'.repeat(1_000))), ...end],
  })
  const doStream = long.doStream.bind(long)
  long.doStream = async (options) => {
    const result = await doStream(options)
    const counted = new TransformStream<Part, Part>({
      transform(part, controller) {
        asked++
        controller.enqueue(part)
      },
    })
    return { ...result, stream: result.stream.pipeThrough(counted) }
  }
  const { stream } = await resilient([long]).model.doStream({ prompt })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(asked).toBeLessThan(1_000)
  expect(textOf(await partsOf(stream))).toHaveLength(2_000_000)
})

it('keeps the headers that were meant for the first model away from the others', async () => {
  const first = fakeModel({ generate: () => httpError(503) })
  const second = fakeModel({ modelId: 'second', generate: () => said('Hello') })
  const headers = { Authorization: 'Bearer secret', 'X-Tenant': 'acme', 'anthropic-beta': 'b' }
  await resilient([first, second]).model.doGenerate({ prompt, headers })
  expect(first.calls[0]?.headers).toEqual({
    ...{ authorization: 'Bearer secret', 'x-tenant': 'acme', 'anthropic-beta': 'b' },
  })
  expect(second.calls[0]?.headers).toEqual({ 'anthropic-beta': 'b' })
})

it('lets the AI SDK download what not all of its models fetch by themselves', async () => {
  const both = /^https:\/\/files\.test\/.*$/
  const first = {
    ...fakeModel({}),
    supportedUrls: { 'image/*': [both, /^https:/], 'application/pdf': [both] },
  }
  const second = { ...fakeModel({}), supportedUrls: Promise.resolve({ 'image/*': [new RegExp(both)] }) }
  expect(await resilientModel([first, second]).supportedUrls).toEqual({ 'image/*': [both] })
})

it('says what is no model, and how to make one', () => {
  expect(() => resilientModel([])).toThrow('at least one model')
  const older = { ...fakeModel({}), specificationVersion: 'v3' } as never
  expect(() => resilientModel([fakeModel({}), older])).toThrow(
    /models\[1\] .* specification v3: wrap it with wrapLanguageModel/,
  )
  expect(() => resilientModel(['anthropic/claude' as never])).toThrow(/gateway\("anthropic\/claude"\)/)
})

it('refuses a middleware that changes what the model would be asked', async () => {
  const { model } = resilient([fakeModel({ generate: () => said('Hello') })], {
    around: [(next) => (request) => next({ ...request, body: { ...request.body, bytes: new Uint8Array() } })],
  })
  expect(await rejection(model.doGenerate({ prompt }))).toMatchObject({
    message: expect.stringContaining('changed the body'),
  })
})

it('can say what it is made of', () => {
  const models = [fakeModel({ provider: 'a' }), fakeModel({ provider: 'b' })]
  const { model } = resilient(models, { each: () => [retry({ attempts: 2 })] })
  expect(describe(model)).toMatch(
    /^fallback .*\n {2}target b\/m\n {4}retry .*\n {4}model\ntarget a\/m\nretry .*\nmodel$/,
  )
})

it('takes models that are made of several themselves', async () => {
  const silence = new Promise<never>(() => {})
  const inner = resilient([fakeModel({ provider: 'a', generate: () => silence, stream: () => begin })])
  const last = fakeModel({ provider: 'b', generate: () => said('From b'), stream: () => streamed('From b') })
  const kinds: string[] = []
  const outer = resilient([inner.model, last], { onFallback: ({ failure }) => kinds.push(failure.kind) })
  const answered = outer.model.doGenerate({ prompt })
  await inner.clock.advance(600_000)
  expect((await answered).content).toEqual([{ type: 'text', text: 'From b' }])
  expect(textOf(await partsOf((await outer.model.doStream({ prompt })).stream))).toBe('From b')
  expect(kinds).toEqual(['timeout', 'server'])
})
