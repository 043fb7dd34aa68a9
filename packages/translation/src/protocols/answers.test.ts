import { anthropicUsage, estimatePromptTokens, openaiUsage } from '@spillway/wire'
import { describe, expect, it } from 'vitest'
import { answerToAnthropic } from './answer-to-anthropic.ts'
import { answerToOpenAi } from './answer-to-openai.ts'
import { errorTo } from './error-translation.ts'
import { usageForAnthropic, usageForOpenAi } from './usage-translation.ts'

const completion = (message: object, finish_reason = 'stop', more: object = {}): Record<string, unknown> => ({
  id: 'chatcmpl-1',
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
  ...more,
})
const weather = (args: string, id = 'call_00001'): object => ({
  id,
  type: 'function',
  function: { name: 'weather', arguments: args },
})

describe('a completion as a message', () => {
  it('has thinking, text and calls in their order', () => {
    const message = { reasoning_content: 'Hm', content: 'I look', tool_calls: [weather('{"city":"Rome"}')] }
    expect(answerToAnthropic(completion(message, 'tool_calls'))).toEqual({
      body: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'gpt-4o',
        content: [
          { type: 'thinking', thinking: 'Hm', signature: 'spillway:1' },
          { type: 'text', text: 'I look' },
          { type: 'tool_use', id: 'call_00001', name: 'weather', input: { city: 'Rome' } },
        ],
        stop_reason: 'tool_use',
        stop_sequence: null,
        usage: {
          input_tokens: 0,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: 0,
        },
      },
      degraded: [],
    })
  })

  it.each([
    ['', {}],
    ['{}', {}],
    ['{"city":', { invalid_json: '{"city":' }],
    ['[1]', { invalid_json: '[1]' }],
  ])('has an object as input, whatever the arguments are: %s', (args, input) => {
    const { body } = answerToAnthropic(completion({ content: null, tool_calls: [weather(args)] }))
    expect(body).toMatchObject({ stop_reason: 'tool_use', content: [{ input }] })
  })

  it('has ids that differ where the server gives none', () => {
    const { body } = answerToAnthropic(completion({ tool_calls: [weather('{}', ''), weather('{}', '')] }))
    const ids = (body.content as { id: string }[]).map(({ id }) => id)
    expect(new Set(ids).size).toBe(2)
  })

  it('ends as a refusal where the model refused', () => {
    const body = { stop_reason: 'refusal', stop_details: { type: 'refusal' } }
    expect(answerToAnthropic(completion({ content: null, refusal: 'No' })).body).toMatchObject(body)
    expect(answerToAnthropic(completion({ content: '' }, 'content_filter')).body).toMatchObject(body)
  })

  it('has the names of tools that the caller knows', () => {
    const toolNames = new Map([['weather', 'the_real_name']])
    const { body } = answerToAnthropic(completion({ tool_calls: [weather('{}')] }), { toolNames })
    expect(body).toMatchObject({ content: [{ name: 'the_real_name' }] })
  })
})

describe('a message as a completion', () => {
  it('has text, calls and traces of thinking', () => {
    const content = [
      { type: 'thinking', thinking: 'Hm', signature: 'EqQB' },
      { type: 'text', text: 'I ' },
      { type: 'text', text: 'look', citations: [{}] },
      { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
    ]
    const { body, degraded } = answerToOpenAi(
      { id: 'msg_1', model: 'm', content, stop_reason: 'tool_use' },
      { created: 7 },
    )
    expect(body).toMatchObject({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 7,
      choices: [
        {
          message: {
            content: 'I look',
            reasoning_content: 'Hm',
            tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
          },
          finish_reason: 'tool_calls',
        },
      ],
    })
    expect(degraded).toEqual(['citations'])
  })

  it('has null for content where there is no text', () => {
    const content = [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }]
    expect(answerToOpenAi({ content }).body).toMatchObject({ choices: [{ message: { content: null } }] })
  })
})

describe('usage', () => {
  const usage = {
    inputTokens: 10,
    outputTokens: 9,
    cacheReadTokens: 20,
    cacheWriteTokens: 5,
    cacheWrite1hTokens: 0,
    reasoningTokens: 3,
    cost: 0.5,
    estimated: false,
  }

  it('is the same after each convention', () => {
    expect(openaiUsage(usageForOpenAi(usage))).toEqual(usage)
    expect(anthropicUsage(usageForAnthropic(usage))).toEqual(usage)
    expect(usageForOpenAi(usage)).toMatchObject({ prompt_tokens: 35, total_tokens: 44 })
    expect(usageForAnthropic(usage)).toMatchObject({ input_tokens: 10 })
  })
})

describe('an error body', () => {
  const read = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString())

  it('has the type of the other protocol and the message of the vendor', () => {
    const openai = { error: { message: 'Slow down', type: 'requests', code: 'rate_limit_exceeded' } }
    const { status, body } = errorTo('anthropic', openai, 429)
    expect(status).toBe(429)
    expect(read(body)).toMatchObject({ error: { type: 'rate_limit_error', message: 'Slow down' } })
    const anthropic = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
    expect(read(errorTo('openai', anthropic, 529).body)).toMatchObject({
      error: { message: 'Overloaded', type: 'server_error' },
    })
  })

  it('says that a prompt is too long in the words that clients look for', () => {
    const error = { error: { message: 'the request exceeds the available context size', code: 400 } }
    expect(read(errorTo('anthropic', error, 400).body)).toMatchObject({
      error: { message: expect.stringMatching(/^prompt is too long: the request/) },
    })
    const anthropic = { error: { type: 'invalid_request_error', message: 'prompt is too long: 9 > 8' } }
    expect(read(errorTo('openai', anthropic, 400).body)).toMatchObject({
      error: { message: expect.stringContaining('maximum context length') },
    })
  })
})

describe('an estimate of a prompt', () => {
  it('counts text by its length, images as images, and signatures not at all', () => {
    const text = 'word '.repeat(700)
    const messages = [{ role: 'user', content: text }]
    expect(estimatePromptTokens({ messages })).toBeGreaterThan(700)
    expect(estimatePromptTokens({ messages })).toBeLessThan(1400)
    const image = { type: 'image', source: { type: 'base64', data: 'A'.repeat(100_000) } }
    expect(estimatePromptTokens({ messages: [{ role: 'user', content: [image] }] })).toBeLessThan(2000)
    const thought = { type: 'thinking', thinking: '', signature: 'A'.repeat(100_000) }
    expect(estimatePromptTokens({ messages: [{ role: 'assistant', content: [thought] }] })).toBeLessThan(100)
    expect(estimatePromptTokens({})).toBe(1)
  })
})
