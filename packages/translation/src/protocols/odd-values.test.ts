import type { JsonObject } from '@spillway/middleware/kit'
import { estimatePromptTokens, StreamReader } from '@spillway/wire'
import { describe, expect, it } from 'vitest'
import { modelCapabilities } from '../fit/capabilities.ts'
import { fitRequest } from '../fit/fit-request.ts'
import { answerToAnthropic } from './answer-to-anthropic.ts'
import { answerToOpenAi } from './answer-to-openai.ts'
import { requestToAnthropic } from './request-to-anthropic.ts'
import { requestToOpenAi } from './request-to-openai.ts'
import { StreamTranslator } from './stream-translator.ts'

/** JSON in which a number or a text is expected, and which throws when it is asked to become one. */
const odd: JsonObject = JSON.parse('{"toString":"x","valueOf":null}')
const oddList: readonly unknown[] = [odd]

const image = { type: 'base64', media_type: odd, data: odd }

describe.each([
  ['an object', odd],
  ['a list', oddList],
])('%s where text or a number should be', (_, value) => {
  it.each<[string, JsonObject]>([
    ['max_tokens', { max_tokens: value }],
    ['the budget of reasoning', { reasoning: { max_tokens: value } }],
    ['the name of a tool', { tools: [{ type: 'function', function: { name: value } }] }],
    [
      'a call',
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: value, type: 'function', function: { name: value, arguments: value } }],
          },
        ],
      },
    ],
    ['a result', { messages: [{ role: 'tool', tool_call_id: value, content: value }] }],
    [
      'a text',
      {
        messages: [{ role: value, content: [{ type: 'text', text: value }] }],
        stop: value,
        response_format: value,
      },
    ],
  ])('is no error in a chat request: %s', (_, fields) => {
    const body = { model: 'claude-sonnet-5-5', messages: [], ...fields }
    expect(JSON.stringify(requestToAnthropic(body).body)).toContain('claude-sonnet-5-5')
  })

  it.each<[string, JsonObject]>([
    [
      'max_tokens',
      { max_tokens: value, stop_sequences: value, thinking: { type: 'enabled', budget_tokens: value } },
    ],
    ['the name of a tool', { tools: [{ name: value, input_schema: value }] }],
    [
      'a call',
      {
        messages: [
          { role: 'assistant', content: [{ type: 'tool_use', id: value, name: value, input: value }] },
        ],
      },
    ],
    [
      'a result',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: value, content: [{ type: 'text', text: value }] }],
          },
        ],
      },
    ],
    [
      'an image',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source: image },
              { type: 'document', source: image },
            ],
          },
        ],
      },
    ],
    ['a system prompt', { system: [{ type: 'text', text: value }] }],
  ])('is no error in a Messages request: %s', (_, fields) => {
    const body = { model: 'gpt-5', messages: [], ...fields }
    expect(JSON.stringify(requestToOpenAi(body).body)).toContain('gpt-5')
    expect(() => estimatePromptTokens(body)).not.toThrow()
    const fitted = fitRequest(
      { api: 'anthropic', body: { ...body, top_p: value } },
      modelCapabilities('claude-opus-4-8'),
    )
    expect(fitted.kind).toBe('fits')
  })

  it('is no error in an answer, and calls have a name that is text', () => {
    const message = { content: [{ type: 'tool_use', id: 'a', name: value, input: {} }] }
    expect(JSON.stringify(answerToOpenAi(message).body)).toContain('"name":""')
    const tool_calls = [{ id: 'a', type: 'function', function: { name: value, arguments: value } }]
    const completion = { choices: [{ message: { content: null, tool_calls } }] }
    expect(JSON.stringify(answerToAnthropic(completion).body)).toContain('"name":""')
  })

  it('is no error in a stream', () => {
    const events = [
      { type: 'message_start', message: { id: value, model: value, usage: value } },
      {
        type: 'content_block_start',
        index: value,
        content_block: { type: 'tool_use', id: value, name: value },
      },
      { type: 'content_block_delta', index: value, delta: { type: 'input_json_delta', partial_json: value } },
      { type: 'content_block_stop', index: value },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: value }, usage: value },
      { type: 'message_stop' },
    ]
    const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
    const translator = new StreamTranslator('openai')
    const translated = Buffer.concat([translator.push(Buffer.from(text)), translator.end()]).toString()
    expect(translated).toContain('data: [DONE]')
    const reader = new StreamReader('anthropic', { keepTranscript: true })
    expect(() => reader.push(Buffer.from(text))).not.toThrow()
    expect(reader.isComplete).toBe(true)
  })
})
