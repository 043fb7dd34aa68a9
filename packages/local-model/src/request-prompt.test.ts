import { describe, expect, it } from 'vitest'
import { readRequest } from './request-prompt.ts'

function read(api: 'anthropic' | 'openai', body: unknown) {
  return readRequest({ api, operation: 'generate', bytes: new TextEncoder().encode(JSON.stringify(body)) })
}

const asked = (content: unknown) => ({ max_tokens: 1, messages: [{ role: 'user', content }] })

describe('what gets lost', () => {
  it.each(['anthropic', 'openai'] as const)('is named by type, up to a bound (%s)', (api) => {
    const content = Array.from({ length: 50 }, (_, i) => ({ type: `strange_${i}` }))
    const { losses } = read(api, asked(content)).facts
    expect(losses).toHaveLength(21)
    expect(losses[0]).toBe('strange_0')
    expect(losses.at(-1)).toBe('content')
  })

  it.each(['anthropic', 'openai'] as const)('is never named by what would break a header (%s)', (api) => {
    const types = ['a\r\nset-cookie: b', 'x'.repeat(99), 'ü', '', 'A b']
    expect(read(api, asked(types.map((type) => ({ type })))).facts.losses).toEqual(['content'])
  })
})

it('usage in a stream is asked for by OpenAI’s option', () => {
  expect(read('openai', asked('Hi')).facts.includeUsage).toBe(false)
  const body = { ...asked('Hi'), stream_options: { include_usage: true } }
  expect(read('openai', body).facts.includeUsage).toBe(true)
})

describe('a body that is none', () => {
  it.each([
    ['no JSON', '{"messages":'],
    ['an array', '[]'],
    ['a text', '"text"'],
    ['null', 'null'],
    ['nothing', ''],
  ])('is refused: %s', (_what, text) => {
    const bytes = new TextEncoder().encode(text)
    const request = { api: 'anthropic', operation: 'generate', bytes } as const
    expect(() => readRequest(request)).toThrow(/^the body is no JSON object/)
  })

  it('is refused when it is not UTF-8', () => {
    const bytes = Uint8Array.of(0x22, 0xff, 0x22)
    expect(() => readRequest({ api: 'openai', operation: 'generate', bytes })).toThrow(/no JSON object/)
  })
})
