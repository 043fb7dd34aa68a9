import { jsonBodyFromBytes } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chatInDialect } from './chat-in-dialect.ts'
import { type ChatDialect, chatDialects } from './dialect.ts'

/** What a server of a dialect gets of a text, and what got lost. */
function written(
  text: string,
  dialect: keyof typeof chatDialects,
  model = 'm',
  learned?: Partial<ChatDialect>,
): readonly [text: string, degraded: readonly string[]] {
  const body = jsonBodyFromBytes(Buffer.from(text))
  const result = chatInDialect(body, model, chatDialects[dialect], learned)
  const after = Buffer.from(result.body.bytes).toString()
  expect(result.body === body).toBe(after === text)
  return [after, result.degraded]
}

const call = '{"id":"call_1234567890","type":"function","function":{"name":"f","arguments":"{\\"a\\":1.0}"}}'

describe('a chat request in the words of another server', () => {
  it('changes no other byte', () => {
    const piece = fc.constantFrom(
      '1849302847561029384',
      '1.0',
      '1e400',
      '[ 1 ,{"10":-0, "2":1}]',
      '"\\u00e9{"',
    )
    const space = fc.constantFrom('', ' ', '\n\t')
    const texts = fc.tuple(piece, piece, space, space, fc.constantFrom('developer', 'user'))
    fc.assert(
      fc.property(texts, ([a, b, s, t, role]) => {
        const said = (role: string, limit: string, user: string): string =>
          `${s}{"x"${s}:${t}${a},${s}"messages":[${t}{"role":${t}"${role}"${s},"content":${b}}${t},{"role":"user","content":"developer"}]${t},"${limit}"${s}:${t}1.0${s}${user}, "temperature" :${a}${t}}${s}`
        const before = said(role, 'max_completion_tokens', `,${t}"safety_identifier"${s}:${t}"u"`)
        const after = said(role === 'developer' ? 'system' : role, 'max_tokens', '')
        expect(written(before, 'openai-compatible')).toEqual([after, ['metadata']])
      }),
    )
  })

  it.each<[string, keyof typeof chatDialects, string, string, string, string[]]>([
    [
      'the limit, for a model that thinks',
      'openai',
      'gpt-5.5',
      '{"max_tokens":1.0}',
      '{"max_completion_tokens":1.0}',
      [],
    ],
    [
      'the limit, for a model of today that thinks',
      'openai',
      'openai/gpt-6.1-sol',
      '{"max_tokens":1.0}',
      '{"max_completion_tokens":1.0}',
      [],
    ],
    [
      'two limits',
      'deepseek',
      'm',
      '{"max_tokens":1,"max_completion_tokens":2}',
      '{"max_tokens":1}',
      ['max_tokens'],
    ],
    ['the only field', 'deepseek', 'm', '{ "user" : "u" }', '{  }', ['metadata']],
    ['the first field', 'deepseek', 'm', '{"user":"u" , "x":1}', '{ "x":1}', ['metadata']],
    ['two of them', 'mistral', 'm', '{"user":"u","safety_identifier":"u","x":1}', '{"x":1}', ['metadata']],
    ['the id of the user', 'groq', 'm', '{"safety_identifier":"u"}', '{"user":"u"}', []],
    ['options of streams', 'mistral', 'm', '{"stream_options":{},"x":1e400}', '{"x":1e400}', []],
    [
      'strict tools',
      'deepseek',
      'm',
      '{"tools":[{"function":{"name":"f","strict":true,"parameters":{"strict":1.0}}}]}',
      '{"tools":[{"function":{"name":"f","parameters":{"strict":1.0}}}]}',
      ['structured_output'],
    ],
    [
      'calls without thoughts',
      'deepseek',
      'm',
      `{"messages":[{"role":"assistant","tool_calls":[${call}]}]}`,
      `{"messages":[{"reasoning_content":"","role":"assistant","tool_calls":[${call}]}]}`,
      [],
    ],
    [
      'thoughts',
      'openai',
      'm',
      `{"messages":[{"role":"assistant","reasoning_content":"t","tool_calls":[${call}]}]}`,
      `{"messages":[{"role":"assistant","tool_calls":[${call}]}]}`,
      ['thinking'],
    ],
    [
      'ids of calls',
      'mistral',
      'm',
      `{"messages":[{"tool_calls":[${call}]},{"tool_call_id":"call_1234567890"}]}`,
      `{"messages":[{"tool_calls":[${call.replace('call_1234567890', '567311b82')}]},{"tool_call_id":"567311b82"}]}`,
      [],
    ],
  ])('changes %s', (_, dialect, model, before, after, lost) => {
    expect(written(before, dialect, model)).toEqual([after, lost])
  })

  it.each<[string, keyof typeof chatDialects, string, string]>([
    [
      'OpenAI its own words',
      'openai',
      'gpt-5.5',
      '{"max_completion_tokens":1,"safety_identifier":"u","messages":[{"role":"developer"}]}',
    ],
    ['OpenAI the older limit of a model that takes it', 'openai', 'gpt-4.1', '{"max_tokens":1,"user":"u"}'],
    [
      'a proxy the newer words of a model that takes no others',
      'openai-compatible',
      'gpt-5.5',
      '{"max_completion_tokens":1,"messages":[{"role":"developer"}]}',
    ],
    [
      'a compatible server what only some refuse',
      'openai-compatible',
      'm',
      '{"user":"u","seed":1849302847561029384,"parallel_tool_calls":false,"stream_options":{}}',
    ],
    ['what names a field twice', 'deepseek', 'm', '{"user":"u","user":"v"}'],
    ['what is no object', 'deepseek', 'm', '["user"]'],
    [
      'the word in what somebody says',
      'deepseek',
      'm',
      '{"messages":[{"role":"user","content":"developer"}]}',
    ],
    [
      'calls without thoughts where nothing is thought',
      'deepseek',
      'm',
      `{"thinking":{"type":"disabled"},"messages":[{"role":"assistant","tool_calls":[${call}]}]}`,
    ],
  ])('leaves %s', (_, dialect, model, text) => {
    expect(written(text, dialect, model)).toEqual([text, []])
  })

  it('says what the server has refused in other words', () => {
    const text = '{"max_tokens":7.0,"user":"u","parallel_tool_calls":false}'
    const learned = { maxTokens: 'max_completion_tokens', user: undefined, parallelToolCalls: false } as const
    expect(written(text, 'openai-compatible', 'm', learned)).toEqual([
      '{"max_completion_tokens":7.0}',
      ['metadata', 'parallel_tool_calls'],
    ])
  })
})
