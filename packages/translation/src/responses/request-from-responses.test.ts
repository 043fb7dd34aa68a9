import type { JsonObject } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { requestToAnthropic } from '../protocols/request-to-anthropic.ts'
import { withCacheBreakpoints } from './cache-breakpoints.ts'
import { joinedMessages } from './joined-messages.ts'
import { chatOfResponses } from './request-from-responses.ts'

function chatOf(body: JsonObject) {
  const chat = chatOfResponses({ model: 'claude-opus-5', ...body })
  if ('refused' in chat) throw new Error(chat.refused)
  return chat
}

const look = {
  type: 'function',
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object' },
  strict: true,
}

describe('a request of the Responses API', () => {
  it('is a chat with its settings by their names there', () => {
    const body = {
      instructions: 'Be brief.',
      input: 'Hello',
      max_output_tokens: 100,
      reasoning: { effort: 'high', summary: 'auto' },
      text: {
        format: { type: 'json_schema', name: 'point', schema: { type: 'object' }, strict: true },
        verbosity: 'low',
      },
      parallel_tool_calls: false,
      tools: [look],
      tool_choice: { type: 'function', name: 'look' },
      stream: true,
      store: false,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: 'a',
    }
    expect(chatOf(body)).toMatchObject({
      degraded: [],
      body: {
        model: 'claude-opus-5',
        messages: [
          { role: 'developer', content: 'Be brief.' },
          { role: 'user', content: 'Hello' },
        ],
        max_completion_tokens: 100,
        reasoning_effort: 'high',
        verbosity: 'low',
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'point', schema: { type: 'object' }, strict: true },
        },
        tools: [
          {
            type: 'function',
            function: { name: 'look', description: 'Looks.', parameters: { type: 'object' }, strict: true },
          },
        ],
        tool_choice: { type: 'function', function: { name: 'look' } },
        parallel_tool_calls: false,
        stream: true,
        stream_options: { include_usage: true },
      },
    })
  })

  it.each<[string, JsonObject, JsonObject]>([
    ['a text', { role: 'user', content: 'Hi' }, { role: 'user', content: 'Hi' }],
    [
      'parts',
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'See' },
          { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0K', detail: 'low' },
          { type: 'input_file', filename: 'a.pdf', file_data: 'JVBERi0=' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0K', detail: 'low' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
        ],
      },
    ],
    [
      'an answer',
      { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'Yes' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Yes' }] },
    ],
    [
      'a call',
      { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'look', arguments: '{"n":1.0}' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"n":1.0}' } }],
      },
    ],
    [
      'a call within a namespace',
      { type: 'function_call', call_id: 'call_1', name: 'open', namespace: 'mcp__gate', arguments: '{}' },
      { role: 'assistant', tool_calls: [{ function: { name: 'mcp__gate__open' } }] },
    ],
    [
      'a call of a custom tool',
      { type: 'custom_tool_call', call_id: 'call_1', name: 'patch', input: 'a "b"' },
      {
        role: 'assistant',
        tool_calls: [{ function: { name: 'patch', arguments: '{"input":"a \\"b\\""}' } }],
      },
    ],
    [
      'a patch',
      {
        type: 'apply_patch_call',
        call_id: 'call_1',
        operation: { type: 'delete_file', path: 'a' },
        status: 'completed',
      },
      { tool_calls: [{ function: { name: 'apply_patch', arguments: '{"type":"delete_file","path":"a"}' } }] },
    ],
    [
      'what a patch came to',
      { type: 'apply_patch_call_output', call_id: 'call_1', status: 'failed', output: 'no such file' },
      { role: 'tool', tool_call_id: 'call_1', content: 'failed\nno such file' },
    ],
    [
      'what a shell said',
      {
        type: 'shell_call_output',
        call_id: 'call_1',
        output: [{ stdout: 'a\n', stderr: '', outcome: { type: 'exit', exit_code: 1 } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'a\n\n[exit code 1]' },
    ],
    [
      'a result with an image',
      {
        type: 'function_call_output',
        call_id: 'call_1',
        output: [{ type: 'input_image', image_url: 'https://a/b.png' }],
      },
      { role: 'tool', content: [{ type: 'image_url', image_url: { url: 'https://a/b.png' } }] },
    ],
  ])('has in its input %s', (_, item, message) => {
    const { body, degraded } = chatOf({ input: [item] })
    expect(body.messages).toMatchObject([message])
    expect(degraded).toEqual([])
  })

  it.each<[string, JsonObject]>([
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['store', { store: true }],
    ['background', { background: true }],
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    [
      'input[1]',
      {
        input: [
          { role: 'user', content: 'a' },
          { type: 'item_reference', id: 'msg_1' },
        ],
      },
    ],
    ['input[0]', { input: [{ id: 'rs_1' }] }],
  ])('is refused where it needs a store: %s', (name, body) => {
    const refused = chatOfResponses({ model: 'm', input: 'a', ...body })
    expect(refused).toMatchObject({ refused: expect.stringMatching(/set "store": false|leave it out/) })
    expect((refused as { refused: string }).refused.startsWith(`${name}:`)).toBe(true)
  })

  it('names what it loses', () => {
    const { degraded } = chatOf({
      input: [{ type: 'web_search_call', id: 'ws_1', status: 'completed' }],
      tools: [{ type: 'web_search' }, look],
      tool_choice: { type: 'web_search' },
      top_logprobs: 2,
      max_tool_calls: 1,
    })
    expect(degraded).toEqual(['logprobs', 'server_tools', 'tool_choice', 'unknown_fields'])
  })

  it('lets only tools be called that it allows', () => {
    const tools = [look, { ...look, name: 'go' }]
    const tool_choice = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'go' }] }
    const { body } = chatOf({ input: 'a', tools, tool_choice })
    expect(body).toMatchObject({ tools: [{ function: { name: 'go' } }], tool_choice: 'required' })
  })

  it('is one message of the assistant for each answer at servers of chat completions', () => {
    const { body } = chatOf({
      input: [
        { role: 'user', content: 'a' },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }] },
        { role: 'assistant', content: 'I look' },
        { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
        { type: 'function_call', call_id: 'call_2', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: '1' },
        { type: 'function_call_output', call_id: 'call_2', output: '2' },
      ],
    })
    expect(joinedMessages(body.messages as JsonObject[])).toMatchObject([
      { role: 'user' },
      { content: 'I look', reasoning_content: 'Hm', tool_calls: [{ id: 'call_1' }, { id: 'call_2' }] },
      { role: 'tool', tool_call_id: 'call_1' },
      { role: 'tool', tool_call_id: 'call_2' },
    ])
  })

  it('gives Claude nothing that another vendor has encrypted', () => {
    const { body } = chatOf({
      input: [
        { role: 'user', content: 'a' },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAAABo' },
        { role: 'assistant', content: 'b' },
        { role: 'user', content: 'c' },
      ],
    })
    const claude = requestToAnthropic(body)
    expect(claude.body.messages).toEqual([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ])
    expect(claude.degraded).toEqual(['thinking'])
  })
})

