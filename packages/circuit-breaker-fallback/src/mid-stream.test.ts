import Anthropic from '@anthropic-ai/sdk'
import { attempt, fetchTransport, type Target, target, timeouts, wrapFetch } from '@spillway/attempt'
import {
  compose,
  createRequest,
  deriveRequest,
  listen,
  type Middleware,
  type Outcome,
  type SpillwayEvent,
} from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { type Fault, type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FallbackOptions, fallback } from './fallback.ts'

const beginning = 'A spillway carries water safely around a dam that is full'
const wholeText = `${beginning} so that nobody drowns.`

let first: SimulatedServer
let second: SimulatedServer

beforeEach(async () => {
  first = await startClaude({ reply: { text: wholeText } })
  second = await startClaude({ reply: { text: ' so that nobody drowns.' } })
})

afterEach(() => Promise.all([first.close(), second.close()]))

const cut: Fault = { type: 'cut', at: 'after-content', how: 'reset', afterChunks: 11 }

/** A server as a target. */
function at(server: SimulatedServer, name: string, model?: string): Target {
  const redirect: Middleware = (next) => (request) => {
    const path = request.api === 'anthropic' ? '/v1/messages' : '/v1/chat/completions'
    const headers = { ...request.headers, authorization: `Bearer sk-${name}` }
    return next(deriveRequest(request, { url: server.url + path, headers }))
  }
  return target(name, compose([redirect], attempt(fetchTransport(fetch))), { model })
}

/** Keeps the events and the outcome of the calls that pass. */
function watch(): { middleware: Middleware; events: SpillwayEvent[]; outcomes: Promise<Outcome>[] } {
  const events: SpillwayEvent[] = []
  const outcomes: Promise<Outcome>[] = []
  return {
    events,
    outcomes,
    middleware: (next) => async (request) => {
      const response = await next(listen(request, (event) => events.push(event)))
      outcomes.push(response.outcome)
      return response
    },
  }
}

function anthropic(options: FallbackOptions, targets: readonly Target[], ...others: Middleware[]): Anthropic {
  return new Anthropic({
    apiKey: 'sk-test',
    baseURL: first.url,
    maxRetries: 0,
    fetch: wrapFetch(fetch, ...others, fallback(targets, options), timeouts({ idle: 300 })),
  })
}

const ask = {
  model: 'claude-haiku-4-5',
  max_tokens: 500,
  messages: [{ role: 'user' as const, content: 'What does a spillway do?' }],
}

describe.each(['continue', 'restart'] as const)('a target that takes over (%s)', (midStream) => {
  it('gets no key of the caller, nor headers that are no part of the protocol', async () => {
    const given: Headers[] = []
    const record = attempt(
      fetchTransport(async (_, init) => {
        given.push(new Headers(init?.headers))
        return new Response('{}', { status: 500 })
      }),
    )
    first.next({ type: 'status', status: 529 }, cut)
    const client = new Anthropic({
      apiKey: 'sk-caller',
      baseURL: first.url,
      maxRetries: 0,
      defaultHeaders: { 'x-auth-token': 'sk-other', 'x-spillway-restart': 'accept' },
      fetch: wrapFetch(fetch, fallback([target('other', record)], { midStream })),
    })
    for (const _ of ['before its first content', 'in the middle']) {
      await client.messages
        .stream(ask)
        .finalMessage()
        .catch(() => {})
    }
    expect(first.requests.map(({ headers }) => headers['x-auth-token'])).toEqual(['sk-other', 'sk-other'])
    expect(given).toHaveLength(2)
    for (const headers of given) {
      expect(headers.get('anthropic-version')).toBeTruthy()
      expect([...headers].join()).not.toContain('sk-')
    }
  })
})

describe('fail', () => {
  it('ends the stream with an error event, which the SDK throws', async () => {
    first.next(cut)
    const stream = anthropic({}, [at(second, 'second')]).messages.stream(ask)
    await expect(stream.finalMessage()).rejects.toThrow(/connection/)
    expect(second.requests).toHaveLength(0)
  })
})

