import { describe, expect, it } from 'vitest'
import { parseBounded, textLimits } from './bounded-json.ts'
import { StreamReader } from './stream-reader.ts'
import { readWholeAnswer } from './whole-answer.ts'

const list = (value: string, count: number): string => `[${new Array(count).fill(value).join(',')}]`
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const names = (count: number): string =>
  list('{}', 0).slice(0, -1) +
  Array.from({ length: count }, (_, name) => `{"name ${name}":0}`).join(',') +
  ']'

describe('a text from outside', () => {
  it.each<[string, string]>([
    ['a long text', JSON.stringify('a'.repeat(5_000_000))],
    ['many numbers', list('0', 200_000)],
    ['few levels', ` ${' '.repeat(100_000)}${nested(textLimits.depth)}`],
    ['little', nested(1_000)],
  ])('is parsed: %s', (_what, json) => {
    expect(parseBounded(json)).toEqual(JSON.parse(json))
    expect(parseBounded(Buffer.from(json))).toEqual(JSON.parse(json))
  })

  it.each<[string, string]>([
    ['values', list('[]', textLimits.values)],
    ['levels', `${' '.repeat(100_000)}${nested(textLimits.depth + 1)}`],
    ['shapes of objects', names(textLimits.shapes + 1)],
  ])('is not, where it has too many %s', (_what, json) => {
    expect(JSON.parse(json)).toBeDefined()
    expect(parseBounded(json)).toBeUndefined()
    expect(parseBounded(Buffer.from(json))).toBeUndefined()
  })

  it.each(['', '{', `${'['.repeat(100_000)}`, `"${'a'.repeat(100_000)}`, 'undefined'])(
    'is not, where it is no JSON',
    (json) => {
      expect(parseBounded(json)).toBeUndefined()
    },
  )
})

describe('what has more in it than any answer', () => {
  const more = list('{"a":0}', textLimits.values)

  it('is no answer, and no error', () => {
    const read = (status: number, body: string) =>
      readWholeAnswer({ api: 'openai', operation: 'generate' }, status, {}, Buffer.from(body), 0).failure
    expect(read(200, `{"choices":[{}],"more":${more}}`)).toMatchObject({ kind: 'malformed' })
    expect(read(500, `{"error":{"message":"x","more":${more}}}`)).toMatchObject({
      kind: 'server',
      message: 'the upstream answered with status 500',
    })
  })

  it.each(['anthropic', 'openai'] as const)('is no event of %s', (api) => {
    const reader = new StreamReader(api)
    reader.push(Buffer.from(`data: {"type":"message_delta","choices":[],"more":${more}}\n\n`))
    // An event of Anthropic's without a name is told by its data, and one of no type is skipped.
    expect(reader.state.failure?.kind).toBe(api === 'openai' ? 'malformed' : undefined)
    reader.push(Buffer.from(`event: message_delta\ndata: {"type":"message_delta","more":${more}}\n\n`))
    expect(reader.state).toMatchObject(api === 'openai' ? {} : { failure: { kind: 'malformed' } })
  })
})
