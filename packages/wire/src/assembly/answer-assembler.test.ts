import { describe, expect, it } from 'vitest'
import { StreamReader } from '../stream-reader.ts'
import { mostValues } from './grow.ts'

type Api = 'anthropic' | 'openai'

function read(api: Api, ...events: (object | string)[]): StreamReader {
  const reader = new StreamReader(api, { assemble: true })
  for (const event of events) {
    const data = typeof event === 'string' ? event : JSON.stringify(event)
    const name = api === 'anthropic' ? `event: ${JSON.parse(data).type}\n` : ''
    reader.push(Buffer.from(`${name}data: ${data}\n\n`))
  }
  return reader
}

const assembled = (api: Api, ...events: (object | string)[]): unknown => {
  const json = read(api, ...events).assembled()
  return json === undefined ? undefined : JSON.parse(json)
}

const start = {
  type: 'message_start',
  message: { id: 'm', type: 'message', content: [], usage: { input_tokens: 1 } },
}
const open = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }
const delta = (fields: object, index = 0) => ({ type: 'content_block_delta', index, delta: fields })
const chunk = (fields: object, index = 0) => ({ id: 'c', choices: [{ index, delta: fields }] })

describe('a message', () => {
  it('keeps what it has never heard of', () => {
    const novel = { ...start.message, container: { id: 'x' } }
    const message = assembled(
      'anthropic',
      { type: 'message_start', message: novel },
      { type: 'content_block_start', index: 0, content_block: { type: 'compaction', content: '' } },
      delta({ type: 'compaction_delta', content: 'So ' }),
      delta({ type: 'compaction_delta', content: 'far.' }),
      { type: 'some_event', of: 'later' },
      {
        type: 'message_delta',
        delta: { stop_reason: 'compaction' },
        context_management: { applied_edits: [] },
      },
    )
    expect(message).toEqual({
      ...novel,
      content: [{ type: 'compaction', content: 'So far.' }],
      stop_reason: 'compaction',
      context_management: { applied_edits: [] },
    })
  })

  it.each([
    ['nothing', []],
    ['no beginning', [open, delta({ type: 'text_delta', text: 'a' })]],
    ['a delta of a block that is not there', [start, open, delta({ type: 'text_delta', text: 'a' }, 1)]],
    ['a delta that is none', [start, open, { type: 'content_block_delta', index: 0, delta: 'a' }]],
  ])('is none of %s', (_what, events) => {
    expect(assembled('anthropic', ...events)).toBeUndefined()
  })
})

describe('a completion', () => {
  it('has the calls apart that a server numbers alike', () => {
    const call = (id: string, name: string, args: string) => ({
      tool_calls: [{ index: 0, id, function: { name, arguments: args } }],
    })
    const completion = assembled('openai', chunk(call('a', 'f', '{}')), chunk(call('b', 'f', '{"x":1}')))
    expect(completion).toMatchObject({
      choices: [
        {
          message: {
            tool_calls: [
              { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
              { id: 'b', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
            ],
          },
        },
      ],
    })
  })

  it('has a name once that comes with each piece, and the one call of older servers', () => {
    const piece = (args: string) => chunk({ function_call: { name: 'f', arguments: args } })
    expect(assembled('openai', piece('{'), piece('}'))).toMatchObject({
      choices: [{ message: { function_call: { name: 'f', arguments: '{}' } } }],
    })
  })

  it('has sound and its words', () => {
    const completion = assembled(
      'openai',
      chunk({ audio: { id: 'audio_1', data: 'AA', transcript: 'Hel' } }),
      chunk({ audio: { data: 'BB', transcript: 'lo' } }),
      chunk({ audio: { expires_at: 5 } }),
    )
    expect(completion).toMatchObject({
      choices: [{ message: { audio: { id: 'audio_1', data: 'AABB', transcript: 'Hello', expires_at: 5 } } }],
    })
  })

  it('is none of nothing', () => {
    expect(assembled('openai')).toBeUndefined()
    expect(assembled('openai', { id: 'c', choices: [] })).toBeUndefined()
  })
})

describe('an upstream that means harm', () => {
  it.each<[string, Api, object]>([
    ['blocks', 'anthropic', open],
    ['choices', 'openai', chunk({ content: 'a' }, 1e9)],
    ['calls', 'openai', chunk({ tool_calls: Array.from({ length: 10_000 }, (_, index) => ({ index })) })],
    ['entries of a list', 'openai', chunk({ annotations: new Array(10_000).fill(0) }, 1)],
    ['entries of lists', 'openai', chunk({ annotations: new Array(10_000).fill(0) })],
    ['values in one another', 'openai', chunk({ x: { y: new Array(10_000).fill([]) } })],
    ['fields', 'openai', chunk(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`a${i}`, 1])))],
  ])('has its stream called broken at so many %s', (_what, api, event) => {
    const reader = read(api, start)
    const text = JSON.stringify(event)
    const name = api === 'anthropic' ? 'event: content_block_start\n' : ''
    for (let index = 0; index <= mostValues && reader.state.failure === undefined; index++) {
      const data = text.replaceAll(
        /"index":(0|1000000000)\b/g,
        (_, first) => `"index":${Number(first) + index * 10_000}`,
      )
      reader.push(Buffer.from(`${name}data: ${data}\n\n`))
    }
    expect(reader.state.failure).toMatchObject({ kind: 'malformed', message: 'the stream makes no answer' })
    expect(reader.assembled()).toBeUndefined()
  })

  it('cannot change what all objects have', () => {
    const evil = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}'
    assembled('anthropic', start, open, `{"type":"message_delta","delta":${evil}},"usage":${evil}}}`)
    assembled(
      'openai',
      `{"choices":[{"delta":${evil},"tool_calls":[${evil}}]},"__proto__":${evil}}}],"__proto__":${evil}}}`,
    )
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('cannot overflow the stack', () => {
    const deep = `${'['.repeat(25_000)}${']'.repeat(25_000)}`
    expect(assembled('openai', `{"choices":[{"delta":{"content":"a","x":${deep}}}]}`)).toBeUndefined()
    expect(assembled('anthropic', start, `{"type":"message_delta","delta":{"x":${deep}}}`)).toBeUndefined()
  })
})
