import { jsonBodyFromObject } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamReader } from '../stream-reader.ts'
import { answerAsStream, asksForUsage } from './answer-stream.ts'

type Api = 'anthropic' | 'openai'

const streamOf = (api: Api, answer: unknown, includeUsage = true): string | undefined => {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer)
  const bytes = answerAsStream(api, Buffer.from(text), includeUsage)
  return bytes && Buffer.from(bytes).toString()
}

/** The answer that its stream is put together into. */
function throughStream(api: Api, answer: unknown): unknown {
  const reader = new StreamReader(api, { assemble: true })
  reader.push(Buffer.from(streamOf(api, answer) ?? ''))
  expect([reader.isComplete, reader.state.failure]).toEqual([true, undefined])
  return JSON.parse(reader.assembled() ?? 'null')
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const input = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  json,
  { maxKeys: 4 },
)
const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text }),
  fc.record({ type: fc.constant('text'), text, citations: fc.array(fc.record({ cited_text: text })) }),
  fc.record({ type: fc.constant('thinking'), thinking: text, signature: text }),
  fc.record({ type: fc.constant('redacted_thinking'), data: text }),
  fc.record({
    type: fc.constantFrom('tool_use', 'server_tool_use', 'mcp_tool_use'),
    id: text,
    name: text,
    input,
  }),
  fc.record({ type: fc.constant('web_search_tool_result'), content: fc.array(input, { maxLength: 2 }) }),
  fc.record({ type: fc.constant('block_of_later'), of: json }),
)
const message = fc.record(
  {
    id: text,
    type: fc.constant('message'),
    role: fc.constant('assistant'),
    model: text,
    content: fc.array(block, { maxLength: 4 }),
    stop_reason: fc.constantFrom('end_turn', 'max_tokens', 'tool_use', 'refusal', 'reason_of_later'),
    stop_sequence: fc.constantFrom(null, 'END'),
    stop_details: fc.constantFrom(null, { type: 'refusal', category: 'cyber' }),
    container: fc.constant({ id: 'c' }),
    context_management: fc.constant({ applied_edits: [] }),
    usage: fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat(), cache_read_input_tokens: fc.nat() }),
  },
  { requiredKeys: ['id', 'type', 'role', 'content', 'stop_reason', 'stop_sequence'] },
)

const call = fc.record({
  id: text,
  type: fc.constant('function'),
  function: fc.record({ name: text, arguments: input.map((each) => JSON.stringify(each)) }),
})
const choice = fc.record({
  finish_reason: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
  native_finish_reason: fc.constant('end_turn'),
  logprobs: fc.constantFrom(null, { content: [{ token: 'a', logprob: -1 }] }),
  message: fc.record(
    {
      role: fc.constant('assistant'),
      content: fc.option(text),
      refusal: fc.option(text),
      reasoning: text,
      reasoning_content: text,
      tool_calls: fc.array(call, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: ['role', 'content', 'refusal'] },
  ),
})
const completion = fc.record({
  id: text,
  object: fc.constant('chat.completion'),
  model: text,
  choices: fc
    .array(choice, { minLength: 1, maxLength: 3 })
    .map((choices) => choices.map((each, index) => ({ index, ...each }))),
  usage: fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat() }),
})

describe('a whole answer as a stream', () => {
  it.each<[Api, fc.Arbitrary<unknown>]>([
    ['anthropic', message],
    ['openai', completion],
  ])('is the same answer when it is put together again: %s', (api, answers) => {
    fc.assert(
      fc.property(answers, (answer) => {
        expect(throughStream(api, answer)).toEqual(answer)
      }),
      { numRuns: 150 },
    )
  })

  it('has the events that a message is streamed in', () => {
    const stream = streamOf('anthropic', {
      id: 'm',
      content: [
        { type: 'thinking', thinking: 'Hm', signature: 'EqQB' },
        { type: 'text', text: 'Hello' },
        { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
        { type: 'tool_use', id: 'u', name: 'g', input: {} },
      ],
      stop_reason: 'tool_use',
    })
    expect(stream?.match(/^event: .*$|"delta":{"type":"\w+"/gm)).toEqual([
      'event: message_start',
      'event: content_block_start',
      'event: content_block_delta',
      '"delta":{"type":"thinking_delta"',
      'event: content_block_delta',
      '"delta":{"type":"signature_delta"',
      'event: content_block_stop',
      'event: content_block_start',
      'event: content_block_delta',
      '"delta":{"type":"text_delta"',
      'event: content_block_stop',
      'event: content_block_start',
      'event: content_block_delta',
      '"delta":{"type":"input_json_delta"',
      'event: content_block_stop',
      'event: content_block_start',
      'event: content_block_stop',
      'event: message_delta',
      'event: message_stop',
    ])
  })

  it.each<[Api, string, string]>([
    [
      'anthropic',
      '{"content":[{"type":"tool_use","id":"t","name":"f","input":{"id":12345678901234567890,"price":1.10}}]}',
      String.raw`"partial_json":"{\"id\":12345678901234567890,\"price\":1.10}"`,
    ],
    [
      'openai',
      '{"choices":[{"message":{"tool_calls":[{"id":"t","function":{"name":"f","arguments":{"id":12345678901234567890}}}]}}]}',
      String.raw`"arguments":"{\"id\":12345678901234567890}"`,
    ],
  ])('keeps the numbers of a tool’s input as they were written: %s', (api, answer, written) => {
    expect(streamOf(api, answer)).toContain(written)
  })

  it.each<[Api, object, string]>([
    ['anthropic', { content: [] }, '"stop_reason":"end_turn"'],
    [
      'anthropic',
      { content: [{ type: 'tool_use', input: {} }], stop_reason: null },
      '"stop_reason":"tool_use"',
    ],
    ['openai', { choices: [{ message: { content: 'Hi' } }] }, '"finish_reason":"stop"'],
    [
      'openai',
      { choices: [{ message: { tool_calls: [{}] }, finish_reason: '' }] },
      '"finish_reason":"tool_calls"',
    ],
  ])('says why it ends where the answer does not: %s %j', (api, answer, reason) => {
    expect(streamOf(api, answer)).toContain(reason)
  })

  it('tells of its usage in chat chunks where that was asked for alone', () => {
    const answer = { choices: [{ message: { content: 'Hi' } }], usage: { prompt_tokens: 3 } }
    expect(streamOf('openai', answer, true)).toContain('"choices":[],"usage":{"prompt_tokens":3}')
    expect(streamOf('openai', answer, false)).not.toContain('usage')
  })

  it.each<[Api, string]>([
    ['anthropic', 'null'],
    ['anthropic', '[]'],
    ['anthropic', '{"content":"Hi"}'],
    ['anthropic', '{"content":[1]}'],
    ['openai', '{"choices":{}}'],
    ['openai', '{"choices":[null]}'],
    ['openai', '{"choices":'],
  ])('is none of what is no answer: %s %s', (api, answer) => {
    expect(streamOf(api, answer)).toBeUndefined()
  })
})

it.each([
  [{ stream_options: { include_usage: true } }, true],
  [{ stream_options: { include_usage: 'true' } }, false],
  [{ stream_options: null }, false],
  [{}, false],
])('knows whether usage is asked for: %j', (body, asked) => {
  expect(asksForUsage(jsonBodyFromObject(body))).toBe(asked)
})
