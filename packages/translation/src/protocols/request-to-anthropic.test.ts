import type { JsonObject } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerToOpenAi } from './answer-to-openai.ts'
import { requestToAnthropic } from './request-to-anthropic.ts'
import { requestToOpenAi } from './request-to-openai.ts'

const hi = { role: 'user', content: 'Hi' }
const base = { model: 'claude-sonnet-5-5', messages: [hi] }

const translated = (body: JsonObject): JsonObject => requestToAnthropic({ ...base, ...body }).body
const lost = (body: JsonObject): readonly string[] => requestToAnthropic({ ...base, ...body }).degraded

const call = (id: string, args = '{"city":"Rome"}'): JsonObject => ({
  id,
  type: 'function',
  function: { name: 'weather', arguments: args },
})
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]

describe('messages', () => {
  it('at the beginning that instruct become the system prompt, later ones stay in their place', () => {
    const messages = [
      { role: 'system', content: 'One' },
      { role: 'developer', content: 'Two' },
      hi,
      { role: 'developer', content: 'Three' },
    ]
    const body = translated({ messages })
    expect(body.system).toEqual([
      { type: 'text', text: 'One' },
      { type: 'text', text: 'Two' },
    ])
    expect(body.messages).toEqual([hi, { role: 'system', content: 'Three' }])
    expect(lost({ messages, model: 'claude-3-5-haiku-latest' })).toEqual(['system_messages'])
  })

  it('with results become one user turn, directly behind the calls, with the user’s words at its end', () => {
    const messages = [
      hi,
      { role: 'assistant', content: 'I look', tool_calls: [call('call_aaa1'), call('call_aaa2')] },
      { role: 'tool', tool_call_id: 'call_aaa1', content: 'sun' },
      { role: 'tool', tool_call_id: 'call_aaa2', content: [{ type: 'text', text: 'rain' }] },
      { role: 'user', content: 'and?' },
    ]
    expect((translated({ messages }).messages as unknown[]).slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look' },
          { type: 'tool_use', id: 'call_aaa1', name: 'weather', input: { city: 'Rome' } },
          { type: 'tool_use', id: 'call_aaa2', name: 'weather', input: { city: 'Rome' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_aaa1', content: 'sun' },
          { type: 'tool_result', tool_use_id: 'call_aaa2', content: [{ type: 'text', text: 'rain' }] },
          { type: 'text', text: 'and?' },
        ],
      },
    ])
  })

  it('keep images as data and by URL', () => {
    const urls = ['data:image/png;base64,AAAA', 'https://x.test/a.png']
    const content = urls.map((url) => ({ type: 'image_url', image_url: { url } }))
    expect(translated({ messages: [{ role: 'user', content }] }).messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
        ],
      },
    ])
  })

  it('keep documents that are there, and name what is not', () => {
    const file = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' } }
    expect(JSON.stringify(translated({ messages: [{ role: 'user', content: [file] }] }))).toContain('JVBE')
    const byId = { type: 'file', file: { file_id: 'file-1' } }
    const audio = { type: 'input_audio', input_audio: {} }
    expect(lost({ messages: [{ role: 'user', content: [byId, audio] }] })).toEqual(['audio', 'documents'])
  })

  it('have no empty texts', () => {
    const messages = [
      hi,
      { role: 'assistant', content: '' },
      { role: 'user', content: [{ type: 'text', text: '' }] },
    ]
    expect(translated({ messages }).messages).toEqual([hi])
  })

  it('give empty arguments as an empty object, and broken ones as what they are', () => {
    const messages = [
      hi,
      {
        role: 'assistant',
        content: null,
        tool_calls: [call('call_aaa1', ''), call('call_aaa2', '{"city":')],
      },
      ...['call_aaa1', 'call_aaa2'].map((id) => ({ role: 'tool', tool_call_id: id, content: 'r' })),
    ]
    expect(JSON.stringify(translated({ messages }))).toContain('"input":{}},')
    expect(JSON.stringify(translated({ messages }))).toContain('"input":{"invalid_json":"{\\"city\\":"}')
    expect(lost({ messages })).toEqual(['tool_arguments'])
  })

  it('give each call an id of its own, of characters that are taken, in step with its result', () => {
    const messages = ['one', 'two'].flatMap((content) => [
      { role: 'user', content },
      { role: 'assistant', content: null, tool_calls: [call('functions.weather:0')] },
      { role: 'tool', tool_call_id: 'functions.weather:0', content },
    ])
    const turns = translated({ messages }).messages as { content: JsonObject[] | string }[]
    const blocks = turns.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    const calls = blocks.filter(({ type }) => type === 'tool_use').map(({ id }) => String(id))
    const results = blocks.filter(({ type }) => type === 'tool_result').map((block) => block.tool_use_id)
    expect(calls).toEqual(results)
    expect(new Set(calls).size).toBe(2)
    for (const id of calls) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/)
  })

  it('give thinking that Claude has signed back as it was, and first', () => {
    const thought = { type: 'thinking', thinking: 'Hm', signature: 'EqQB' }
    const hidden = { type: 'redacted_thinking', data: 'Emx' }
    const use = { type: 'tool_use', id: 'toolu_0001', name: 'weather', input: {} }
    const content = [thought, hidden, { type: 'text', text: 'I look' }, use]
    const { body } = answerToOpenAi({ id: 'msg_1', content, stop_reason: 'tool_use' })
    const [choice] = body.choices as { message: JsonObject }[]
    const result = { role: 'tool', tool_call_id: 'toolu_0001', content: 'r' }
    const turns = translated({ messages: [hi, choice?.message, result] }).messages as unknown[]
    expect(turns.slice(0, 2)).toEqual([hi, { role: 'assistant', content }])
    expect(turns).toHaveLength(3)
  })

  it('leave reasoning behind that nobody has signed', () => {
    const messages = [hi, { role: 'assistant', content: 'Yes', reasoning_content: 'Hm' }, hi]
    expect(translated({ messages }).messages).toEqual([hi, { role: 'assistant', content: 'Yes' }, hi])
    expect(lost({ messages })).toEqual(['thinking'])
  })
})

