import { describe, expect, it } from 'vitest'
import { keepSources, prependFields, setSource, withSources, writeJson } from './source-text.ts'

const read = <T extends object>(text: string): T => withSources(JSON.parse(text), Buffer.from(text))

describe('a value that is carried', () => {
  it.each([
    '{"input":{"id":1849302847561029384,"b":1.0,"c":1e400,"d":-0}}',
    '{"input":{"10":1,"9":2}}',
    '{"input":{"a":1,"a":2}}',
    '{"a":[{"b":{"schema":{ "x" : "\\u0041\\/" }}}]}',
    '{"parameters":{"input":{"n":1.0}},"input_schema":{"n":1.00},"arguments":{"n":1E5}}',
    '{"é":"é","input":{"é":1.0}}',
  ])('is written as it was: %s', (text) => {
    expect(writeJson(read(text))).toBe(text)
  })

  it('is so behind a byte order mark', () => {
    const text = '{"input":{"n":1.0}}'
    expect(writeJson(withSources(JSON.parse(text), Buffer.from(`\ufeff${text}`)))).toBe(text)
  })

  it('is the last of its name, where one comes twice', () => {
    const text =
      '{"a":[{"input":{"n":1.0}},{"input":{"n":2.0}}],"input":{"n":1.0},"a":[{"input":{"n":3.0}}],"input":{"n":4.0}}'
    expect(writeJson(read(text))).toBe('{"a":[{"input":{"n":3.0}}],"input":{"n":4.0}}')
    expect(writeJson(read('{"input":{"n":1.0},"input":[1.0]}'))).toBe('{"input":[1]}')
    expect(writeJson(read('{"a":{"input":{"n":1.0}},"a":5}'))).toBe('{"a":5}')
  })

  it('keeps its text in whatever it is passed on in, and loses it where it is changed', () => {
    const { input } = read<{ input: object }>('{"input":{"n":1.0}}')
    expect(writeJson({ list: [undefined, { arguments: input }], none: undefined, more: null })).toBe(
      '{"list":[null,{"arguments":{"n":1.0}}],"more":null}',
    )
    expect(writeJson({ ...input, m: 2 })).toBe('{"n":1,"m":2}')
  })

  it('takes fields before its own', () => {
    const { input } = read<{ input: Record<string, unknown> }>('{"input":{ "10":1.0, "9":2}}')
    const more = prependFields(input, { type: 'object' })
    expect(more).toEqual({ type: 'object', '10': 1, '9': 2 })
    expect(writeJson([more])).toBe('[{"type":"object", "10":1.0, "9":2}]')
    expect(writeJson(prependFields(setSource({}, '{ }'), { a: 1 }))).toBe('{"a":1 }')
    expect(writeJson(prependFields({ b: 2 }, { a: 1 }))).toBe('{"a":1,"b":2}')
    expect(prependFields(input, {})).toBe(input)
  })

  it('has no text where UTF-8 has none', () => {
    expect(writeJson(setSource({ a: '\ud800' }, '{"a":"\ud800"}'))).toBe('{"a":"\\ud800"}')
  })

  it('has no text with more levels than anybody should have to parse', () => {
    const deep = (levels: number): string => `{"n":1.0,"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
    for (const [levels, number] of [
      [500, '1.0'],
      [600, '1'],
    ] as const) {
      const text = deep(levels)
      expect(writeJson(setSource(JSON.parse(text), text))).toBe(text.replace('1.0', number))
      expect(writeJson(read(`{"input":${deep(levels)}}`)).slice(0, 16)).toBe(
        `{"input":{"n":${number},`.slice(0, 16),
      )
    }
  })

  it('is not looked for again in what was made of it', () => {
    const changed = keepSources({ input: { n: 1 } })
    expect(writeJson(withSources(changed, Buffer.from('{"input":{"n":1.0}}')))).toBe('{"input":{"n":1}}')
  })
})

it('all else is written as JSON.stringify has it', () => {
  for (const value of [1, 'a\ud800', null, [], {}, [undefined], { a: undefined, b: [{}] }, true]) {
    expect(writeJson(value)).toBe(JSON.stringify(value))
  }
})
