import type { JsonObject } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { requestToAnthropic } from './request-to-anthropic.ts'

const hi = { role: 'user', content: 'Hi' }
const ok = { role: 'assistant', content: 'ok' }
const base = { model: 'claude-opus-5-5', messages: [hi] }
const translated = (body: JsonObject): JsonObject => requestToAnthropic({ ...base, ...body }).body
const lost = (body: JsonObject): readonly string[] => requestToAnthropic({ ...base, ...body }).degraded
const system = (content: string): JsonObject => ({ role: 'system', content })
const user = (content: unknown): JsonObject => ({ role: 'user', content })

describe('instructions between turns', () => {
  it.each<[string, JsonObject[], unknown[], string[]]>([
    ['behind an answer', [hi, ok, system('S'), user('c')], [hi, ok, user('c'), system('S')], []],
    [
      'between two turns of the user',
      [user('a'), system('S'), user('b'), ok, hi],
      [
        user([
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ]),
        system('S'),
        ok,
        hi,
      ],
      [],
    ],
    ['at the end', [hi, system('S')], [hi, system('S')], []],
    ['behind an answer, at the end', [hi, ok, system('S')], [hi, ok, user('S')], ['system_messages']],
    [
      'several',
      [hi, system('S'), ok, system('T'), hi, system('U')],
      [
        hi,
        system('S'),
        ok,
        hi,
        {
          role: 'system',
          content: [
            { type: 'text', text: 'T' },
            { type: 'text', text: 'U' },
          ],
        },
      ],
      [],
    ],
  ])('stand where Claude takes them: %s', (_, messages, expected, losses) => {
    expect(translated({ messages }).messages).toEqual(expected)
    expect(lost({ messages })).toEqual(losses)
  })

  it('do not come between calls and their results', () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
    const messages = [
      hi,
      { role: 'assistant', tool_calls: [call] },
      system('S'),
      { role: 'tool', tool_call_id: 'call_1', content: 'r' },
    ]
    const turns = translated({ messages }).messages as JsonObject[]
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'system'])
    const older = translated({ messages, model: 'claude-sonnet-4-5' }).messages as { content: JsonObject[] }[]
    expect(older.at(-1)?.content.map(({ type }) => type)).toEqual(['tool_result', 'text'])
  })

  it.each(['claude-sonnet-5', 'claude-haiku-4-5', 'claude-3-5-haiku-latest'])(
    'are the user’s words, where they stand, at %s',
    (model) => {
      const messages = [user('a'), system('S'), user('b')]
      const content = ['a', 'S', 'b'].map((text) => ({ type: 'text', text }))
      expect(translated({ model, messages }).messages).toEqual([user(content)])
      expect(lost({ model, messages })).toEqual(['system_messages'])
    },
  )

  it('are asked themselves where nobody asks anything', () => {
    const messages = [system('Write a haiku.')]
    expect(translated({ messages })).toMatchObject({ messages: [user('Write a haiku.')] })
    expect(translated({ messages })).not.toHaveProperty('system')
    expect(lost({ messages })).toEqual(['system_messages'])
  })
})

describe('thinking', () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
  it.each<[JsonObject, string[]]>([
    [
      { model: 'claude-haiku-4-5', reasoning_effort: 'low', temperature: 0, max_tokens: 8000 },
      ['temperature'],
    ],
    [{ model: 'claude-opus-4-6', reasoning_effort: 'high', top_p: 0.5 }, ['top_p']],
    [{ model: 'claude-opus-4-6', reasoning: { enabled: true }, top_k: 5 }, ['effort', 'top_k']],
  ])('excludes sampling parameters: %o', (fields, losses) => {
    const body = translated(fields)
    expect(body).toHaveProperty('thinking')
    for (const name of ['temperature', 'top_p', 'top_k']) expect(body).not.toHaveProperty(name)
    expect(lost(fields)).toEqual(losses)
  })

  it('gives way to a tool that must be called', () => {
    const forced = { model: 'claude-opus-4-6', reasoning_effort: 'high', tool_choice: 'required', tools }
    const body = translated(forced)
    expect(body.tool_choice).toEqual({ type: 'any' })
    expect(body).not.toHaveProperty('thinking')
    expect(body).not.toHaveProperty('output_config')
    expect(lost(forced)).toEqual(['effort'])
    // What is not forced any more leaves it.
    const auto = translated({ ...forced, model: 'claude-opus-5-5' })
    expect(auto).toMatchObject({ tool_choice: { type: 'auto' }, thinking: { type: 'adaptive' } })
  })

  it('is not switched off where it cannot be', () => {
    for (const model of ['claude-opus-5-5', 'claude-fable-5-1', 'claude-sonnet-5-5']) {
      expect(translated({ model, reasoning_effort: 'none' })).not.toHaveProperty('thinking')
      expect(lost({ model, reasoning_effort: 'none' })).toEqual(['effort'])
      expect(translated({ model, reasoning: { max_tokens: 5000 } }).thinking).toEqual({ type: 'adaptive' })
    }
  })
})

