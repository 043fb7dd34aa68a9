import { type SimulatedServer, startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

const strict = { checkRules: true, checkThinking: true }

async function claudeWith(more: object = {}): Promise<{ claude: SimulatedServer; url: string }> {
  const claude = forThisTest(await startClaude(strict))
  return { claude, url: (await gatewayOf(configOf(targetAt(claude, 'anthropic', more)))).url }
}

const hi = { role: 'user', content: 'a' }
const parameters = { type: 'object', properties: { x: { type: 'string' } } }
const tools = [{ type: 'function', function: { name: 'f', description: 'd', parameters } }]
const schema = {
  type: 'object',
  properties: { a: { type: 'string' }, b: { type: 'object', properties: { c: { type: 'number' } } } },
  required: ['a'],
}
const limited = {
  type: 'object',
  properties: {
    minimum: { type: 'integer', minimum: 1, maximum: 9, description: 'A level.' },
    names: {
      type: 'array',
      minItems: 2,
      maxItems: 3,
      items: { type: 'string', maxLength: 5, format: 'phone' },
    },
    kind: { oneOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] },
  },
  required: ['minimum', 'names', 'kind'],
  additionalProperties: false,
}
const toolCalls = (...ids: string[]): object => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
})
const toolResult = (id: string): object => ({ role: 'tool', tool_call_id: id, content: 'r' })
const image = (type: string): object => ({
  type: 'image_url',
  image_url: { url: `data:${type};base64,/9j/4AAQ` },
})

describe('Claude takes what callers of chat completions may ask', () => {
  it.each<[string, object, string | undefined]>([
    [
      'nothing but instructions',
      { messages: [{ role: 'system', content: 'Write a haiku.' }] },
      'system_messages',
    ],
    [
      'instructions behind an answer',
      {
        model: 'claude-opus-5-5',
        messages: [hi, { role: 'assistant', content: 'b' }, { role: 'system', content: 'be brief' }, hi],
      },
      undefined,
    ],
    [
      'an effort and a temperature',
      { model: 'claude-haiku-4-5', reasoning_effort: 'low', temperature: 0, max_tokens: 8000 },
      'temperature',
    ],
    [
      'an effort and a tool that must be called',
      { model: 'claude-opus-4-6', reasoning_effort: 'high', tool_choice: 'required', tools },
      'effort',
    ],
    [
      'a tool that must be called',
      { model: 'claude-opus-5-5', tool_choice: 'required', tools },
      'tool_choice',
    ],
    [
      'a tool that must be called, without a type',
      { tool_choice: { function: { name: 'f' } }, tools },
      'tool_choice',
    ],
    [
      'a schema with open objects',
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } },
      undefined,
    ],
    [
      'a schema with limits',
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: limited } } },
      'structured_output',
    ],
    [
      'a strict tool with limits',
      { tools: [{ type: 'function', function: { name: 'f', parameters: limited, strict: true } }] },
      'structured_output',
    ],
    ['a result whose call is cut off', { messages: [toolResult('a'), hi] }, 'tool_results'],
    [
      'a call without its result',
      { messages: [hi, toolCalls('a', 'b'), toolResult('b'), hi], tools },
      'tool_results',
    ],
    [
      'calls that an answer follows',
      { messages: [hi, toolCalls('a'), { role: 'assistant', content: 'x' }, hi] },
      'tool_results',
    ],
    ['calls at the end', { messages: [hi, toolCalls('a', 'b')] }, 'tool_results'],
    [
      'a result that comes twice',
      { messages: [hi, toolCalls('a'), toolResult('a'), toolResult('a')] },
      'tool_results',
    ],
    ['an image/jpg', { messages: [{ role: 'user', content: [image('image/jpg')] }] }, undefined],
    ['an IMAGE/PNG', { messages: [{ role: 'user', content: [image('IMAGE/PNG')] }] }, undefined],
    ['a drawing', { messages: [{ role: 'user', content: [image('image/svg+xml')] }] }, 'images'],
    ['a PDF as an image', { messages: [{ role: 'user', content: [image('application/pdf')] }] }, undefined],
    [
      'turns of white space',
      { messages: [hi, { role: 'assistant', content: ' \n' }, { role: 'user', content: '\t' }, hi] },
      undefined,
    ],
    ['the beginning of the answer', { messages: [hi, { role: 'assistant', content: 'It is ' }] }, 'prefill'],
    [
      'its end in white space',
      { model: 'claude-haiku-4-5', messages: [hi, { role: 'assistant', content: 'It is ' }] },
      undefined,
    ],
    ['no thinking', { model: 'claude-fable-5-1', reasoning_effort: 'none' }, 'effort'],
  ])('%s', async (_, asked, lost) => {
    const { url } = await claudeWith()
    const body = chat({ model: 'claude-sonnet-5-5', messages: [hi], ...asked })
    const { status, text, headers } = await send(`${url}/v1/chat/completions`, { body })
    expect([status, text]).toEqual([200, expect.stringContaining('chat.completion')])
    expect(headers['x-spillway-degraded']).toBe(lost)
  })
})

describe('a Claude that another one’s calls go to takes them', () => {
  const thinking = { type: 'enabled', budget_tokens: 80_000 }
  it.each<[string, object, string]>([
    ['claude-haiku-4-5', { max_tokens: 100_000, thinking }, 'max_tokens, thinking'],
    [
      'claude-haiku-4-5',
      { output_config: { effort: 'high' }, thinking: { type: 'adaptive' } },
      'effort, thinking',
    ],
    ['claude-fable-5-1', { max_tokens: 100_000, thinking }, 'thinking'],
    [
      'claude-opus-5-5',
      { tool_choice: { type: 'any' }, tools: [{ name: 'f', input_schema: parameters }] },
      'tool_choice',
    ],
    [
      'claude-opus-4-6',
      {
        tool_choice: { type: 'any' },
        tools: [{ name: 'f', input_schema: parameters }],
        thinking: { type: 'adaptive' },
      },
      'thinking',
    ],
  ])('%s: %o', async (model, asked, lost) => {
    const { url } = await claudeWith({ model })
    const { status, text, headers } = await send(`${url}/v1/messages`, {
      body: messages({ model: 'any', ...asked }),
    })
    expect([status, text]).toEqual([200, expect.stringContaining('"type":"message"')])
    expect(headers['x-spillway-degraded']).toBe(lost)
  })
})
