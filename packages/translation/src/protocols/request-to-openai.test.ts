import type { JsonObject } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import type { ChatDialectName } from './dialect.ts'
import { requestToOpenAi } from './request-to-openai.ts'
import { spillwaySignature } from './spillway-signature.ts'

const base = { model: 'gpt-4o', max_tokens: 100 }
const hi = { role: 'user', content: 'Hi' }

function translated(body: JsonObject, dialect: ChatDialectName = 'openai'): JsonObject {
  return requestToOpenAi({ ...base, messages: [hi], ...body }, dialect).body
}

function lost(body: JsonObject, dialect: ChatDialectName = 'openai'): readonly string[] {
  return requestToOpenAi({ ...base, messages: [hi], ...body }, dialect).degraded
}

function messages(turns: unknown[], dialect: ChatDialectName = 'openai'): unknown {
  return translated({ messages: turns }, dialect).messages
}

const call = (id: string, input: unknown = { city: 'Rome' }): JsonObject => ({
  type: 'tool_use',
  id,
  name: 'weather',
  input,
})
const tools = [{ name: 'weather', description: 'Tells', input_schema: { type: 'object', properties: {} } }]
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }

describe('the system prompt', () => {
  it('comes first, its blocks joined in their order', () => {
    const system = [
      { type: 'text', text: 'One' },
      { type: 'text', text: 'Two' },
    ]
    expect(translated({ system }).messages).toEqual([
      { role: 'developer', content: 'One\nTwo' },
      { role: 'user', content: 'Hi' },
    ])
    expect(translated({ system: 'One' }, 'local').messages).toContainEqual({ role: 'system', content: 'One' })
  })

  it('loses the attribution block of Claude Code, as it does at Anthropic', () => {
    const system = [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1; cch=1;' },
      { type: 'text', text: 'You are' },
    ]
    expect(translated({ system }).messages).toContainEqual({ role: 'developer', content: 'You are' })
    expect(lost({ system })).toEqual([])
  })

  it('may come again in the middle, as instructions or as the words of the user', () => {
    const turns = [hi, { role: 'system', content: 'Be brief' }]
    expect(messages(turns)).toContainEqual({ role: 'developer', content: 'Be brief' })
    expect(messages(turns, 'local')).toContainEqual({ role: 'user', content: 'Be brief' })
    expect(lost({ messages: turns }, 'local')).toEqual(['system_messages'])
  })
})

describe('a user turn', () => {
  it('is a string where it is text alone, of any number of blocks', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'text', text: '' },
      { type: 'text', text: 'b' },
    ]
    expect(messages([{ role: 'user', content }])).toEqual([{ role: 'user', content: 'a\nb' }])
  })

  it('keeps its images, as data and by URL', () => {
    const byUrl = { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } }
    const turns = [{ role: 'user', content: [image, byUrl, { type: 'text', text: 'What?' }] }]
    expect(messages(turns)).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
          { type: 'text', text: 'What?' },
        ],
      },
    ])
    expect(lost({ messages: turns })).toEqual([])
  })

  it('names images that cannot be passed on: files anywhere, URLs at local servers', () => {
    const byFile = { type: 'image', source: { type: 'file', file_id: 'file_1' } }
    const byUrl = { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } }
    expect(lost({ messages: [{ role: 'user', content: [byFile] }] })).toEqual(['images'])
    expect(lost({ messages: [{ role: 'user', content: [byUrl] }] }, 'ollama')).toEqual(['images'])
    expect(JSON.stringify(messages([{ role: 'user', content: [byUrl] }], 'ollama'))).toContain('an image')
  })

  it('keeps documents as files, as text, or as a note', () => {
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' } }
    const plain = { type: 'document', title: 'T', source: { type: 'text', data: 'words' } }
    expect(messages([{ role: 'user', content: [pdf, plain] }])).toEqual([
      {
        role: 'user',
        content: [
          {
            type: 'file',
            file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,JVBE' },
          },
          { type: 'text', text: 'T\nwords' },
        ],
      },
    ])
    expect(lost({ messages: [{ role: 'user', content: [pdf] }] }, 'local')).toEqual(['documents'])
  })
})

