import { attempt, fetchTransport, type Target, target, wrapFetch } from '@spillway/attempt'
import { compose, deriveRequest, type Middleware } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { type Fault, type Reply, type SimulatedServer, startOpenAi } from '@spillway/testing'
import { StreamReader } from '@spillway/wire'
import fc from 'fast-check'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { canContinue, textSoFar } from './continuation.ts'
import { fallback } from './fallback.ts'
import { overlapOf } from './overlap.ts'
import { ResponseSoFar } from './response-so-far.ts'
import { responsesSplice } from './responses-splice.ts'
import { splicedBytes } from './spliced-bytes.ts'

const beginning = 'A spillway carries water safely around a dam that is full'
const rest = ' so that nobody drowns.'
const whole = beginning + rest

const servers: SimulatedServer[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())))

async function serverOf(reply: Reply): Promise<SimulatedServer> {
  const server = await startOpenAi({ reply })
  servers.push(server)
  return server
}

function at(server: SimulatedServer, name: string): Target {
  const redirect: Middleware = (next) => (request) => {
    const headers = { ...request.headers, authorization: `Bearer sk-${name}` }
    return next(deriveRequest(request, { url: `${server.url}/v1/responses`, headers }))
  }
  return target(name, compose([redirect], attempt(fetchTransport(fetch))))
}

type Event = OpenAI.Responses.ResponseStreamEvent

/** Asks a first server that answers with a fault, and then those that may go on, by the official SDK. */
async function ask(
  first: Reply,
  fault: Fault,
  others: readonly SimulatedServer[],
): Promise<{ events: Event[]; response: OpenAI.Responses.Response }> {
  const server = await serverOf(first)
  server.next(fault)
  const targets = others.map((each, index) => at(each, `other-${index}`))
  const client = new OpenAI({
    apiKey: 'sk-test',
    baseURL: `${server.url}/v1`,
    maxRetries: 0,
    fetch: wrapFetch(fetch, fallback(targets, { midStream: 'continue' })),
  })
  const stream = client.responses.stream({ model: 'gpt-5.5', input: 'What does a spillway do?' })
  const events: Event[] = []
  for await (const event of stream) events.push(event)
  return { events, response: await stream.finalResponse() }
}

/** What is wrong with the events that a client gets. */
function problemsOf(events: readonly JsonObject[]): string[] {
  const problems: string[] = []
  const texts = new Map<unknown, string>()
  const ids = new Map<unknown, unknown>()
  const open = new Set<unknown>()
  events.forEach((event, index) => {
    const { type, sequence_number, output_index, item_id, delta } = event
    const item = event.item as JsonObject | undefined
    if (sequence_number !== index) problems.push(`event ${index} has the number ${sequence_number}`)
    if (type === 'response.output_item.added') {
      if (output_index !== ids.size) problems.push(`item ${ids.size} has the place ${output_index}`)
      ids.set(output_index, item?.id)
      texts.set(output_index, '')
      open.add(output_index)
    } else if (type === 'response.output_item.done') {
      if (!open.delete(output_index)) problems.push('an item that is not open ends')
      if (item?.id !== ids.get(output_index)) problems.push('an item ends under another id')
      if (item?.type === 'message' && textIn([item]) !== texts.get(output_index))
        problems.push('an item ends with another text')
    } else if (output_index !== undefined) {
      if (!open.has(output_index)) problems.push(`${type} is outside of its item`)
      if (item_id !== ids.get(output_index)) problems.push(`${type} has another id than its item`)
    }
    if (type === 'response.output_text.delta') texts.set(output_index, `${texts.get(output_index)}${delta}`)
  })
  const end = events.at(-1)?.response as JsonObject | undefined
  if (open.size > 0) problems.push('an item is open at the end')
  const output = (end?.output ?? []) as JsonObject[]
  if (output.length !== ids.size) problems.push('the end has other items')
  if (textIn(output) !== [...texts.values()].join('')) problems.push('the end has another text')
  return problems
}

function textIn(items: readonly JsonObject[]): string {
  const parts = items.flatMap(({ content }) => (content ?? []) as { text?: string }[])
  return parts.map(({ text = '' }) => text).join('')
}

const cut: Fault = { type: 'cut', at: 'after-content', how: 'reset', afterChunks: 11 }

