import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldSpans } from './field-spans.ts'
import { jsonBodyFromBytes, withField } from './json-body.ts'
import { createRequest, deriveRequest } from './request.ts'

const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** JSON of any form, numbers that JavaScript cannot hold, odd spaces and escapes included. */
const value = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom('1849302847561029384', '1.0', '1e400', '-0', '0.1E+2', 'null', 'true'),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"\\\\"', '"a\\"b"', '"\\u00e9{}[],:"', '"\\\\\\""', '"\\ud83d\\ude00"'),
    fc.array(tie('json'), { maxLength: 3 }).map((items) => `[ ${items.join(' ,\n')}]`),
    fc
      .array(tie('json'), { maxLength: 3 })
      .map((items) => `{${items.map((item, index) => `"${9 - index}" :\t${item}`).join(',')} }`),
  ),
})).json

const space = fc.constantFrom('', ' ', '\n\t', '\r\n')
const object = fc
  .array(fc.tuple(space, value, space), { maxLength: 5 })
  .chain((values) => fc.tuple(fc.constant(values), space, fc.nat(5)))
  .map(([values, outer, place]) => {
    const names = ['model', '10', '2', 'mes\\u0073ages', 'é', 'x']
    const fields = values.map(
      ([before, item, after], index) => `${before}"${names[(index + place) % 6]}"${after}:${item}${after}`,
    )
    return { text: `${outer}{${fields.join(',')}${outer}}${outer}`, items: values.map(([, item]) => item) }
  })

describe('the places of fields', () => {
  it('are those of their values, whatever these are', () => {
    fc.assert(
      fc.property(object, ({ text, items }) => {
        const bytes = bytesOf(text)
        const fields = fieldSpans(bytes)
        expect([...(fields ?? [])].map(([, span]) => textOf(bytes.subarray(...span)))).toEqual(items)
        expect(new Set(fields?.keys())).toEqual(new Set(Object.keys(JSON.parse(text))))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['nothing', ''],
    ['an array', '[1]'],
    ['a cut object', '{"a":1'],
    ['a cut string', '{"a":"b'],
    ['a cut name', '{"a'],
    ['a cut value', '{"a":{"b":[1,2'],
    ['no value', '{"a":,"b":1}'],
    ['a comma too many', '{"a":1,}'],
    ['text behind it', '{"a":1} x'],
    ['the same field twice', '{"model":"a","mode\\u006c":"b"}'],
  ])('are not told of %s', (_, text) => {
    expect(fieldSpans(bytesOf(text))).toBeUndefined()
  })
})

describe('a body with another model', () => {
  const requestOf = (text: string) =>
    createRequest({
      ...{ api: 'anthropic', model: 'a', stream: false, url: '/v1/messages' },
      body: jsonBodyFromBytes(bytesOf(text)),
    })

  it('keeps every other byte', () => {
    fc.assert(
      fc.property(object, ({ text }) => {
        const { model, body } = deriveRequest(requestOf(text), { model: 'other "model"' })
        expect(model).toBe('other "model"')
        const changed = textOf(body.bytes)
        const said = '"other \\"model\\""'
        const [start, end] = fieldSpans(body.bytes)?.get('model') ?? [0, 0]
        expect(changed.slice(0, changed.length).includes(said)).toBe(true)
        expect(textOf(body.bytes.subarray(start, end))).toBe(said)
        const [from, to] = fieldSpans(bytesOf(text))?.get('model') ?? [0, 0]
        if (to === 0) return
        const rest = (bytes: Uint8Array, span: readonly [number, number]): string =>
          textOf(bytes.subarray(0, span[0])) + textOf(bytes.subarray(span[1]))
        expect(rest(body.bytes, [start, end])).toBe(rest(bytesOf(text), [from, to]))
      }),
    )
  })

  it('keeps a number that JavaScript cannot hold, in a tool call too', () => {
    const text =
      '{"model":"a","messages":[{"content":[{"input":{"id":1849302847561029384,"2":1.0,"1":1e400}}]}]}'
    const { body } = deriveRequest(requestOf(text), { model: 'b' })
    expect(textOf(body.bytes)).toBe(text.replace('"a"', '"b"'))
    expect(textOf(withField(body, 'user', 'u').bytes)).toContain('1849302847561029384,"2":1.0,"1":1e400')
  })

  it('has the model once where the caller has named it twice', () => {
    const { body } = deriveRequest(requestOf('{"model":"a","x":1,"model":"c"}'), { model: 'b' })
    expect(JSON.parse(textOf(body.bytes))).toEqual({ model: 'b', x: 1 })
    expect(textOf(body.bytes).match(/model/g)).toHaveLength(1)
  })

  it('is the caller’s own where it comes with the model', () => {
    const own = jsonBodyFromBytes(bytesOf('{"model":"b2"}'))
    expect(deriveRequest(requestOf('{}'), { model: 'b', body: own }).body).toBe(own)
  })

  it('throws where there is no object, and only for another model', () => {
    const request = requestOf('not JSON')
    expect(() => deriveRequest(request, { model: 'b' })).toThrow(SyntaxError)
    expect(deriveRequest(request, { model: 'a' }).body).toBe(request.body)
  })
})