describe('tool calls and results', () => {
  it('turn into calls with text arguments; no input is an empty object, no text is null', () => {
    expect(messages([hi, { role: 'assistant', content: [call('toolu_1'), call('toolu_2', null)] }])).toEqual([
      hi,
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'toolu_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
          { id: 'toolu_2', type: 'function', function: { name: 'weather', arguments: '{}' } },
        ],
      },
    ])
  })

  it('have an empty text for servers that refuse null', () => {
    const [, answer] = messages(
      [hi, { role: 'assistant', content: [call('toolu_1')] }],
      'local',
    ) as JsonObject[]
    expect(answer?.content).toBe('')
  })

  it('come directly behind their calls, before anything else that the user says', () => {
    const turns = [
      hi,
      { role: 'assistant', content: [{ type: 'text', text: 'I look' }, call('toolu_1'), call('toolu_2')] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'and hurry' },
          { type: 'tool_result', tool_use_id: 'toolu_1', content: 'sun' },
          {
            type: 'tool_result',
            tool_use_id: 'toolu_2',
            content: [{ type: 'text', text: 'rain' }],
            is_error: true,
          },
        ],
      },
    ]
    expect((messages(turns) as JsonObject[]).slice(2)).toEqual([
      { role: 'tool', tool_call_id: 'toolu_1', content: 'sun' },
      { role: 'tool', tool_call_id: 'toolu_2', content: 'Error: rain' },
      { role: 'user', content: 'and hurry' },
    ])
  })

  it('are joined where the results of one turn come in two messages', () => {
    const result = (id: string): JsonObject => ({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: id, content: 'ok' }],
    })
    const turns = [
      hi,
      { role: 'assistant', content: [call('toolu_1')] },
      { role: 'assistant', content: [call('toolu_2')] },
      result('toolu_1'),
      result('toolu_2'),
    ]
    const roles = (messages(turns) as JsonObject[]).map(({ role }) => role)
    expect(roles).toEqual(['user', 'assistant', 'tool', 'tool'])
  })

  it('move their images into a message of the user behind them', () => {
    const content = [{ type: 'text', text: 'shot' }, image]
    const turns = [
      hi,
      { role: 'assistant', content: [call('toolu_1')] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content }] },
    ]
    expect((messages(turns) as JsonObject[]).slice(2)).toEqual([
      { role: 'tool', tool_call_id: 'toolu_1', content: 'shot\n[see the next message]' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'From the result of tool call toolu_1:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
    ])
  })

  it('keep their ids in step where a server limits them', () => {
    const long = `toolu_${'x'.repeat(60)}`
    const turns = [
      hi,
      { role: 'assistant', content: [call(long), call(`${long}y`)] },
      { role: 'user', content: [long, `${long}y`].map((id) => ({ type: 'tool_result', tool_use_id: id })) },
    ]
    const [, answer, first, second] = messages(turns) as JsonObject[]
    const ids = ((answer?.tool_calls ?? []) as JsonObject[]).map(({ id }) => String(id))
    expect(ids).toEqual([first?.tool_call_id, second?.tool_call_id])
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,40}$/)
  })
})

describe('tools', () => {
  it('become functions; a schema without properties gets some', () => {
    expect(translated({ tools: [{ name: 'now', input_schema: { type: 'object' } }] }).tools).toEqual([
      { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } },
    ])
  })

  it('that run at Anthropic are dropped and named', () => {
    const server = { type: 'web_search_20250305', name: 'web_search' }
    expect(lost({ tools: [server] })).toEqual(['server_tools'])
    expect(translated({ tools: [server] })).not.toHaveProperty('tools')
    expect((translated({ tools: [...tools, server] }).tools as unknown[]).length).toBe(1)
  })

  it('with a name that is too long get a shorter one, and are called by theirs again', () => {
    const name = `mcp__server__${'n'.repeat(70)}`
    const { body, toolNames } = requestToOpenAi({ ...base, messages: [hi], tools: [{ name }] })
    const [tool] = body.tools as { function: { name: string } }[]
    expect(tool?.function.name).toHaveLength(64)
    expect(toolNames.get(tool?.function.name ?? '')).toBe(name)
  })

  it.each([
    [{ type: 'auto' }, 'auto'],
    [{ type: 'any' }, 'required'],
    [{ type: 'none' }, 'none'],
    [
      { type: 'tool', name: 'weather' },
      { type: 'function', function: { name: 'weather' } },
    ],
  ])('are chosen: %o', (tool_choice, expected) => {
    expect(translated({ tools, tool_choice }).tool_choice).toEqual(expected)
    expect(lost({ tools, tool_choice })).toEqual([])
  })

  it('cannot be forced at Ollama, nor called one by one', () => {
    const tool_choice = { type: 'any', disable_parallel_tool_use: true }
    expect(translated({ tools, tool_choice })).toMatchObject({ parallel_tool_calls: false })
    expect(lost({ tools, tool_choice }, 'ollama')).toEqual(['parallel_tool_calls', 'tool_choice'])
    expect(translated({ tools, tool_choice }, 'ollama')).not.toHaveProperty('tool_choice')
  })

  it('that are chosen and not there are not demanded', () => {
    expect(lost({ tools, tool_choice: { type: 'tool', name: 'web_search' } })).toEqual(['tool_choice'])
  })
})

