import { describe, expect, it } from 'vitest'
import { fieldOf, jsonBodyFromBytes, jsonBodyFromObject, withField } from './json-body.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('a body from bytes', () => {
  it('is sent as it came, to the byte', () => {
    const bytes = utf8('{ "model":"a" ,"x":1.0}\n')
    expect(jsonBodyFromBytes(bytes).bytes).toBe(bytes)
  })

  it('is parsed once', () => {
    const body = jsonBodyFromBytes(utf8('{"model":"é"}'))
    expect(body.json).toEqual({ model: 'é' })
    expect(body.json).toBe(body.json)
  })

  it('is not parsed until someone asks', () => {
    expect(jsonBodyFromBytes(utf8('{')).bytes).toHaveLength(1)
  })

  it('may begin with a byte order mark', () => {
    expect(jsonBodyFromBytes(utf8('\uFEFF{"a":1}')).json).toEqual({ a: 1 })
  })

  it.each([
    ['nothing', utf8(''), 'the body is empty'],
    ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22), 'the body is not valid UTF-8'],
    ['a list', utf8('[]'), 'the body is not a JSON object'],
    ['null', utf8('null'), 'the body is not a JSON object'],
    ['a text', utf8('"a"'), 'the body is not a JSON object'],
    ['JSON that is cut off', utf8('{"a":'), 'JSON'],
  ])('that is %s has no parsed view, and says so each time', (_, bytes, message) => {
    const body = jsonBodyFromBytes(bytes)
    for (const _time of [1, 2]) {
      expect(() => body.json).toThrow(SyntaxError)
      expect(() => body.json).toThrow(message)
    }
  })
})

describe('a body from an object', () => {
  it('is encoded once', () => {
    let encoded = 0
    const body = jsonBodyFromObject({
      toJSON() {
        encoded++
        return { model: 'é' }
      },
    })
    expect(encoded).toBe(0)
    expect(body.bytes).toBe(body.bytes)
    expect(new TextDecoder().decode(body.bytes)).toBe('{"model":"é"}')
    expect(encoded).toBe(1)
  })

  it('is its own parsed view', () => {
    const json = { model: 'a' }
    expect(jsonBodyFromObject(json).json).toBe(json)
  })
})

describe('a field of a body', () => {
  it.each([
    ['from bytes', jsonBodyFromBytes(utf8('{"model":"é","n":[1]}'))],
    ['from an object', jsonBodyFromObject({ model: 'é', n: [1] })],
    ['of somebody else', { bytes: utf8('{}'), json: { model: 'é', n: [1] } }],
  ])('is read from the parsed object where nobody knows its place: %s', (_, body) => {
    expect(fieldOf(body, 'model')).toBe('é')
    expect(fieldOf(body, 'n', 1)).toEqual([1])
    expect(fieldOf(body, 'toString')).toBeUndefined()
    expect(fieldOf(body, 'missing')).toBeUndefined()
  })

  it('is read alone where its place is known', () => {
    const bytes = utf8('{"model":"é","n":[1], broken')
    const places = new Map([
      ['model', [9, 13]],
      ['n', [18, 21]],
    ] as const)
    const body = jsonBodyFromBytes(bytes, places)
    expect(fieldOf(body, 'model')).toBe('é')
    expect(fieldOf(body, 'n')).toEqual([1])
    expect(fieldOf(body, 'missing')).toBeUndefined()
  })

  it('is not parsed where it is known to be longer than wanted', () => {
    const body = jsonBodyFromBytes(utf8('{"n":123}'), new Map([['n', [5, 8]]] as const))
    expect(fieldOf(body, 'n', 3)).toBe(123)
    expect(fieldOf(body, 'n', 2)).toBeUndefined()
  })

  it('of a body that is not JSON cannot be read', () => {
    expect(() => fieldOf(jsonBodyFromBytes(utf8('{')), 'n')).toThrow(SyntaxError)
  })
})

describe('a field with another value', () => {
  it('is in a body of its own, whatever is known of the first', () => {
    const places = new Map([['a', [5, 6]]] as const)
    for (const body of [
      jsonBodyFromObject({ a: 1 }),
      jsonBodyFromBytes(utf8('{"a":1}')),
      jsonBodyFromBytes(utf8('{"a":1}'), places),
    ]) {
      expect(withField(body, 'a', 2).json).toEqual({ a: 2 })
      const more = withField(body, 'b', { c: 'é' })
      expect(new TextDecoder().decode(more.bytes)).toMatch(/^{(?=.*"a":1)(?=.*"b":{"c":"é"})/)
      expect(more.json).toEqual({ a: 1, b: { c: 'é' } })
      expect(body.json).toEqual({ a: 1 })
    }
    expect(withField(jsonBodyFromBytes(utf8('{}'), new Map()), 'a', 1).json).toEqual({ a: 1 })
  })
})

describe('a large body', () => {
  it('says the same each time, though its parsed view may go', () => {
    const text = 'x'.repeat(2_000_000)
    const bytes = utf8(`{"a":"${text}"}`)
    const parsed = jsonBodyFromBytes(bytes)
    expect(parsed.json).toEqual({ a: text })
    expect(parsed.json).toEqual({ a: text })
    const encoded = jsonBodyFromObject({ a: text })
    expect(encoded.bytes).toEqual(bytes)
    expect(encoded.bytes).toBe(encoded.bytes)
    expect(encoded.json).toEqual({ a: text })
  })
})
