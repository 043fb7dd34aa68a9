import type { JsonObject } from '@spillway/middleware/kit'
import { SseScanner } from '@spillway/wire'
import { describe, expect, it } from 'vitest'
import { toolNameDeltas } from '../../../wire/test/tool-name-deltas.ts'
import type { AnswerOptions } from './answer-options.ts'
import { answerToAnthropic } from './answer-to-anthropic.ts'
import { requestToAnthropic } from './request-to-anthropic.ts'
import { StreamTranslator } from './stream-translator.ts'

const options: AnswerOptions = { id: 'fresh', model: 'asked' }

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const chunk = (delta: object, finish_reason: string | null = null, more: object = {}): string =>
  data({ id: 'chatcmpl-1', model: 'm', choices: [{ index: 0, delta, finish_reason }], ...more })
const done = 'data: [DONE]\n\n'
const stream = (...deltas: object[]): string =>
  [...deltas.map((delta) => chunk(delta)), chunk({}, 'stop'), done].join('')

function translated(to: 'anthropic' | 'openai', text: string): string {
  const translator = new StreamTranslator(to, options)
  return Buffer.concat([translator.push(Buffer.from(text)), translator.end()]).toString()
}

interface Block {
  type: string
  id?: string
  name?: string
  said: string
}

/** The message that a client reads of a stream. */
function messageOf(text: string): { message: JsonObject; blocks: Block[]; stopReason: unknown } {
  let message: JsonObject = {}
  let stopReason: unknown
  const blocks: Block[] = []
  const scanner = new SseScanner((event) => {
    const value = JSON.parse(event.data)
    if (event.name === 'error') throw new Error(value.error.message)
    if (event.name === 'message_start') message = value.message
    if (event.name === 'content_block_start') blocks.push({ ...value.content_block, said: '' })
    if (event.name === 'message_delta') stopReason = value.delta.stop_reason
    if (event.name !== 'content_block_delta') return
    const { text: words, thinking, partial_json } = value.delta
    const block = blocks.at(-1)
    if (block !== undefined) block.said += words ?? thinking ?? partial_json ?? ''
  })
  scanner.push(Buffer.from(text))
  return { message, blocks, stopReason }
}

const streamed = (...deltas: object[]): Block[] =>
  messageOf(translated('anthropic', stream(...deltas))).blocks
const saying = (blocks: readonly Block[]): unknown => blocks.map(({ type, said }) => [type, said])
const whole = (message: object): JsonObject[] =>
  answerToAnthropic({ id: 'c', model: 'm', choices: [{ message, finish_reason: 'stop' }] }, options).body
    .content as JsonObject[]
const call = (fn: object, more: object = {}): object => ({
  tool_calls: [{ index: 0, function: fn, ...more }],
})

describe('a block of the vendor’s own tools', () => {
  it('leaves the arguments of the call before it as they are', () => {
    const event = (type: string, more: object): string => `event: ${type}\n${data({ type, ...more })}`
    const block = (index: number, content_block: object, partial_json: string): string =>
      event('content_block_start', { index, content_block }) +
      event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } }) +
      event('content_block_stop', { index })
    const text = [
      event('message_start', { message: { id: 'msg_1', model: 'm', usage: { input_tokens: 1 } } }),
      block(0, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }, '{"a":1}'),
      block(1, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, '{"query":"x"}'),
      block(2, { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} }, ''),
      event('content_block_start', { index: 3, content_block: { type: 'mcp_tool_use', input: {} } }),
      event('content_block_stop', { index: 3 }),
      event('message_delta', { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } }),
      event('message_stop', {}),
    ].join('')
    const args = ['', '']
    const scanner = new SseScanner(({ data: json }) => {
      if (json === '[DONE]') return
      for (const { index, function: fn } of JSON.parse(json).choices[0]?.delta.tool_calls ?? []) {
        args[index] += fn.arguments ?? ''
      }
    })
    scanner.push(Buffer.from(translated('openai', text)))
    expect(args).toEqual(['{"a":1}', '{}'])
  })
})

describe('the name of a tool', () => {
  it.each(toolNameDeltas)('is whole, however it comes: %s', (_, deltas) => {
    expect(streamed(...deltas)).toEqual([
      { type: 'tool_use', id: 'call_00001', name: 'get_weather', input: {}, said: '{"a":1}' },
    ])
  })

  it('comes without arguments too', () => {
    expect(streamed(call({ name: 'now' }, { id: 'call_00001' }))).toMatchObject([{ name: 'now' }])
  })

  it('has an end', () => {
    const blocks = streamed(
      ...Array.from({ length: 5_000 }, () => call({ name: 'abcdefghij' }, { id: 'call_1' })),
    )
    expect(blocks[0]?.name?.length).toBeLessThan(2_000)
  })
})

describe('reasoning', () => {
  it('is read where it is, whatever stands empty beside it', () => {
    const both = { reasoning_content: '', reasoning: 'think' }
    expect(saying(streamed(both, { content: 'ok' }))).toEqual([
      ['thinking', 'think'],
      ['text', 'ok'],
    ])
    expect(whole({ ...both, content: 'ok' })).toMatchObject([{ thinking: 'think' }, { text: 'ok' }])
  })

  const thought = (text: string): object => ({
    content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }],
  })
  const parts = [
    thought('Let '),
    thought('me.'),
    { content: [{ type: 'text', text: 'Yes' }] },
    { content: '!' },
  ]

  it('may be among the parts of the content, as Mistral sends it', () => {
    expect(saying(streamed(...parts))).toEqual([
      ['thinking', 'Let me.'],
      ['text', 'Yes!'],
    ])
    const content = parts.flatMap((part) => (part as { content: unknown }).content)
    const message = { content: content.filter((part) => typeof part === 'object') }
    expect(whole(message)).toMatchObject([{ thinking: 'Let me.' }, { text: 'Yes' }])
  })
})