describe('thinking', () => {
  const thought = { type: 'thinking', thinking: 'Hm', signature: 'EqQB' }

  it('of another model stays behind', () => {
    const turns = [hi, { role: 'assistant', content: [thought, { type: 'text', text: 'Yes' }] }, hi]
    expect(messages(turns)).toEqual([hi, { role: 'assistant', content: 'Yes' }, hi])
    expect(lost({ messages: turns })).toEqual(['thinking'])
  })

  it('leaves no empty message behind', () => {
    const turns = [hi, { role: 'assistant', content: [thought] }, hi]
    expect(messages(turns)).toEqual([hi, hi])
  })

  it('of OpenRouter goes back in its own form', () => {
    const details = [{ type: 'reasoning.text', text: 'Hm', signature: 's', index: 0 }]
    const own = { type: 'thinking', thinking: 'Hm', signature: spillwaySignature(details) }
    const turns = [hi, { role: 'assistant', content: [own, { type: 'text', text: 'Yes' }] }]
    expect(messages(turns, 'openrouter')).toContainEqual({
      role: 'assistant',
      content: 'Yes',
      reasoning_details: details,
    })
    expect(lost({ messages: turns }, 'openrouter')).toEqual([])
  })

  it.each<[JsonObject, ChatDialectName, JsonObject, string[]]>([
    [{ output_config: { effort: 'high' } }, 'openai', { reasoning_effort: 'high' }, []],
    [{ output_config: { effort: 'max' } }, 'openai', { reasoning_effort: 'xhigh' }, ['effort']],
    [
      { thinking: { type: 'enabled', budget_tokens: 20_000 } },
      'openai',
      { reasoning_effort: 'high' },
      ['thinking'],
    ],
    [
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      'openrouter',
      { reasoning: { max_tokens: 2048 } },
      [],
    ],
    [{ thinking: { type: 'disabled' } }, 'openrouter', { reasoning: { enabled: false } }, []],
    [{ output_config: { effort: 'low' } }, 'openrouter', { reasoning: { effort: 'low' } }, []],
    [{ thinking: { type: 'adaptive' } }, 'local', {}, ['thinking']],
  ])('is asked for in the words of the server: %o at %s', (fields, dialect, expected, losses) => {
    const body = { ...fields, model: 'gpt-5' }
    expect(translated(body, dialect)).toMatchObject(expected)
    expect(lost(body, dialect)).toEqual(losses)
  })

  it.each(['o3', 'gpt-6-astra', 'openai/gpt-6.1-sol', 'gpt-oss-20b'])('is asked for of %s', (model) => {
    expect(translated({ output_config: { effort: 'high' }, model })).toMatchObject({
      reasoning_effort: 'high',
    })
  })

  it('is not asked for where the model has none', () => {
    expect(translated({ output_config: { effort: 'high' } })).not.toHaveProperty('reasoning_effort')
    expect(lost({ output_config: { effort: 'high' } })).toEqual(['effort'])
  })
})