describe('continue', () => {
  it.each([
    ['is reset', cut],
    ['ends early', { ...cut, how: 'end' }],
    ['stalls', { type: 'stall', afterChunks: 11, ms: Number.POSITIVE_INFINITY }],
    ['reports an error', { type: 'error-in-200', at: 'after-content', afterChunks: 11 }],
  ] as readonly [string, Fault][])(
    'has the next target go on when the stream %s: the SDK assembles one valid message',
    async (_name, fault) => {
      first.next(fault)
      const stream = anthropic({ midStream: 'continue' }, [at(second, 'second')]).messages.stream(ask)
      const message = await stream.finalMessage()
      expect(message.content).toMatchObject([{ type: 'text', text: wholeText }])
      expect(message).toMatchObject({ role: 'assistant', stop_reason: 'end_turn' })
    },
  )

  it('gives the text so far as the last turn where the model takes it', async () => {
    first.next(cut)
    await anthropic({ midStream: 'continue' }, [at(second, 'second')])
      .messages.stream(ask)
      .finalMessage()
    expect(second.requests[0]?.json).toMatchObject({
      messages: [ask.messages[0], { role: 'assistant', content: beginning }],
    })
  })

  it('asks in a turn of the user where the model does not, and trims what it repeats', async () => {
    await using repeating = await startClaude({
      reply: { text: 'around a dam that is full so that nobody drowns.' },
    })
    first.next(cut)
    const client = anthropic({ midStream: 'continue' }, [at(repeating, 'second', 'claude-sonnet-5-5')])
    const message = await client.messages.stream(ask).finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: wholeText }])
    const { messages } = repeating.requests.at(0)!.json as { messages: { role: string }[] }
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
  })

  it('gives blocks the indices that follow on', async () => {
    await using calling = await startClaude({
      reply: {
        thinking: 'hm',
        text: ' so that nobody drowns.',
        toolUse: [{ name: 'alarm', input: { level: 3 } }],
      },
    })
    first.next(cut)
    const client = anthropic({ midStream: 'continue' }, [at(calling, 'second')])
    const message = await client.messages.stream(ask).finalMessage()
    expect(message.content).toMatchObject([
      { type: 'text', text: wholeText },
      { type: 'tool_use', name: 'alarm', input: { level: 3 } },
    ])
    expect(message.stop_reason).toBe('tool_use')
  })

  it('does not go on inside a tool call, nor inside a thought', async () => {
    for (const reply of [
      { text: 'One moment.', toolUse: [{ name: 'alarm', input: { level: 3 } }] },
      { thinking: 'a b c d e f' },
    ]) {
      await using server = await startClaude({ reply })
      server.next({ type: 'cut', at: 'after-content', how: 'reset', afterChunks: 4 })
      const client = anthropic({ midStream: 'continue' }, [at(second, 'second')])
      const stream = client.withOptions({ baseURL: server.url }).messages.stream(ask)
      await expect(stream.finalMessage()).rejects.toThrow()
      expect(second.requests).toHaveLength(0)
    }
  })

  it('books the usage of each target, and the sum for the call', async () => {
    const { middleware, events, outcomes } = watch()
    first.next(cut)
    const heard: unknown[] = []
    const client = anthropic(
      { midStream: 'continue', onFallback: ({ to, midStream }) => heard.push([to, midStream]) },
      [at(second, 'second')],
      middleware,
    )
    const message = await client.messages.stream(ask).finalMessage()
    const ended = events.filter((event) => event.type === 'attempt.ended').map((event) => event.outcome)
    expect(ended.map(({ failure, usage }) => [failure?.kind, usage?.estimated])).toEqual([
      ['connection', true],
      [undefined, false],
    ])
    const [broken, whole] = ended.map(({ usage }) => usage?.outputTokens ?? 0) as [number, number]
    const outcome = await outcomes[0]
    expect(outcome?.failure).toBeUndefined()
    expect(outcome?.usage?.outputTokens).toBe(broken + whole)
    expect(message.usage.output_tokens).toBe(broken + whole)
    expect(heard).toEqual([['second', 'continue']])
    expect(events.find((event) => event.type === 'fallback.switched')).toMatchObject({
      midStream: 'continue',
    })
  })

  it('goes on to a third target when the second breaks off as well', async () => {
    await using third = await startClaude({ reply: { text: ' drowns.' } })
    first.next(cut)
    second.next({ type: 'cut', at: 'after-content', how: 'reset', afterChunks: 4 })
    const client = anthropic({ midStream: 'continue' }, [at(second, 'second'), at(third, 'third')])
    const message = await client.messages.stream(ask).finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: wholeText }])
    expect(third.requests[0]?.json).toMatchObject({
      messages: [ask.messages[0], { role: 'assistant', content: `${beginning} so that nobody` }],
    })
  })

  it('does not go on to a target that has had its turn, as the first or as a fallback', async () => {
    await using breaking = await startClaude({ reply: { text: wholeText } })
    first.always({ type: 'status', status: 529 })
    breaking.always(cut)
    const client = anthropic({ midStream: 'continue' }, [at(breaking, 'breaking'), at(second, 'second')])
    const message = await client.messages.stream(ask).finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: wholeText }])
    expect([first, breaking, second].map(({ requests }) => requests.length)).toEqual([1, 1, 1])
  })

  it('skips a target that fails, and fails when none is left', async () => {
    first.always(cut)
    second.always({ type: 'status', status: 529 })
    await using third = await startClaude({ reply: { text: ' so that nobody drowns.' } })
    const three = anthropic({ midStream: 'continue' }, [at(second, 'second'), at(third, 'third')])
    expect((await three.messages.stream(ask).finalMessage()).content).toMatchObject([{ text: wholeText }])
    const two = anthropic({ midStream: 'continue' }, [at(second, 'second')])
    await expect(two.messages.stream(ask).finalMessage()).rejects.toThrow(/connection/)
  })

  it('speaks OpenAI as well', async () => {
    await using one = await startOpenRouter({ reply: { text: wholeText } })
    await using two = await startOpenRouter({ reply: { text: 'dam that is full so that nobody drowns.' } })
    one.next(cut)
    const client = new OpenAI({
      apiKey: 'sk-test',
      baseURL: `${one.url}/v1`,
      maxRetries: 0,
      fetch: wrapFetch(fetch, fallback([at(two, 'second')], { midStream: 'continue' })),
    })
    const stream = await client.chat.completions.create({ ...ask, stream: true })
    let text = ''
    const ids = new Set<string>()
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      ids.add(chunk.id)
    }
    expect(text).toBe(wholeText)
    expect(ids.size).toBe(1)
  })

  it('ends with the caller, wherever it leaves', async () => {
    first.next(cut)
    second.next({ type: 'slow-first-token', ms: Number.POSITIVE_INFINITY })
    const caller = new AbortController()
    const arrived = second.nextRequest()
    const client = anthropic({ midStream: 'continue' }, [at(second, 'second')])
    const stream = await client.messages.create({ ...ask, stream: true }, { signal: caller.signal })
    const read = (async () => {
      for await (const _ of stream) {
        // The text does not matter.
      }
    })()
    const request = await arrived
    caller.abort()
    await Promise.all([read.catch(() => {}), request.closedByPeer])
  })
})

