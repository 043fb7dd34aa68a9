import { getEventListeners } from 'node:events'
import { isStreamFailure, listen, type ModelResponse, type SpillwayEvent } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { settled, streamRequest, textOf } from '../test/call.ts'
import { type HandTransport, handTransport } from '../test/hand-transport.ts'
import { anthropic, ending, message, preamble } from '../test/wire-samples.ts'
import { attempt } from './attempt.ts'

function begin(changes: Partial<Parameters<typeof streamRequest>[0]> = {}) {
  const clock = virtualClock()
  const wire = handTransport()
  const events: SpillwayEvent[] = []
  const request = listen(streamRequest({ clock, ...changes }), (event) => events.push(event))
  const answer = attempt(wire.transport)(request)
  answer.catch(() => {})
  return { clock, wire, events, answer }
}

async function committed(changes: Partial<Parameters<typeof streamRequest>[0]> = {}) {
  const call = begin(changes)
  call.wire.streamHeaders()
  call.wire.text(preamble, anthropic.text('Hello'))
  return { ...call, response: await call.answer }
}

describe('a stream', () => {
  it('is held back until its first content and then handed over whole and unchanged', async () => {
    const { wire, answer } = begin()
    wire.streamHeaders()
    wire.text(preamble)
    expect(await settled(answer)).toBe('pending')
    wire.text(anthropic.text('Hello'))
    const response = await answer
    wire.text(ending)
    wire.sink.end()
    expect(response).toMatchObject({ status: 200, failure: undefined, target: 'claude' })
    expect(response.headers['request-id']).toBe('req_1')
    expect(await textOf(response)).toBe(preamble + anthropic.text('Hello') + ending)
  })

  it('settles its outcome at the end, with usage as last reported', async () => {
    const { wire, response, clock } = await committed()
    expect(await settled(response.outcome)).toBe('pending')
    await clock.advance(100)
    wire.text(ending)
    wire.sink.end()
    expect(await response.outcome).toMatchObject({
      failure: undefined,
      usage: { inputTokens: 12, outputTokens: 15, estimated: false },
      stopReason: 'end_turn',
      model: 'claude-sonnet-5-5',
      timings: { end: 100 },
    })
    expect(clock.pending).toBe(0)
  })

  it('counts the chunks that carried content', async () => {
    const { wire, response } = await committed()
    wire.text(anthropic.text(' there'), anthropic.text('.'), ending)
    wire.sink.end()
    expect((await response.outcome).outputChunks).toBe(3)
  })

  it('that is complete without any content is an answer too', async () => {
    const { wire, answer } = begin()
    wire.streamHeaders()
    wire.text(anthropic.start, anthropic.delta, anthropic.stop)
    wire.sink.end()
    const response = await answer
    expect(response.failure).toBeUndefined()
    expect(await textOf(response)).toBe(anthropic.start + anthropic.delta + anthropic.stop)
  })

  it('that is complete survives a connection which then breaks', async () => {
    const { wire, response } = await committed()
    wire.text(ending)
    wire.sink.error(new Error('reset'))
    expect(await textOf(response)).toContain('message_stop')
    expect((await response.outcome).failure).toBeUndefined()
  })

  it('that is complete ends at once although the upstream never closes, and its transport after half a second', async () => {
    const { wire, response, clock } = await committed()
    wire.text(ending)
    expect((await response.outcome).failure).toBeUndefined()
    expect(await textOf(response)).toContain('message_stop')
    await clock.advance(499)
    expect(wire.aborted).toBe(false)
    await clock.advance(1)
    expect(wire.aborted).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('that is complete leaves its transport alone where that ends by itself', async () => {
    for (const end of ['end', 'error'] as const) {
      const { wire, response, clock } = await committed()
      wire.text(ending)
      wire.sink[end](new Error('reset'))
      expect(clock.pending).toBe(0)
      await clock.advance(10_000)
      expect(wire.aborted).toBe(false)
      expect((await response.outcome).failure).toBeUndefined()
    }
  })

  it.each([
    ['in the same chunk', (wire: HandTransport, more: string) => wire.text(ending + more)],
    ['later', (wire: HandTransport, more: string) => wire.text(ending, more)],
    ['byte by byte', (wire: HandTransport, more: string) => wire.text(...(ending + more))],
  ])('is over at its last event, whatever comes behind it %s', async (_when, send) => {
    for (const more of [
      anthropic.ping,
      'data: [DONE]\n\n',
      '\n\n',
      ': bye\n\n',
      anthropic.start,
      anthropic.error('x'),
      'half',
    ]) {
      const { wire, response } = await committed()
      send(wire, more)
      expect(await textOf(response)).toBe(preamble + anthropic.text('Hello') + ending)
      expect(await response.outcome).toMatchObject({ failure: undefined, stopReason: 'end_turn' })
    }
  })

  it('whose upstream floods after the end is closed without waiting', async () => {
    const { wire, response } = await committed()
    wire.text(ending)
    for (let pings = 0; pings < 3_000 && !wire.aborted; pings++) wire.text(anthropic.ping)
    expect(wire.aborted).toBe(true)
    expect((await response.outcome).failure).toBeUndefined()
  })

  it('lets the transport go on after the end where a slow reader has stopped it', async () => {
    const { wire, response } = await committed()
    wire.text(anthropic.text('a'.repeat(300_000)))
    expect(wire.paused).toBe(true)
    wire.text(ending)
    expect(wire.paused).toBe(false)
    expect(await textOf(response)).toContain('message_stop')
  })

  it('of OpenAI is over at [DONE], and not before: usage comes last', async () => {
    const chunk = (choices: object[], more = {}) => `data: ${JSON.stringify({ choices, ...more })}\n\n`
    const { wire, answer } = begin({ api: 'openai', url: '/v1/chat/completions' })
    const hello = chunk([{ delta: { content: 'Hello' }, finish_reason: null }])
    const stop = chunk([{ delta: {}, finish_reason: 'stop' }])
    const usage = chunk([], { usage: { prompt_tokens: 3, completion_tokens: 2 } })
    wire.streamHeaders()
    wire.text(hello, stop, ': OPENROUTER PROCESSING\n\n', usage)
    const response = await answer
    expect(await settled(response.outcome)).toBe('pending')
    wire.text('data: [DONE]\n\n: still here\n\n')
    expect(await response.outcome).toMatchObject({ failure: undefined, usage: { outputTokens: 2 } })
    expect(await textOf(response)).toBe(`${hello}${stop}: OPENROUTER PROCESSING\n\n${usage}data: [DONE]\n\n`)
  })

  it('that has said why it ends is not kept open by pings for its end', async () => {
    const { wire, response, clock } = await committed()
    wire.text(anthropic.blockStop, anthropic.delta)
    for (let pings = 0; pings < 3; pings++) {
      await clock.advance(9_000)
      wire.text(anthropic.ping)
    }
    await clock.advance(3_000)
    expect(wire.aborted).toBe(true)
    expect((await response.outcome).failure).toMatchObject({ kind: 'timeout', phase: 'idle' })
  })

  it('of which one choice has ended goes on with the others', async () => {
    const chunk = (index: number, content: string, finish_reason: string | null) =>
      `data: ${JSON.stringify({ choices: [{ index, delta: { content }, finish_reason }] })}\n\n`
    const { wire, answer, clock } = begin({ api: 'openai' })
    wire.streamHeaders()
    wire.text(chunk(0, 'a', null), chunk(1, 'a', null), chunk(0, '', 'stop'))
    for (let more = 0; more < 10; more++) {
      await clock.advance(20_000)
      wire.text(chunk(1, 'a', null))
    }
    wire.text(chunk(1, '', 'stop'), 'data: [DONE]\n\n')
    expect((await (await answer).outcome).failure).toBeUndefined()
  })

  it('is not kept alive by chunks of nothing', async () => {
    const { wire, response, clock } = await committed()
    for (let chunks = 0; chunks < 4; chunks++) {
      wire.sink.data(new Uint8Array(0))
      await clock.advance(9_000)
    }
    expect((await response.outcome).failure).toMatchObject({ kind: 'timeout', phase: 'idle' })
  })

  it.each([
    ['anthropic', anthropic.start + anthropic.stop],
    ['openai', 'data: [DONE]\n\n'],
  ] as const)(
    'that says its end without having said anything is truncated at once: %s',
    async (api, text) => {
      const { wire, answer } = begin({ api })
      wire.streamHeaders()
      wire.text(text)
      expect((await answer).failure).toMatchObject({ kind: 'truncated', retryable: true })
    },
  )
})

describe('a failure before the first content is an ordinary failed attempt', () => {
  const failures: readonly [string, (wire: ReturnType<typeof handTransport>) => void, object][] = [
    [
      'an error event',
      (wire) => wire.text(preamble, anthropic.error('overloaded_error')),
      { kind: 'overloaded' },
    ],
    [
      'a clean end',
      (wire) => {
        wire.text(preamble)
        wire.sink.end()
      },
      { kind: 'truncated' },
    ],
    [
      'a torn event',
      (wire) => {
        wire.text(preamble, 'event: conte')
        wire.sink.end()
      },
      { kind: 'truncated' },
    ],
    ['nothing at all', (wire) => wire.sink.end(), { kind: 'malformed' }],
    [
      'a broken connection',
      (wire) => wire.sink.error(Object.assign(new Error('x'), { code: 'ECONNRESET' })),
      { kind: 'connection', code: 'ECONNRESET' },
    ],
  ]
  it.each(failures)('%s', async (_name, fail, expected) => {
    const { wire, answer, clock } = begin()
    wire.streamHeaders()
    fail(wire)
    const response = await answer
    expect(response.failure).toMatchObject({ ...expected, retryable: true, origin: 'upstream' })
    expect(response.status).toBeGreaterThanOrEqual(500)
    expect(JSON.parse(await textOf(response))).toMatchObject({ type: 'error' })
    expect((await response.outcome).failure).toEqual(response.failure)
    expect(clock.pending).toBe(0)
  })

  it('also when pings come without end', async () => {
    const { wire, answer } = begin({ maxHeldBytes: 1_000 })
    wire.streamHeaders()
    for (let pings = 0; pings < 1_000 && !wire.aborted; pings++) wire.text(anthropic.ping)
    const message = 'what comes before the first content exceeds 1000 bytes'
    expect((await answer).failure).toMatchObject({ kind: 'malformed', message })
    expect(wire.aborted).toBe(true)
  })

  it('passes on the very error object that the upstream sent', async () => {
    const { wire, answer } = begin()
    wire.streamHeaders()
    wire.text(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x","extra":1}}\n\n',
    )
    expect(await textOf(await answer)).toBe(
      '{"type":"error","error":{"type":"overloaded_error","message":"x","extra":1}}',
    )
    expect(wire.aborted).toBe(true)
  })
})

describe('a failure after the first content breaks the body off', () => {
  async function brokenBody(response: ModelResponse): Promise<unknown> {
    try {
      await textOf(response)
    } catch (error) {
      return error
    }
    return 'a clean end'
  }

  it('when the stream ends before it is complete', async () => {
    const { wire, response } = await committed()
    wire.sink.end()
    const error = await brokenBody(response)
    expect(isStreamFailure(error) && error.failure.kind).toBe('truncated')
    const outcome = await response.outcome
    expect(outcome.failure?.kind).toBe('truncated')
    expect(outcome.usage).toMatchObject({ inputTokens: 12, estimated: true })
  })

  it('in the middle of an event, of which the reader sees nothing', async () => {
    const { wire, response } = await committed()
    const chunks: string[] = []
    response.body.pipe({
      write: (chunk) => chunks.push(Buffer.from(chunk).toString()) > 0,
      end: () => chunks.push('END'),
      fail: (error) => chunks.push(isStreamFailure(error) ? error.failure.kind : 'other'),
    })
    wire.text('event: content_block_delta\ndata: {"type":"content_bl')
    wire.sink.error(new Error('reset'))
    expect(chunks.join('')).toBe(`${preamble}${anthropic.text('Hello')}connection`)
  })

  it("keeps the upstream's own error event apart from the body", async () => {
    const { wire, response } = await committed()
    wire.text(anthropic.text(' world') + anthropic.error('overloaded_error'))
    const error = await brokenBody(response)
    if (!isStreamFailure(error)) throw new Error('the body did not break off')
    expect(error.failure.kind).toBe('overloaded')
    expect(Buffer.from(error.eventBytes ?? []).toString()).toBe(anthropic.error('overloaded_error'))
  })
})

describe('a body that is not streamed', () => {
  it('is committed when it is whole, unchanged, with its outcome known', async () => {
    const { wire, answer, clock } = begin({ stream: false })
    wire.jsonHeaders()
    wire.text(message.slice(0, 40))
    expect(await settled(answer)).toBe('pending')
    wire.text(message.slice(40))
    wire.sink.end()
    const response = await answer
    expect(response.failure).toBeUndefined()
    expect(await response.outcome).toMatchObject({
      usage: { inputTokens: 12, outputTokens: 3, cacheReadTokens: 5, estimated: false },
      stopReason: 'end_turn',
    })
    expect(await textOf(response)).toBe(message)
    expect(clock.pending).toBe(0)
  })

  it.each([true, false])(
    'keeps what it says where that is asked for (a stream was asked for: %s)',
    async (stream) => {
      const { wire, answer } = begin({ stream, keepTranscript: true })
      wire.jsonHeaders()
      wire.text(message)
      wire.sink.end()
      const { transcript } = await answer
      expect(transcript).toMatchObject({
        id: 'msg_1',
        blocks: [{ type: 'text', text: 'Hi', index: 0, isOpen: false }],
      })
    },
  )

  it('keeps nothing otherwise, nor of what is no answer', async () => {
    const unasked = begin({ stream: false })
    unasked.wire.jsonHeaders()
    unasked.wire.text(message)
    unasked.wire.sink.end()
    expect((await unasked.answer).transcript).toBeUndefined()
    const failed = begin({ stream: false, keepTranscript: true })
    failed.wire.jsonHeaders(404)
    failed.wire.text(message)
    failed.wire.sink.end()
    expect((await failed.answer).transcript).toBeUndefined()
  })

  it('keeps status and bytes of an error response', async () => {
    const { wire, answer } = begin()
    const body = '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"more":[1,2]}'
    wire.sink.headers(429, { 'content-type': 'application/json', 'retry-after': '7' })
    wire.text(body)
    wire.sink.end()
    const response = await answer
    expect(response.status).toBe(429)
    expect(response.failure).toMatchObject({ kind: 'rate_limited', retryAfterMs: 7000 })
    expect(await textOf(response)).toBe(body)
  })

  it('turns an error inside a 200 into an error response with the same bytes', async () => {
    const { wire, answer } = begin({ stream: false })
    const body = '{"type":"error","error":{"type":"overloaded_error","message":"x"}}'
    wire.jsonHeaders()
    wire.text(body)
    wire.sink.end()
    const response = await answer
    expect(response).toMatchObject({ status: 529, failure: { kind: 'overloaded', retryable: true } })
    expect(await textOf(response)).toBe(body)
  })

  it('gives an error that has no form of an error one', async () => {
    const { wire, answer } = begin({ stream: false, api: 'openai', url: '/v1/chat/completions' })
    wire.jsonHeaders()
    wire.text('{"choices":[{"finish_reason":"error","error":{"code":502,"message":"x"}}]}')
    wire.sink.end()
    const response = await answer
    expect(response.failure).toMatchObject({ kind: 'server', retryable: true })
    expect(JSON.parse(await textOf(response))).toMatchObject({ error: { message: 'x' } })
  })

  it('is broken off when it is larger than anybody wants to hold', async () => {
    const { wire, answer } = begin({ stream: false, maxHeldBytes: 100 })
    wire.jsonHeaders()
    wire.text(message)
    expect((await answer).failure).toMatchObject({
      kind: 'malformed',
      message: 'the answer exceeds 100 bytes',
    })
    expect(wire.aborted).toBe(true)
  })

  it('does not count against that once a stream has begun', async () => {
    const { wire, answer } = begin({ maxHeldBytes: 1_000 })
    wire.streamHeaders()
    wire.text(preamble, anthropic.text('Hi'))
    wire.text(anthropic.text('a'.repeat(10_000)), ending)
    wire.sink.end()
    expect((await (await answer).outcome).failure).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['half a JSON', '{"type":"mess'],
    ['a web page', '<html>hello</html>'],
    ['JSON that is no answer', '{"hello":1}'],
  ])('is malformed when it is %s', async (_name, body) => {
    const { wire, answer } = begin({ stream: false })
    wire.jsonHeaders()
    wire.text(body)
    wire.sink.end()
    const response = await answer
    expect(response).toMatchObject({ status: 502, failure: { kind: 'malformed', retryable: true } })
    expect(JSON.parse(await textOf(response))).toMatchObject({ type: 'error', error: { type: 'api_error' } })
  })
})

describe('a stream that nobody has asked for', () => {
  const unasked = (changes: Parameters<typeof begin>[0] = {}) => {
    const call = begin({ stream: false, ...changes })
    call.wire.streamHeaders()
    return call
  }
  const stream = preamble + anthropic.text('Hello') + anthropic.text(' there') + ending

  it('is put together into the answer that was asked for', async () => {
    const { wire, answer, clock, events } = unasked({ keepTranscript: true })
    wire.text(stream.slice(0, -1))
    expect(await settled(answer)).toBe('pending')
    wire.text(stream.slice(-1))
    const response = await answer
    expect(response).toMatchObject({ status: 200, failure: undefined, target: 'claude' })
    expect(response.headers).toEqual({ 'content-type': 'application/json', 'request-id': 'req_1' })
    expect(JSON.parse(await textOf(response))).toEqual({
      id: 'msg_1',
      model: 'claude-sonnet-5-5',
      content: [{ type: 'text', text: 'Hello there' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 12, output_tokens: 15 },
    })
    expect(response.transcript?.blocks).toMatchObject([{ type: 'text', text: 'Hello there' }])
    expect(await response.outcome).toMatchObject({
      failure: undefined,
      usage: { inputTokens: 12, outputTokens: 15, estimated: false },
      stopReason: 'end_turn',
      model: 'claude-sonnet-5-5',
      bytes: stream.length,
    })
    expect(events.map(({ type }) => type)).toEqual(['attempt.started', 'attempt.committed', 'attempt.ended'])
    await clock.advance(500)
    expect([wire.aborted, clock.pending]).toEqual([true, 0])
  })

  it('is estimated where it says nothing of its usage', async () => {
    const { wire, answer } = unasked({ api: 'openai' })
    wire.text('data: {"choices":[{"delta":{"content":"Hello there"},"finish_reason":"stop"}]}\n\n')
    wire.sink.end()
    expect(await (await answer).outcome).toMatchObject({ failure: undefined, usage: { estimated: true } })
  })

  it.each([
    ['ends without its end', (wire: HandTransport) => wire.sink.end(), 'truncated'],
    ['breaks', (wire: HandTransport) => wire.sink.error(new Error('reset')), 'connection'],
    [
      'reports an error',
      (wire: HandTransport) => wire.text(anthropic.error('overloaded_error')),
      'overloaded',
    ],
    ['is no JSON', (wire: HandTransport) => wire.text('event: message_delta\ndata: {half\n\n'), 'malformed'],
  ] as const)('fails before anything was sent when it %s', async (_name, fail, kind) => {
    const { wire, answer } = unasked()
    wire.text(preamble, anthropic.text('Hello'))
    fail(wire)
    const response = await answer
    expect(response.failure).toMatchObject({ kind, retryable: true })
    expect(JSON.parse(await textOf(response))).toMatchObject({ type: 'error' })
  })

  it('is broken off when it is larger than anybody wants to hold', async () => {
    const { wire, answer } = unasked({ maxHeldBytes: 10_000 })
    wire.text(preamble)
    for (let pieces = 0; pieces < 1_000 && !wire.aborted; pieces++) wire.text(anthropic.text('Hello'))
    expect((await answer).failure).toMatchObject({
      kind: 'malformed',
      message: 'the answer exceeds 10000 bytes',
    })
    expect(wire.aborted).toBe(true)
  })

  it('is broken off when it falls silent, and when it only pings until the deadline', async () => {
    const silent = unasked()
    silent.wire.text(preamble)
    await silent.clock.advance(30_000)
    expect((await silent.answer).failure).toMatchObject({ kind: 'timeout', phase: 'idle' })
    const { wire, answer, clock } = unasked()
    while (clock.now() < 600_000) {
      wire.text(anthropic.ping)
      await clock.advance(15_000)
    }
    expect((await answer).failure).toMatchObject({ kind: 'timeout', phase: 'total' })
    expect(wire.aborted).toBe(true)
  })

  it.each([
    ['a delta of no block', anthropic.start + anthropic.text('Hi') + ending],
    [
      'a tool whose input is no JSON',
      `${anthropic.start}event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{half"}}

${ending}`,
    ],
  ])('is malformed when it makes no answer: %s', async (_name, text) => {
    const { wire, answer } = unasked()
    wire.text(text)
    expect((await answer).failure).toMatchObject({ kind: 'malformed', retryable: true })
  })

  it('counts no tokens', async () => {
    const { wire, answer } = unasked({ operation: 'count_tokens' })
    wire.text(stream)
    wire.sink.end()
    expect((await answer).failure).toMatchObject({ kind: 'malformed' })
  })

  it.each(['', '\n\ndata: [DONE]\n\n'])(
    'may be the answer itself under another name, with %j behind it',
    async (more) => {
      const completion = '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
      const { wire, answer } = unasked({ api: 'openai' })
      wire.text(`\n${completion}`, more)
      wire.sink.end()
      const response = await answer
      expect(response.failure).toBeUndefined()
      expect(JSON.parse(await textOf(response))).toEqual(JSON.parse(completion))
      expect(response.headers['content-type']).toBe('application/json')
    },
  )
})

describe('an error response', () => {
  const limited = '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
  const asked = (status = 429, headers: Record<string, string> = {}) => {
    const call = begin({ stream: false })
    call.wire.sink.headers(status, { 'content-type': 'application/json', 'retry-after': '7', ...headers })
    return call
  }

  it.each([
    ['never ends', async ({ clock }: ReturnType<typeof begin>) => clock.advance(5_000)],
    [
      'comes a byte a second',
      async ({ clock, wire }: ReturnType<typeof begin>) => {
        for (let second = 0; second < 5; second++) {
          wire.text(' ')
          await clock.advance(1_000)
        }
      },
    ],
    ['breaks', async ({ wire }: ReturnType<typeof begin>) => wire.sink.error(new Error('reset'))],
    [
      'is larger than any error',
      async ({ wire }: ReturnType<typeof begin>) => {
        for (let pieces = 0; pieces < 2_000 && !wire.aborted; pieces++) wire.text(' '.repeat(1_000))
      },
    ],
  ])('is told by its status and headers when its body %s', async (_name, go) => {
    const call = asked()
    call.wire.text('{"type":"error","error":{"type":"rate')
    await go(call)
    const response = await call.answer
    expect(response).toMatchObject({ status: 429, failure: { kind: 'rate_limited', retryAfterMs: 7_000 } })
    expect(response.headers['retry-after']).toBe('7')
    expect(JSON.parse(await textOf(response))).toMatchObject({ error: { type: 'rate_limit_error' } })
    expect((await response.outcome).failure).toEqual(response.failure)
    expect(call.clock.pending).toBe(0)
  })

  it('keeps its bytes where it comes in time', async () => {
    const { wire, answer, clock } = asked()
    wire.text(limited.slice(0, 10))
    await clock.advance(4_999)
    wire.text(limited.slice(10))
    wire.sink.end()
    expect(await textOf(await answer)).toBe(limited)
  })

  it.each([307, 302, 304])('that is a redirect is not passed on: %i', async (status) => {
    const { wire, answer } = asked(status, { location: 'http://evil.example/' })
    wire.text('{}')
    wire.sink.end()
    const response = await answer
    expect(response).toMatchObject({ status: 502, failure: { kind: 'server', retryable: false, status } })
    expect(response.headers).not.toHaveProperty('location')
  })

  it.each([600, 999, 0, 199])('of a status that no client knows is one that it knows: %i', async (status) => {
    const { wire, answer } = asked(status)
    wire.text('{}')
    wire.sink.end()
    expect(await answer).toMatchObject({ status: 502, failure: { kind: 'server', status } })
  })
})

it.each([
  [204, 'text/event-stream'],
  [205, 'application/json'],
  [205, 'text/event-stream'],
])('a success of status %i has no answer, also where there is a body: %s', async (status, type) => {
  const { wire, answer } = begin()
  wire.sink.headers(status, { 'content-type': type })
  wire.text(type === 'application/json' ? message : preamble + anthropic.text('Hello') + ending)
  wire.sink.end()
  expect(await answer).toMatchObject({ status: 502, failure: { kind: 'malformed', retryable: true } })
})

it('an encoding that nobody knows is malformed at once', async () => {
  const { wire, answer } = begin()
  wire.sink.headers(200, { 'content-type': 'text/event-stream', 'content-encoding': 'rot13' })
  expect((await answer).failure).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('rot13'),
  })
  expect(wire.aborted).toBe(true)
})

it('a type of content is known in capitals, too', async () => {
  const { wire, answer } = begin()
  wire.sink.headers(200, { 'content-type': 'Text/Event-Stream;charset=utf-8' })
  wire.text(preamble, anthropic.text('Hello'))
  expect((await answer).failure).toBeUndefined()
})

describe('the caller who leaves', () => {
  const moments: readonly [string, (wire: ReturnType<typeof handTransport>) => void][] = [
    ['during the headers', () => {}],
    [
      'before the first content',
      (wire) => {
        wire.streamHeaders()
        wire.text(preamble)
      },
    ],
    [
      'while a body arrives',
      (wire) => {
        wire.jsonHeaders()
        wire.text('{')
      },
    ],
  ]
  it.each(moments)(
    '%s: the call rejects with its reason and the transport is aborted',
    async (_name, arrive) => {
      const caller = new AbortController()
      const { wire, answer, clock, events } = begin({ signal: caller.signal })
      arrive(wire)
      caller.abort(new Error('gone'))
      await expect(answer).rejects.toThrow('gone')
      expect(wire.aborted).toBe(true)
      expect(clock.pending).toBe(0)
      expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0)
      expect(events.at(-1)).toMatchObject({
        type: 'attempt.ended',
        outcome: { failure: { kind: 'cancelled' } },
      })
    },
  )

  it('in mid-stream: the body fails with the reason and the outcome says what was used', async () => {
    const caller = new AbortController()
    const { wire, response, clock } = await committed({ signal: caller.signal })
    caller.abort(new Error('gone'))
    await expect(textOf(response)).rejects.toThrow('gone')
    expect(wire.aborted).toBe(true)
    expect(await response.outcome).toMatchObject({
      failure: { kind: 'cancelled', retryable: false },
      usage: { inputTokens: 12, estimated: true },
    })
    expect(clock.pending).toBe(0)
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0)
  })

  it('before the call: nothing is sent', async () => {
    const { wire, answer } = begin({ signal: AbortSignal.abort(new Error('gone')) })
    await expect(answer).rejects.toThrow('gone')
    expect(wire.sent).toBe(0)
  })

  it('cancelling the body aborts the transport; cancelling it again changes nothing', async () => {
    const { wire, response, events } = await committed()
    response.body.cancel()
    response.body.cancel()
    expect(wire.aborted).toBe(true)
    expect((await response.outcome).failure?.kind).toBe('cancelled')
    expect(events.filter(({ type }) => type === 'attempt.ended')).toHaveLength(1)
  })

  it('cancelling after the end leaves the outcome as it was', async () => {
    const { wire, response } = await committed()
    wire.text(ending)
    wire.sink.end()
    response.body.cancel()
    expect((await response.outcome).failure).toBeUndefined()
  })
})