describe('fields', () => {
  it.each<[JsonObject, unknown]>([
    [{ max_completion_tokens: 7 }, 7],
    [{ max_tokens: 8 }, 8],
    [{}, 32_000],
    [{ model: 'llama3.2' }, 8192],
  ])('always set a limit: %o', (fields, expected) => {
    expect(translated(fields).max_tokens).toBe(expected)
  })

  it.each<[unknown, unknown, string[]]>([
    ['auto', { type: 'auto' }, []],
    ['none', { type: 'none' }, []],
    ['required', { type: 'any' }, []],
    [{ type: 'function', function: { name: 'weather' } }, { type: 'tool', name: 'weather' }, []],
    [{ type: 'allowed_tools' }, { type: 'auto' }, ['tool_choice']],
  ])('choose tools: %o', (tool_choice, expected, losses) => {
    const model = 'claude-opus-4-6'
    expect(translated({ model, tools, tool_choice }).tool_choice).toEqual(expected)
    expect(lost({ model, tools, tool_choice })).toEqual(losses)
  })

  it.each(['claude-opus-5-5', 'anthropic/claude-sonnet-5.5', 'claude-fable-5-1'])(
    'force no tool where the model refuses that: %s',
    (model) => {
      for (const tool_choice of [
        'required',
        { type: 'function', function: { name: 'weather' } },
        { function: {} },
      ]) {
        expect(translated({ model, tools, tool_choice }).tool_choice).toEqual({ type: 'auto' })
        expect(lost({ model, tools, tool_choice })).toEqual(['tool_choice'])
      }
    },
  )

  it('call tools one by one where that is asked for, and choose none where there are none', () => {
    expect(translated({ tools, parallel_tool_calls: false }).tool_choice).toEqual({
      type: 'auto',
      disable_parallel_tool_use: true,
    })
    expect(translated({ tool_choice: 'required' })).not.toHaveProperty('tool_choice')
  })

  it('leave sampling out for models and versions that refuse it', () => {
    expect(translated({ temperature: 0.3 })).not.toHaveProperty('temperature')
    expect(lost({ temperature: 0.3 })).toEqual(['temperature'])
    expect(lost({ temperature: 1 })).toEqual([])
    const older = { ...base, model: 'claude-sonnet-4-5', temperature: 1.7 }
    expect(requestToAnthropic(older)).toMatchObject({ body: { temperature: 1 }, degraded: ['temperature'] })
    expect(requestToAnthropic(older, { apiVersion: '2026-10-21' }).body).not.toHaveProperty('temperature')
  })

  it('stop at sequences that are not white space', () => {
    expect(translated({ stop: 'END' }).stop_sequences).toEqual(['END'])
    expect(translated({ stop: ['\n', 'END'] }).stop_sequences).toEqual(['END'])
    expect(lost({ stop: ['\n', 'END'] })).toEqual(['stop_sequences'])
  })

  it.each<[JsonObject, JsonObject, string[]]>([
    [{ reasoning_effort: 'high' }, { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }, []],
    [
      { reasoning_effort: 'low', model: 'claude-sonnet-4-5', max_tokens: 9000 },
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      [],
    ],
    [{ reasoning_effort: 'low', model: 'claude-sonnet-4-5', max_tokens: 500 }, {}, ['thinking']],
    [{ reasoning_effort: 'none', model: 'claude-sonnet-5' }, { thinking: { type: 'disabled' } }, []],
    [{ reasoning_effort: 'none', model: 'claude-opus-5-5' }, {}, ['effort']],
    [{ reasoning_effort: 'low', model: 'llama3.2' }, {}, ['effort']],
  ])('ask for thinking as the model wants it: %o', (fields, expected, losses) => {
    const { model: _, max_tokens: __, messages: ___, ...rest } = translated(fields)
    expect(rest).toEqual(expected)
    expect(lost(fields)).toEqual(losses)
  })

  it('ask for no budget in a tool loop that began without thinking', () => {
    const messages = [
      hi,
      { role: 'assistant', content: null, tool_calls: [call('call_aaa1')] },
      { role: 'tool', tool_call_id: 'call_aaa1', content: 'sun' },
    ]
    const body = { messages, reasoning_effort: 'low', model: 'claude-sonnet-4-5', max_tokens: 9000 }
    expect(translated(body)).not.toHaveProperty('thinking')
    expect(lost(body)).toEqual(['thinking'])
  })

  it('keep the form of the answer and the user', () => {
    const response_format = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } }
    expect(translated({ response_format, user: 'u1' })).toMatchObject({
      output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
      metadata: { user_id: 'u1' },
    })
    expect(lost({ response_format: { type: 'json_object' } })).toEqual(['structured_output'])
  })

  it('name what has no counterpart', () => {
    const body = { n: 2, seed: 1, logprobs: true, presence_penalty: 0.1, something: 1 }
    expect(lost(body)).toEqual(['choices', 'logprobs', 'penalties', 'seed', 'unknown_fields'])
    expect(lost({ n: 1, presence_penalty: 0, logprobs: false })).toEqual([])
  })
})