describe('prompt caching of a caller whose vendor caches unasked', () => {
  const turns = (count: number): JsonObject => ({
    instructions: 'You are an agent.',
    tools: [look],
    input: Array.from({ length: count }, (_, k) => [
      { role: 'user', content: `turn ${k}` },
      ...(k + 1 < count ? [{ role: 'assistant', content: `answer ${k}` }] : []),
    ]).flat(),
  })
  const marked = (count: number): JsonObject =>
    withCacheBreakpoints(requestToAnthropic(chatOf(turns(count)).body).body)

  it('finds in each turn what the turn before has written', () => {
    for (let count = 2; count <= 10; count++) {
      const before = pathsOfMarks(marked(count - 1))
      const now = pathsOfMarks(marked(count))
      expect(now.length).toBeLessThanOrEqual(4)
      expect(now).toContain(before.at(-1))
    }
  })

  it('is left to callers who mark it themselves, and to single questions', () => {
    const own = {
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'a', cache_control: {} }] }],
      tools: [{}],
    }
    expect(withCacheBreakpoints(own)).toBe(own)
    const single = { model: 'm', messages: [{ role: 'user', content: 'a' }] }
    expect(withCacheBreakpoints(single)).toBe(single)
  })
})

/** Where the marks of a request are. */
function pathsOfMarks(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'cache_control' ? [path] : pathsOfMarks(inner, `${path}/${name}`),
  )
}