describe('the schema of an answer', () => {
  const formatted = (schema: unknown): JsonObject => ({
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
  })
  const schemaOf = (schema: unknown): unknown =>
    (translated(formatted(schema)).output_config as { format: { schema: unknown } }).format.schema

  it('has closed objects, at every level', () => {
    const inner = { type: 'object', properties: { c: { type: 'number' } } }
    const schema = {
      type: 'object',
      properties: { a: inner, b: { anyOf: [inner, { type: 'null' }] }, type: { type: 'string' } },
      $defs: { d: { type: ['object', 'null'], items: [inner] } },
      required: ['a'],
    }
    const closed = { ...inner, additionalProperties: false }
    expect(schemaOf(schema)).toEqual({
      ...schema,
      properties: { a: closed, b: { anyOf: [closed, { type: 'null' }] }, type: { type: 'string' } },
      $defs: { d: { type: ['object', 'null'], items: [closed], additionalProperties: false } },
      additionalProperties: false,
    })
    expect(lost(formatted(schema))).toEqual([])
  })

  it('says so where an object was open on purpose, and changes no examples', () => {
    const schema = {
      type: 'object',
      additionalProperties: { type: 'string' },
      properties: {},
      default: { type: 'object' },
      enum: [{ properties: {} }],
    }
    expect(schemaOf(schema)).toEqual({ ...schema, additionalProperties: false })
    expect(lost(formatted(schema))).toEqual(['structured_output'])
  })

  it('that nests without end, or is none, ends nothing', () => {
    let deep: JsonObject = { type: 'object' }
    for (let level = 0; level < 5_000; level++) deep = { type: 'array', items: deep }
    expect(() => translated(formatted(deep))).not.toThrow()
    for (const odd of [7, 'x', [], true]) expect(schemaOf(odd)).toEqual(odd)
  })
})

describe('media', () => {
  const part = (url: string): JsonObject => ({ type: 'image_url', image_url: { url } })
  const blockOf = (url: string): unknown => {
    const [turn] = translated({ messages: [user([part(url), { type: 'text', text: 'x' }])] }).messages as [
      { content: unknown[] },
    ]
    return turn.content[0]
  }
  const image = (media_type: string): unknown => ({
    type: 'image',
    source: { type: 'base64', media_type, data: 'AA' },
  })
  const note = { type: 'text', text: '[an image that could not be passed on]' }

  it.each<[string, unknown]>([
    ['data:image/jpg;base64,AA', image('image/jpeg')],
    ['data:IMAGE/PNG;base64,AA', image('image/png')],
    ['DATA:image/webp;charset=utf-8;BASE64,AA', image('image/webp')],
    ['data:image/svg+xml;base64,AA', note],
    ['data:image/svg+xml,<svg/>', note],
    ['data:image/bmp;base64,AA', note],
    ['data:text/html;base64,AA', note],
    ['http://x.test/a.png', note],
    ['HTTPS://x.test/a.png', { type: 'image', source: { type: 'url', url: 'HTTPS://x.test/a.png' } }],
    [
      'data:application/pdf;base64,AA',
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA' } },
    ],
  ])('are given as Claude takes them: %s', (url, expected) => {
    expect(blockOf(url)).toEqual(expected)
    expect(lost({ messages: [user([part(url)])] })).toEqual(expected === note ? ['images'] : [])
  })
})

describe('turns', () => {
  it('of white space are none', () => {
    const messages = [
      user(' \n'),
      hi,
      { role: 'assistant', content: '\t' },
      user([{ type: 'text', text: ' ' }]),
      hi,
    ]
    expect(translated({ messages: [system(' '), ...messages] })).toMatchObject({
      messages: [
        user([
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'Hi' },
        ]),
      ],
    })
  })

  it('of the assistant at the end are gone on from by another turn, or end without white space', () => {
    const messages = [hi, { role: 'assistant', content: 'It is ' }]
    const turns = translated({ messages }).messages as JsonObject[]
    expect(turns.slice(0, 2)).toEqual(messages)
    expect(turns[2]).toMatchObject({ role: 'user', content: expect.stringContaining('Go on') })
    expect(lost({ messages })).toEqual(['prefill'])
    const older = { messages, model: 'claude-haiku-4-5' }
    expect(translated(older).messages).toEqual([
      hi,
      { role: 'assistant', content: [{ type: 'text', text: 'It is' }] },
    ])
    expect(lost(older)).toEqual([])
  })
})

it('has no limits in the schema of an answer that Claude cannot be kept to, but in its description', () => {
  const schema = {
    type: 'object',
    properties: {
      minimum: { type: 'integer', minimum: 1, description: 'A level.' },
      list: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', format: 'phone' } },
      kind: { oneOf: [{ type: 'string', format: 'date' }, { type: 'null' }] },
    },
  }
  const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } }
  const { body, degraded } = requestToAnthropic({
    model: 'claude-sonnet-5-5',
    messages: [{ role: 'user', content: 'a' }],
    response_format,
  })
  expect(body.output_config).toEqual({
    format: {
      type: 'json_schema',
      schema: {
        type: 'object',
        properties: {
          minimum: { type: 'integer', description: 'A level.\nminimum: 1' },
          list: {
            type: 'array',
            minItems: 1,
            description: 'maxItems: 3',
            items: { type: 'string', description: 'format: "phone"' },
          },
          kind: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] },
        },
        additionalProperties: false,
      },
    },
  })
  expect(degraded).toEqual(['structured_output'])
})