describe('restart', () => {
  const init = (accept: boolean) => ({
    method: 'POST',
    headers: {
      'x-api-key': 'sk-test',
      'anthropic-version': '2023-06-01',
      ...(accept ? { 'x-spillway-restart': 'accept' } : {}),
    },
    body: JSON.stringify({ ...ask, stream: true }),
  })

  it('begins anew behind a marker for callers that accept it', async () => {
    first.next(cut)
    const wrapped = wrapFetch(fetch, fallback([at(second, 'second')], { midStream: 'restart' }))
    const text = await (await wrapped(`${first.url}/v1/messages`, init(true))).text()
    const [broken, anew] = text.split(
      'event: spillway_restart\ndata: {"type":"spillway_restart","target":"second"}\n\n',
    )
    expect(broken).toContain('message_start')
    expect(anew).toBe(Buffer.from(second.requests[0]?.sent ?? []).toString())
  })

  it('fails for all others', async () => {
    first.next(cut)
    const wrapped = wrapFetch(fetch, fallback([at(second, 'second')], { midStream: 'restart' }))
    const text = await (await wrapped(`${first.url}/v1/messages`, init(false))).text()
    expect(text.trimEnd().split('\n\n').at(-1)).toMatch(/^event: error/)
    expect(second.requests).toHaveLength(0)
  })
})

it.each(['fail', 'continue'] as const)(
  '(%s) leaves a stream alone that is answered whole',
  async (midStream) => {
    const whole = '{"type":"message","content":[{"type":"text","text":"Whole."}],"stop_reason":"end_turn"}'
    const headers = { 'content-type': 'application/json' }
    const inOnePiece = attempt(fetchTransport(async () => new Response(whole, { headers })))
    const chain = compose([fallback([at(second, 'second')], { midStream })], inOnePiece)
    const body = jsonBodyFromObject({ ...ask, stream: true })
    const response = await chain(
      createRequest({ api: 'anthropic', model: ask.model, stream: true, url: '/v1/messages', body }),
    )
    // Its caller gets the events that it would have been.
    const text = Buffer.from(await readBody(response.body)).toString()
    expect(text).toContain('"delta":{"type":"text_delta","text":"Whole."}')
    expect(text).toMatch(/event: message_stop\ndata: .*\n\n$/)
    expect(await response.outcome).toMatchObject({ failure: undefined, stopReason: 'end_turn' })
    expect(second.requests).toHaveLength(0)
  },
)

it.each(['continue', 'restart'] as const)(
  '(%s) keeps what was said in all, where that is asked for',
  async (midStream) => {
    first.next(cut)
    const chain = compose([fallback([at(second, 'second')], { midStream })], at(first, 'first').handler)
    const response = await chain(
      createRequest({
        api: 'anthropic',
        model: ask.model,
        stream: true,
        url: '/v1/messages',
        headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01', 'x-spillway-restart': 'accept' },
        body: jsonBodyFromObject({ ...ask, stream: true }),
        keepTranscript: true,
      }),
    )
    await readBody(response.body)
    const said = response.transcript?.blocks.map(({ text }) => text).join('')
    expect(said).toBe(midStream === 'continue' ? wholeText : ' so that nobody drowns.')
  },
)
