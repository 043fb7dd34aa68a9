import type { JsonObject } from '@spillway/middleware/kit'
import { writeJson } from '@spillway/wire/internal'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requestToAnthropic } from '../protocols/request-to-anthropic.ts'
import { StreamTranslator } from '../protocols/stream-translator.ts'
import { answerFromResponses } from './answer-from-responses.ts'
import { answerToResponses } from './answer-to-responses.ts'
import { chatOfResponses } from './request-from-responses.ts'
import { StreamToResponses } from './stream-to-responses.ts'

const text = fc
  .oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.constantFrom('größer', '"\\', ' a\n'))
  .filter((each) => each.trim() !== '')
const input = fc
  .dictionary(
    fc.string({ maxLength: 6 }).filter((name) => name !== '__proto__'),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 3 },
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const block = fc.oneof(
  text.map((value): JsonObject => ({ type: 'text', text: value })),
  fc.record({
    type: fc.constant('thinking'),
    thinking: fc.oneof(fc.constant(''), text),
    signature: fc.constantFrom('EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxB', 'ErUBCkYIBxgCIkDz'),
  }),
  fc.constant<JsonObject>({ type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix' }),
  fc.record({
    type: fc.constant('tool_use'),
    name: fc.constantFrom('look', 'patch', 'mcp__gate__open'),
    input,
  }),
)
/** An answer that says something behind its last thinking. */
const answer = fc
  .array(block, { minLength: 1, maxLength: 6 })
  .map((blocks) =>
    blocks.map((each, k) => (each.type === 'tool_use' ? { ...each, id: `toolu_${k}0000000` } : each)),
  )
  .filter((blocks) => ['text', 'tool_use'].includes(blocks.at(-1)?.type as string))
  .map((content) => ({
    id: 'msg_01abc',
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-5',
    content: content.map((each) =>
      'name' in each && each.name === 'patch' ? { ...each, input: { input: 'a "patch"\n\\' } } : each,
    ),
    stop_reason: content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn',
    usage: { input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 5 },
  }))

const request: JsonObject = {
  model: 'claude-opus-5',
  input: 'go on',
  tools: [
    { type: 'function', name: 'look', parameters: { type: 'object', properties: {} } },
    { type: 'custom', name: 'patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
    { type: 'namespace', name: 'mcp__gate', description: '', tools: [{ type: 'function', name: 'open' }] },
  ],
}

function chatOf(body: JsonObject) {
  const chat = chatOfResponses(body)
  if ('refused' in chat) throw new Error(chat.refused)
  return chat
}

/** Pieces in which a server streams a message, texts and inputs cut anywhere. */
function eventsOf(message: JsonObject, cut: number): { name: string; data: string }[] {
  const events: JsonObject[] = [{ type: 'message_start', message: { ...message, content: [] } }]
  const pieces = (value: string): string[] =>
    [value.slice(0, cut), value.slice(cut)].filter((each) => each !== '')
  for (const [index, { ...block }] of (message.content as Record<string, unknown>[]).entries()) {
    const deltas: JsonObject[] = []
    if (block.type === 'text') {
      deltas.push(...pieces(block.text as string).map((value) => ({ type: 'text_delta', text: value })))
      block.text = ''
    } else if (block.type === 'thinking') {
      deltas.push(
        ...pieces(block.thinking as string).map((value) => ({ type: 'thinking_delta', thinking: value })),
      )
      deltas.push({ type: 'signature_delta', signature: block.signature })
      Object.assign(block, { thinking: '', signature: '' })
    } else if (block.type === 'tool_use') {
      deltas.push(
        ...pieces(writeJson(block.input)).map((value) => ({ type: 'input_json_delta', partial_json: value })),
      )
      block.input = {}
    }
    events.push({ type: 'content_block_start', index, content_block: block })
    events.push(...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })))
    events.push({ type: 'content_block_stop', index })
  }
  const { stop_reason, usage } = message
  events.push({ type: 'message_delta', delta: { stop_reason }, usage }, { type: 'message_stop' })
  return events.map((event) => ({ name: event.type as string, data: JSON.stringify(event) }))
}

interface Sent extends JsonObject {
  readonly type: string
}

function sentBy(message: JsonObject, cut: number): Sent[] {
  const translation = new StreamToResponses(options)
  const all = eventsOf(message, cut).map((event) => translation.read(event))
  return [...all, translation.finish()]
    .join('')
    .split('\n\n')
    .filter((each) => each.startsWith('event:'))
    .map((each) => JSON.parse(each.slice(each.indexOf('data: ') + 6)) as Sent)
}

const options = { kinds: chatOf(request).kinds, created: 1, model: 'claude-opus-5' }