describe('a conversation', () => {
  const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '')
  const input = fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(fc.integer(), word), { maxKeys: 3 })
  const round = fc.record({
    said: word,
    answered: fc.option(word, { nil: null }),
    calls: fc.array(fc.record({ input, result: word }), { maxLength: 3 }),
  })

  it('keeps texts, calls, results and their order through both protocols', () => {
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 4 }), (rounds) => {
        const messages = rounds.flatMap(({ said, answered, calls }, i) => {
          const content = answered ?? (calls.length === 0 ? 'ok' : null)
          const tool_calls = calls.map((each, k) => call(`call_${i}_${k}_xyz`, JSON.stringify(each.input)))
          return [
            { role: 'user', content: said },
            { role: 'assistant', content, ...(calls.length > 0 ? { tool_calls } : {}) },
            ...calls.map(({ result }, k) => ({
              role: 'tool',
              tool_call_id: `call_${i}_${k}_xyz`,
              content: result,
            })),
          ]
        })
        messages.push({ role: 'user', content: 'end' })
        const there = requestToAnthropic({ ...base, tools, messages })
        expect(there.degraded).toEqual([])
        const back = requestToOpenAi(there.body)
        expect(back.degraded).toEqual([])
        expect(back.body.messages).toEqual(JSON.parse(JSON.stringify(messages)))
      }),
    )
  })
})