describe('a response that breaks off', () => {
  it.each([
    ['is reset', cut],
    ['ends early', { ...cut, how: 'end' }],
    ['reports an error', { type: 'error-in-200', at: 'after-content', afterChunks: 11 }],
  ] as readonly [string, Fault][])(
    'goes on at another server when it %s: the SDK has one whole response',
    async (_, fault) => {
      const other = await serverOf({ text: rest, usage: { outputTokens: 7 } })
      const { events, response } = await ask({ text: whole }, fault, [other])
      expect(problemsOf(events as unknown as JsonObject[])).toEqual([])
      expect(response).toMatchObject({ status: 'completed', output_text: whole })
      expect(response.id).toBe((events[0] as OpenAI.Responses.ResponseCreatedEvent).response.id)
      expect(response.usage?.output_tokens).toBeGreaterThan(7)
      expect(other.requests[0]?.json).toMatchObject({
        input: [
          { role: 'user', content: 'What does a spillway do?' },
          { role: 'assistant', content: beginning },
          { role: 'user', content: expect.stringContaining('Go on') },
        ],
      })
    },
  )

  it('leaves out what the other repeats, and its reasoning', async () => {
    const other = await serverOf({ thinking: 'Where was I?', text: `that is full${rest}` })
    const { events, response } = await ask({ text: whole }, cut, [other])
    expect(problemsOf(events as unknown as JsonObject[])).toEqual([])
    expect(response.output_text).toBe(whole)
    expect(response.output.map(({ type }) => type)).toEqual(['message'])
  })

  it('keeps the reasoning that came before, and counts the calls that follow on', async () => {
    const other = await serverOf({ text: rest, toolUse: [{ name: 'open_gate', input: { gate: 3 } }] })
    const { events, response } = await ask(
      { thinking: 'The dam is full.', text: whole },
      { ...cut, afterChunks: 13 },
      [other],
    )
    expect(problemsOf(events as unknown as JsonObject[])).toEqual([])
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call'])
    expect(response.output.at(-1)).toMatchObject({ name: 'open_gate', arguments: '{"gate":3}' })
    expect(response.output_text.endsWith(rest)).toBe(true)
  })

  it('goes on at a third server when the second breaks off too', async () => {
    const second = await serverOf({ text: ' so that nobody drowns, which' })
    second.next({ ...cut, afterChunks: 3 })
    const third = await serverOf({ text: ' is well.' })
    const { events, response } = await ask({ text: whole }, cut, [second, third])
    expect(problemsOf(events as unknown as JsonObject[])).toEqual([])
    expect(response.output_text).toMatch(/^A spillway .* full so that .*is well\.$/)
  })

  it.each([
    ['a call', { toolUse: [{ name: 'open_gate', input: { gate: 3, note: 'wide open' } }] }],
    ['reasoning', { thinking: 'The dam is full. Where does the water go?', text: whole }],
  ] as readonly [string, Reply][])('is not gone on with within %s', async (_, reply) => {
    const other = await serverOf({ text: rest })
    await expect(ask(reply, { ...cut, afterChunks: 1 }, [other])).rejects.toThrow()
    expect(other.requests).toEqual([])
  })

  it('says in the end that it is incomplete where the other reaches its limit', async () => {
    const other = await serverOf({ text: rest, stopReason: 'max_tokens' })
    const { response } = await ask({ text: whole }, cut, [other])
    expect(response).toMatchObject({ status: 'incomplete', output_text: whole })
    expect(response.incomplete_details).toEqual({ reason: 'max_output_tokens' })
  })
})

interface Said {
  readonly thinking?: string
  readonly text?: readonly string[]
  readonly call?: string
}