it('tells its listeners of start, commit and end, in this order and once', async () => {
  const { wire, events } = await committed()
  wire.text(ending)
  wire.sink.end()
  expect(events.map(({ type, target }) => `${type} ${target}`)).toEqual([
    'attempt.started claude',
    'attempt.committed claude',
    'attempt.ended claude',
  ])
})

it.each([
  ['an answer', 200, '{"content":[],"usage":{"input_tokens":1,"output_tokens":1}}'],
  ['an error', 529, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'],
])('tells of them in the same order for %s that is not streamed', async (_name, status, body) => {
  const { wire, events } = begin({ stream: false })
  wire.jsonHeaders(status)
  wire.text(body)
  wire.sink.end()
  expect(events.map(({ type }) => type)).toEqual(['attempt.started', 'attempt.committed', 'attempt.ended'])
})

it('does not send anything when the deadline has passed already', async () => {
  const { wire, answer } = begin({ deadline: 0 })
  expect((await answer).failure).toMatchObject({ kind: 'timeout', phase: 'total', origin: 'spillway' })
  expect(wire.sent).toBe(0)
})

it('ignores what a transport says after the end', async () => {
  const { wire, response, events } = await committed()
  wire.text(ending)
  wire.sink.end()
  wire.text('more')
  wire.sink.end()
  wire.sink.error(new Error('late'))
  wire.streamHeaders()
  expect(await textOf(response)).not.toContain('more')
  expect(events.filter(({ type }) => type === 'attempt.ended')).toHaveLength(1)
})