describe('other fields', () => {
  it('put the limit where the server looks for it', () => {
    expect(translated({})).toMatchObject({ max_completion_tokens: 100 })
    expect(translated({}, 'local')).toMatchObject({ max_tokens: 100 })
    expect(translated({ max_tokens: 0 })).toMatchObject({ max_completion_tokens: 1 })
    expect(lost({ max_tokens: 0 })).toEqual(['max_tokens'])
  })

  it('ask for usage in streams', () => {
    expect(translated({ stream: true })).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    })
    expect(translated({})).not.toHaveProperty('stream')
  })

  it('stop at four sequences at most where the server takes no more', () => {
    const stop_sequences = ['a', 'b', 'c', 'd', 'e']
    expect(translated({ stop_sequences }).stop).toEqual(['a', 'b', 'c', 'd'])
    expect(lost({ stop_sequences })).toEqual(['stop_sequences'])
    expect(translated({ stop_sequences }, 'local').stop).toEqual(stop_sequences)
  })

  it('keep sampling parameters, unless the model takes none', () => {
    expect(translated({ temperature: 0.2, top_p: 0.9 })).toMatchObject({ temperature: 0.2, top_p: 0.9 })
    expect(lost({ temperature: 0.2, model: 'gpt-5' })).toEqual(['temperature'])
    expect(lost({ top_k: 5 })).toEqual(['top_k'])
    expect(translated({ top_k: 5 }, 'openrouter')).toMatchObject({ top_k: 5 })
  })

  it('name the user, within the length that is taken', () => {
    expect(translated({ metadata: { user_id: 'u1' } })).toMatchObject({ safety_identifier: 'u1' })
    const { safety_identifier } = translated({ metadata: { user_id: 'u'.repeat(200) } })
    expect(safety_identifier).toHaveLength(64)
    expect(lost({ metadata: { user_id: 'u1' } }, 'local')).toEqual(['metadata'])
  })

  it('keep hints for the cache where they are understood', () => {
    const system = [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }]
    expect(lost({ system })).toEqual(['cache_control'])
    expect(translated({ system }, 'openrouter').messages).toContainEqual({ role: 'system', content: system })
    expect(JSON.stringify(translated({ system }, 'local'))).not.toContain('cache_control')
  })

  it('keep the form of the answer', () => {
    const schema = { type: 'object', properties: {}, additionalProperties: false }
    expect(translated({ output_config: { format: { type: 'json_schema', schema } } })).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { schema, strict: true } },
    })
  })

  it.each<[string, JsonObject]>([
    [
      'a property that may be missing',
      { properties: { a: {}, b: {} }, required: ['a'], additionalProperties: false },
    ],
    ['an open object', { properties: { a: {} }, required: ['a'] }],
    [
      'one further inside',
      {
        properties: { a: { anyOf: [{ type: 'null' }, { type: 'array', items: { type: 'object' } }] } },
        required: ['a'],
        additionalProperties: false,
      },
    ],
  ])('keep a schema with %s, without the guarantee that OpenAI gives for none', (_, rest) => {
    const schema = { type: 'object', ...rest }
    const format = { output_config: { format: { type: 'json_schema', schema } } }
    expect(translated(format).response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema },
    })
    expect(lost(format)).toEqual(['structured_output'])
    const tools = [{ name: 'f', input_schema: schema, strict: true }]
    expect(JSON.stringify(translated({ tools }).tools)).not.toContain('strict')
    expect(lost({ tools })).toEqual(['structured_output'])
  })

  it('that nobody knows here are dropped, and that is said', () => {
    expect(lost({ fallbacks: 'default', container: 'c' })).toEqual(['unknown_fields'])
  })

  it('say that a beginning of the answer is not gone on from', () => {
    const turns = [hi, { role: 'assistant', content: '{' }]
    expect(lost({ messages: turns })).toEqual(['prefill'])
    expect(lost({ messages: turns }, 'local')).toEqual([])
  })

  it('leave the given body as it is', () => {
    const body = Object.freeze({ ...base, messages: Object.freeze([Object.freeze(hi)]) })
    expect(() => requestToOpenAi(body)).not.toThrow()
  })
})

it.each<[string, object, object, string[]]>([
  ['without a word of thinking', {}, { tool_choice: 'required', thinking: { type: 'disabled' } }, []],
  ['with thinking', { thinking: { type: 'adaptive' } }, { tool_choice: 'auto' }, ['tool_choice']],
  ['with an effort', { output_config: { effort: 'high' } }, { tool_choice: 'auto' }, ['tool_choice']],
])('a call that is demanded excludes the thinking of DeepSeek: %s', (_, asked, expected, lost) => {
  const tools = [{ name: 'f', input_schema: { type: 'object' } }]
  const question = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'a' }], tools }
  const { body, degraded } = requestToOpenAi(
    { ...question, tool_choice: { type: 'any' }, ...asked },
    'deepseek',
  )
  expect(body).toMatchObject(expected)
  expect(degraded).toEqual(lost)
})