/** The bytes of a stream, as OpenAI sends them. */
function streamOf(id: string, { thinking, text = [], call }: Said): Buffer {
  const events: JsonObject[] = []
  const output: JsonObject[] = []
  const add = (type: string, fields: JsonObject): void => {
    events.push({ type: `response.${type}`, sequence_number: events.length, ...fields })
  }
  const item = (of: JsonObject, open: JsonObject, within: (place: JsonObject) => void): void => {
    const place = { item_id: of.id, output_index: output.length }
    add('output_item.added', { output_index: output.length, item: { ...of, ...open } })
    within(place)
    add('output_item.done', { output_index: output.length, item: of })
    output.push(of)
  }
  const response = { id: `resp_${id}`, object: 'response', created_at: 1, status: 'in_progress', model: 'm' }
  add('created', { response: { ...response, output: [] } })
  add('in_progress', { response: { ...response, output: [] } })
  if (thinking !== undefined) {
    const summary = [{ type: 'summary_text', text: thinking }]
    item({ id: `rs_${id}`, type: 'reasoning', summary }, { summary: [] }, (place) => {
      const at = { ...place, summary_index: 0 }
      add('reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } })
      add('reasoning_summary_text.delta', { ...at, delta: thinking })
      add('reasoning_summary_text.done', { ...at, text: thinking })
      add('reasoning_summary_part.done', { ...at, part: summary[0] })
    })
  }
  if (text.length > 0) {
    const part = { type: 'output_text', text: text.join(''), annotations: [], logprobs: [] }
    const message = {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [part],
    }
    item(message, { content: [] }, (place) => {
      const at = { ...place, content_index: 0 }
      add('content_part.added', { ...at, part: { ...part, text: '' } })
      for (const delta of text) add('output_text.delta', { ...at, delta, logprobs: [] })
      add('output_text.done', { ...at, text: part.text, logprobs: [] })
      add('content_part.done', { ...at, part })
    })
  }
  if (call !== undefined) {
    const whole = { id: `fc_${id}`, type: 'function_call', name: 'f', call_id: `call_${id}`, arguments: call }
    item(whole, { arguments: '' }, (place) => {
      for (const delta of call) add('function_call_arguments.delta', { ...place, delta })
      add('function_call_arguments.done', { ...place, name: 'f', arguments: call })
    })
  }
  const usage = { input_tokens: 3, output_tokens: 4, total_tokens: 7 }
  add('completed', { response: { ...response, status: 'completed', output, usage } })
  return Buffer.from(
    events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
  )
}

/** What a caller has got of a stream that was cut, and of the one that goes on. */
function continued(first: Uint8Array, second: Uint8Array, pieces: number): string | undefined {
  const reader = new StreamReader('responses', { keepTranscript: true })
  const before = Buffer.from(reader.push(first))
  const { transcript } = reader
  const soFar = new ResponseSoFar()
  soFar.push(before)
  if (reader.isComplete || !canContinue(transcript) || soFar.isLost) return undefined
  const change = splicedBytes(responsesSplice(soFar, textSoFar(transcript), 5))
  let text = before.toString()
  for (let from = 0; from < second.length; from += pieces)
    text += Buffer.from(change(second.subarray(from, from + pieces)))
  return text
}

const parsed = (text: string): JsonObject[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)) as JsonObject)

describe('wherever a response is cut', () => {
  const first = streamOf('a', {
    thinking: 'Hm. 🌊',
    text: ['“', 'A spillway ', 'carries wäter', ' around', '”'],
    call: '{"a":1}',
  })
  const seconds = [
    streamOf('b', { text: [' and ', 'well.'] }),
    streamOf('c', { thinking: 'So?', text: [' wäter around', ' and well.'], call: '{}' }),
    streamOf('d', { call: '{"b":"c"}' }),
  ]

  it('goes on from the last whole event, as one well-formed response, and never within reasoning or a call', () => {
    const reader = new StreamReader('responses', { keepTranscript: true })
    let wentOn = 0
    for (let end = 1; end < first.length; end++) {
      // What the caller has does not change within an event.
      if (reader.push(first.subarray(end - 1, end)).length === 0) continue
      const sent = first.subarray(0, end).toString()
      const isText = sent.includes('output_text.delta') && !sent.includes('function_call')
      for (const second of seconds) {
        const text = continued(first.subarray(0, end), second, 1 + (end % 97))
        expect([end, text !== undefined]).toEqual([end, isText])
        if (text === undefined) continue
        wentOn++
        expect([end, problemsOf(parsed(text))]).toEqual([end, []])
        // Half of the next event changes nothing.
        expect(continued(first.subarray(0, end + 9), second, 50)).toBe(text)
      }
    }
    expect(wentOn).toBe(3 * 8)
  })

  it('has all of what both have said, in any pieces: so the SDK puts it together', async () => {
    const pieces = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), {
      minLength: 2,
      maxLength: 6,
    })
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    await fc.assert(
      fc.asyncProperty(pieces, pieces, share, fc.nat(200), async (a, b, at, size) => {
        const before = streamOf('a', { text: a })
        const cutAt = Math.floor(at * before.length)
        const text = continued(before.subarray(0, cutAt), streamOf('b', { text: b }), size + 1)
        if (text === undefined) return
        const events = parsed(text)
        expect(problemsOf(events)).toEqual([])
        const reader = new StreamReader('responses', { keepTranscript: true })
        reader.push(before.subarray(0, cutAt))
        const begun = reader.transcript === undefined ? '' : textSoFar(reader.transcript)
        const added = b.join('')
        const whole = begun + added.slice(overlapOf(begun, added))
        const client = new OpenAI({
          apiKey: 'k',
          maxRetries: 0,
          fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
        })
        const response = await client.responses.stream({ model: 'm', input: 'a' }).finalResponse()
        expect(response.output_text).toBe(whole)
      }),
      { numRuns: 60 },
    )
  })
})