describe('an answer without a name', () => {
  const bare = (delta: object, finish_reason: string | null = null): string =>
    data({ choices: [{ index: 0, delta, finish_reason }] })
  it.each<[string, string]>([
    ['no id, no model', bare({ content: 'a' }) + bare({}, 'stop') + done],
    [
      'empty ones',
      data({ id: '', model: '', choices: [{ delta: { content: 'a' } }] }) + bare({}, 'stop') + done,
    ],
    [
      'a prefix alone',
      data({ id: 'chatcmpl-', choices: [{ delta: { content: 'a' } }] }) + bare({}, 'stop') + done,
    ],
  ])('has a fresh id and the model that was asked: %s', (_, text) => {
    expect(messageOf(translated('anthropic', text)).message).toMatchObject({
      id: 'msg_fresh',
      model: 'asked',
    })
  })

  it('the same, where it is not streamed, and the other way round', () => {
    const choices = [{ message: { content: 'a' } }]
    expect(answerToAnthropic({ choices }, options).body).toMatchObject({ id: 'msg_fresh', model: 'asked' })
  })
})

describe('calls of odd kinds', () => {
  it.each<[object]>([
    [{ function_call: {} }],
    [{ function_call: { name: '', arguments: '' } }],
    [{ function_call: null }],
    [{ function_call: { name: null, arguments: null } }],
  ])('that are empty are none: %o', (empty) => {
    expect(saying(streamed({ content: 'a', ...empty }, { content: 'b', ...empty }))).toEqual([['text', 'ab']])
    expect(whole({ content: 'a', ...empty })).toEqual([{ type: 'text', text: 'a' }])
  })

  it('of older servers are still calls', () => {
    const blocks = streamed(
      { function_call: { name: 'f', arguments: '' } },
      { function_call: { arguments: '{"a":1}' } },
    )
    expect(blocks).toMatchObject([{ type: 'tool_use', name: 'f', said: '{"a":1}' }])
    expect(whole({ function_call: { name: 'f', arguments: '{}' } })).toMatchObject([{ name: 'f', input: {} }])
  })

  it('of custom tools have their text as the one argument', () => {
    const custom = (input: string, name?: string): object => ({
      tool_calls: [{ index: 0, ...(name && { id: 'call_00001', type: 'custom' }), custom: { name, input } }],
    })
    const [block] = streamed(custom('', 'sql'), custom('SELECT "a'), custom('"\n'))
    expect([block?.name, JSON.parse(block?.said ?? '')]).toEqual(['sql', { input: 'SELECT "a"\n' }])
    expect(JSON.parse(streamed(custom('', 'sql'))[0]?.said ?? '')).toEqual({ input: '' })
    const call = { id: 'call_00001', type: 'custom', custom: { name: 'sql', input: 'SELECT 1' } }
    expect(whole({ tool_calls: [call] })).toMatchObject([{ name: 'sql', input: { input: 'SELECT 1' } }])
  })
})

describe('white space', () => {
  const f = call({ name: 'f', arguments: '{}' }, { id: 'call_00001' })
  it('before a call is no block', () => {
    expect(streamed({ content: '\n' }, { content: '\n' }, f)).toMatchObject([{ type: 'tool_use', name: 'f' }])
    expect(
      whole({ content: '\n\n', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }),
    ).toMatchObject([{ type: 'tool_use' }])
    expect(streamed({ content: ' ' })).toEqual([])
  })

  it('before words stays', () => {
    expect(
      saying(streamed({ content: '\n' }, { content: '\n' }, { content: 'Hi' }, { content: ' ' })),
    ).toEqual([['text', '\n\nHi ']])
  })

  it('without end is read in time', { retry: 2 }, () => {
    const translator = new StreamTranslator('anthropic', options)
    const piece = Buffer.from(chunk({ content: '    ' }).repeat(1_000))
    const begun = process.cpuUsage()
    for (let times = 0; times < 50; times++) translator.push(piece)
    expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(6_000)
  })
})

it('an empty reason to end in each chunk ends nothing', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1 }
  const text =
    data({ id: 'x', model: 'm', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: '' }] }) +
    data({ id: 'x', model: 'm', choices: [], usage }) +
    chunk({ content: 'b' }, 'length') +
    done
  const { blocks, stopReason } = messageOf(translated('anthropic', text))
  expect([saying(blocks), stopReason]).toEqual([[['text', 'ab']], 'max_tokens'])
})

it('a hint for the cache on the result of a tool stays', () => {
  const messages = [
    { role: 'user', content: 'a' },
    { role: 'assistant', tool_calls: [{ id: 'call_1', function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'call_1', content: 'r', cache_control: { type: 'ephemeral' } },
  ]
  const { body } = requestToAnthropic({ model: 'claude-opus-5-5', messages })
  expect((body.messages as JsonObject[]).at(-1)?.content).toEqual([
    { type: 'tool_result', tool_use_id: 'call_1', content: 'r', cache_control: { type: 'ephemeral' } },
  ])
})
