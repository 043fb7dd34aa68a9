import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { raw } from '../test/raw-client.ts'
import { type SimulatedServer, startClaude, startOllama, startOpenAi } from './index.ts'

type Json = { readonly [key: string]: unknown }
let servers: Record<'openai' | 'deepseek' | 'ollama' | 'claude', SimulatedServer>
beforeAll(async () => {
  servers = {
    openai: await startOpenAi(),
    deepseek: await startOpenAi({ rules: 'deepseek' }),
    ollama: await startOllama(),
    claude: await startClaude({ checkRules: true }),
  }
})
afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server.close()))
})

/** What a server says to a request: `taken`, or the message of its refusal. */
async function verdict(name: keyof typeof servers, more: Json): Promise<string> {
  const model = {
    openai: 'gpt-5.5',
    deepseek: 'deepseek-v4-pro',
    ollama: 'llama3.2',
    claude: 'claude-haiku-4-5',
  }[name]
  const path = name === 'claude' ? '/v1/messages' : '/v1/chat/completions'
  const headers = { authorization: 'Bearer k', 'anthropic-version': '2023-06-01' }
  const body = { model, messages: [hi], ...(name === 'claude' && { max_tokens: 99 }), ...more }
  const { status, text } = await raw(servers[name].url + path, { headers, body })
  if (status === 200) return 'taken'
  expect(status).toBe(400)
  return JSON.parse(text).error.message
}

const hi = { role: 'user', content: 'hi' }
const call = (id: string): Json => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
const calls = (...ids: string[]): Json => ({ role: 'assistant', content: '', tool_calls: ids.map(call) })
const result = (id: string): Json => ({ role: 'tool', tool_call_id: id, content: 'r' })
const schema = { type: 'object', properties: { a: { type: 'string' } } }
const tools = [{ type: 'function', function: { name: 'f', parameters: schema } }]
const format = (strict: boolean): Json => ({
  response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict } },
})
const image = (url: string): Json => ({
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
})

describe.each<[keyof typeof servers, [string, Json, string][]]>([
  [
    'openai',
    [
      [
        'the newest words',
        { max_completion_tokens: 9, messages: [{ role: 'developer', content: 'x' }, hi] },
        'taken',
      ],
      ['an unknown field', { top_k: 1 }, "Unknown parameter: 'top_k'"],
      ['the older limit', { max_tokens: 9 }, "Use 'max_completion_tokens' instead"],
      ['a temperature', { temperature: 0.2 }, 'Only the default (1) value'],
      [
        'a call without its result',
        { messages: [hi, calls('a', 'b'), result('a'), hi] },
        'did not have response messages: b',
      ],
      [
        'a result without its call',
        { messages: [hi, result('a')] },
        'must be a response to a preceeding message',
      ],
      ['a tool loop', { messages: [hi, calls('a', 'b'), result('b'), result('a')] }, 'taken'],
      ['a long id', { messages: [hi, calls('x'.repeat(41)), result('x'.repeat(41))] }, 'string too long'],
      [
        'reasoning',
        { messages: [hi, { role: 'assistant', content: 'a', reasoning_content: 'b' }] },
        "Unknown parameter: 'messages[1].reasoning_content'",
      ],
      ['a loose schema', format(false), 'taken'],
      ['a loose schema as a strict one', format(true), "'additionalProperties' is required"],
      ['a choice without tools', { tool_choice: 'auto' }, "only allowed when 'tools' are specified"],
      [
        'options of no stream',
        { stream_options: { include_usage: true } },
        "only allowed when 'stream' is enabled",
      ],
      ['a drawing', image('data:image/svg+xml;base64,aa'), 'unsupported image'],
    ],
  ],
  [
    'deepseek',
    [
      ['the older words', { max_tokens: 9, messages: [{ role: 'system', content: 'x' }, hi] }, 'taken'],
      [
        'the newest role',
        { messages: [{ role: 'developer', content: 'x' }, hi] },
        'unknown variant `developer`',
      ],
      ['the newest limit', { max_completion_tokens: 9 }, 'unknown field `max_completion_tokens`'],
      ['a schema', format(false), 'This response_format type is unavailable now'],
      ['an image', image('https://a.test/x.png'), 'unknown variant `image_url`'],
      ['a loop without thinking', { messages: [hi, calls('a'), result('a')] }, 'must be passed back'],
      [
        'a tool that must be called',
        { tools, tool_choice: 'required' },
        'Thinking mode does not support this tool_choice',
      ],
      ['one without thinking', { tools, tool_choice: 'required', thinking: { type: 'disabled' } }, 'taken'],
    ],
  ],
  [
    'ollama',
    [
      ['an image by URL', image('https://a.test/x.png'), 'invalid image input'],
      ['an image as data', image('data:image/png;base64,aa'), 'taken'],
      ['what it does not know', { foo: 1, tool_choice: 'required' }, 'taken'],
    ],
  ],
  [
    'claude',
    [
      ['an unknown field', { foo: 1 }, 'foo: Extra inputs are not permitted'],
      [
        'a result without its call',
        { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'r' }] }] },
        'unexpected `tool_use_id`',
      ],
      [
        'a call without its result',
        {
          messages: [
            hi,
            { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] },
            hi,
          ],
        },
        '`tool_use` ids were found without',
      ],
      [
        'a text before the result',
        {
          messages: [
            hi,
            { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] },
            {
              role: 'user',
              content: [
                { type: 'text', text: 'x' },
                { type: 'tool_result', tool_use_id: 'a', content: 'r' },
              ],
            },
          ],
        },
        '`tool_use` ids were found without',
      ],
      [
        'an empty turn',
        { messages: [hi, { role: 'assistant', content: [] }, hi] },
        'must have non-empty content',
      ],
      [
        'an end in white space',
        { messages: [hi, { role: 'assistant', content: 'It is ' }] },
        'trailing whitespace',
      ],
      ['both ways to sample', { temperature: 0.5, top_p: 0.5 }, 'cannot both be specified'],
      [
        'a keyword that it cannot keep to',
        {
          output_config: {
            format: {
              type: 'json_schema',
              schema: {
                type: 'object',
                additionalProperties: false,
                properties: { a: { type: 'integer', minimum: 1 } },
              },
            },
          },
        },
        "For 'integer' type, properties minimum are not supported",
      ],
      [
        'instructions between turns, as Sonnet 5',
        { model: 'claude-sonnet-5', messages: [hi, { role: 'system', content: 'x' }] },
        "role 'system' is not supported",
      ],
      [
        'a budget within a loop that began without thinking',
        {
          max_tokens: 3000,
          thinking: { type: 'enabled', budget_tokens: 1024 },
          messages: [
            hi,
            { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'r' }] },
          ],
        },
        'Expected `thinking`',
      ],
      [
        'a schema without a type',
        { tools: [{ name: 'f', input_schema: {} }] },
        'input_schema.type: Field required',
      ],
      [
        'a tool that is not there',
        { tools: [{ name: 'f', input_schema: schema }], tool_choice: { type: 'tool', name: 'g' } },
        "Tool 'g' not found",
      ],
    ],
  ],
])('the simulated %s says what it takes:', (name, cases) => {
  it.each(cases)('%s', async (_, body, said) => {
    expect(await verdict(name, body)).toContain(said)
  })
})