describe('an answer of Claude for a caller of the Responses API', () => {
  it('comes home as it was, with its signed thinking and in its order', () => {
    fc.assert(
      fc.property(answer, (message) => {
        const { body } = answerToResponses(message, options)
        const items = JSON.parse(JSON.stringify(body.output)) as JsonObject[]
        const results = items.flatMap(({ type, call_id }) => {
          if (type === 'function_call') return [{ type: 'function_call_output', call_id, output: 'done' }]
          return type === 'custom_tool_call'
            ? [{ type: 'custom_tool_call_output', call_id, output: 'done' }]
            : []
        })
        const next = [
          { role: 'user', content: 'first' },
          ...items,
          ...results,
          { role: 'user', content: 'then' },
        ]
        const chat = chatOf({ ...request, input: next })
        expect(chat.degraded).toEqual([])
        const home = requestToAnthropic(chat.body).body.messages as JsonObject[]
        const [, turn] = home
        const content = turn?.content
        const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content
        expect(JSON.parse(JSON.stringify(blocks))).toEqual(message.content)
      }),
      { numRuns: 300 },
    )
  })

  it('says the same streamed as whole, and each item as it grew', () => {
    fc.assert(
      fc.property(answer, fc.nat(8), (message, cut) => {
        const sent = sentBy(message, cut)
        expect(sent.map(({ sequence_number }) => sequence_number)).toEqual(sent.map((_, index) => index))
        const { body } = answerToResponses(message, options)
        expect(sent.at(-1)?.type).toBe(`response.${body.status}`)
        expect(sent.at(-1)?.response).toEqual(JSON.parse(writeJson(body)))
        const done = sent.filter(({ type }) => type === 'response.output_item.done')
        expect(done.map(({ item }) => item)).toEqual(JSON.parse(writeJson(body.output)))
        for (const { item, output_index } of done as unknown as {
          item: JsonObject
          output_index: number
        }[]) {
          const own = sent.filter((each) => each.output_index === output_index && each.item_id === item.id)
          const said = (type: string): string =>
            own.flatMap((each) => (each.type === type ? [each.delta] : [])).join('')
          if (item.type === 'function_call') {
            const args = said('response.function_call_arguments.delta')
            expect(args === '' ? '{}' : args).toBe(item.arguments)
          }
          if (item.type === 'custom_tool_call')
            expect(said('response.custom_tool_call_input.delta')).toBe(item.input)
          if (item.type === 'message') {
            const texts = (item.content as JsonObject[]).map((part) => part.text).join('')
            expect(said('response.output_text.delta')).toBe(texts)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** What a message says, without the ids and signatures that it has at home. */
function saidBy(content: unknown): unknown {
  return (content as JsonObject[]).flatMap(({ type, text, thinking, name, input: args }) => {
    if (type === 'redacted_thinking' || (type === 'thinking' && thinking === '')) return []
    return [{ type, text, thinking, name, input: args }]
  })
}

/** The message that a stream of its events says. */
function messageOf(stream: string): {
  content: Record<string, unknown>[]
  stop_reason: unknown
  usage: unknown
} {
  const message = {
    content: [] as Record<string, unknown>[],
    stop_reason: undefined as unknown,
    usage: undefined as unknown,
  }
  let json = ''
  for (const event of stream.split('\n\n').filter((each) => each.startsWith('event:'))) {
    const { type, content_block, delta, usage } = JSON.parse(event.slice(event.indexOf('data: ') + 6))
    const last = message.content.at(-1)
    if (type === 'content_block_start') message.content.push({ ...content_block })
    if (type === 'content_block_delta' && last !== undefined) {
      if (delta.type === 'text_delta') last.text += delta.text
      if (delta.type === 'thinking_delta') last.thinking += delta.thinking
      if (delta.type === 'input_json_delta') json += delta.partial_json
    }
    if (type === 'content_block_stop' && last?.type === 'tool_use') {
      last.input = JSON.parse(json || '{}')
      json = ''
    }
    if (type === 'message_delta') Object.assign(message, { stop_reason: delta.stop_reason, usage })
  }
  return message
}

describe('a response for a caller of Messages', () => {
  it('says what it says there, streamed and whole', () => {
    fc.assert(
      fc.property(answer, fc.nat(8), fc.nat(40), (message, cut, chunk) => {
        const text = sentBy(message, cut)
          .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
          .join('')
        const translator = new StreamTranslator('anthropic', {}, 'responses')
        const bytes = Buffer.from(text)
        const size = chunk + 1
        const out: string[] = []
        for (let at = 0; at < bytes.length; at += size) {
          out.push(Buffer.from(translator.push(bytes.subarray(at, at + size))).toString())
        }
        out.push(Buffer.from(translator.end()).toString())
        const streamed = messageOf(out.join(''))
        const { body } = answerFromResponses(JSON.parse(writeJson(answerToResponses(message, options).body)))
        for (const each of [streamed, body]) {
          const named = message.content.map((block) =>
            'name' in block && block.name === 'mcp__gate__open' ? { ...block, name: 'open' } : block,
          )
          expect(saidBy(JSON.parse(writeJson(each.content)))).toEqual(saidBy(named))
          expect(each.stop_reason).toBe(message.stop_reason)
          expect(each.usage).toMatchObject({ input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 5 })
        }
      }),
      { numRuns: 300 },
    )
  })
})
