import { describe, expect, it } from 'vitest'
import { jsonBodyFromBytes, jsonBodyFromObject } from './json-body.ts'

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
