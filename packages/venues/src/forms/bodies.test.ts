import { jsonBodyFromBytes } from '@spillway/middleware/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fromBedrockBody,
  fromBedrockCount,
  fromBedrockCounted,
  fromVertexBody,
  toBedrockBody,
  toBedrockCount,
  toBedrockCounted,
  toVertexBody,
} from './index.ts'
import { patchedBody } from './patched-body.ts'

const bodyOf = (text: string) => jsonBodyFromBytes(Buffer.from(text))
const textOf = ({ bytes }: { readonly bytes: Uint8Array }): string => Buffer.from(bytes).toString()

const exact = '"messages" : [{"role":"user","content":"é"}],\n "n":12345678901234567890.10, "t":1E400'

describe('a body with changes', () => {
  it.each([
    ['{"a":1}', { a: undefined }, '{}'],
    ['{"a":1,"b":2}', { a: undefined }, '{"b":2}'],
    ['{ "a" : 1 , "b" : 2 }', { b: undefined }, '{"a" : 1 }'],
    ['{"a":1,"b":2,"c":3}', { b: undefined }, '{"a":1,"c":3}'],
    ['{"a":1,"b":2,"c":3}', { a: undefined, c: undefined }, '{"b":2}'],
    ['{}', { x: 'y' }, '{"x":"y"}'],
    ['{"a":1}', { x: 'y' }, '{"x":"y","a":1}'],
    ['{"a":1, "x":0}', { x: ['y'] }, '{"x":["y"],"a":1}'],
    ['{"a":1,"a":2}', { x: 1 }, '{"a":2,"x":1}'],
    ['{"\\u0061":1,"b":2}', { a: undefined }, '{"b":2}'],
  ])('of %s by %j is %s', (before, changes, after) => {
    expect(textOf(patchedBody(bodyOf(before), changes))).toBe(after)
  })

  it('is the object with the changes, whatever stands between its fields', () => {
    const space = fc.constantFrom('', ' ', '\n', '\t ')
    const names = fc.uniqueArray(fc.constantFrom('model', 'stream', 'messages', 'n', 'é'), { maxLength: 5 })
    const changes = fc.dictionary(
      fc.constantFrom('model', 'stream', 'anthropic_version', 'n'),
      fc.constantFrom(undefined, 'x', ['y']),
    )
    fc.assert(
      fc.property(names, space, changes, fc.json(), (fields, gap, changed, value) => {
        const text = `${gap}{${gap}${fields.map((name) => `${JSON.stringify(name)}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}${gap}`
        const body = patchedBody(bodyOf(text), changed)
        const expected = Object.entries({ ...JSON.parse(text), ...changed })
        const wanted = Object.fromEntries(expected.filter(([, each]) => each !== undefined))
        expect(JSON.parse(textOf(body))).toEqual(wanted)
        for (const [name, [start, end]] of body.fields ?? [])
          expect(JSON.parse(Buffer.from(body.bytes.subarray(start, end)).toString())).toEqual(wanted[name])
      }),
    )
  })

  it('is refused where it is no object', () => {
    expect(() => patchedBody(bodyOf('[1]'), {})).toThrow(SyntaxError)
    expect(() => patchedBody(bodyOf('{"a":'), { a: 1 })).toThrow(SyntaxError)
  })
})

describe('for Bedrock', () => {
  const body = bodyOf(`{"model":"m","stream":true,"max_tokens":9,${exact}}`)
  const facts = { version: 'bedrock-2023-05-31', betas: ['a', 'b'], userProfileId: 'u' }

  it('a body has version, betas and profile, and its other bytes', () => {
    expect(textOf(toBedrockBody(body, facts))).toBe(
      `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a","b"],"user_profile_id":"u","max_tokens":9,${exact}}`,
    )
  })

  it('and back it is what it was, with headers for what the cloud has in the body', () => {
    const back = fromBedrockBody(toBedrockBody(body, facts), { model: 'm', stream: true })
    expect(textOf(back.body)).toBe(textOf(body))
    expect(back.headers).toEqual({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'a,b',
      'anthropic-user-profile-id': 'u',
    })
    const later = toBedrockBody(body, { version: '2026-10-21' })
    const whole = fromBedrockBody(later, { model: 'm', stream: false })
    expect(whole.headers).toEqual({ 'anthropic-version': '2026-10-21' })
    expect(textOf(whole.body)).toBe(`{"model":"m","max_tokens":9,${exact}}`)
  })

  it('a count wraps the body, and its answer names the tokens otherwise', () => {
    const sent = toBedrockCount(body)
    expect(Buffer.from(fromBedrockCount(sent) ?? []).equals(Buffer.from(body.bytes))).toBe(true)
    expect(fromBedrockCount(bodyOf('{"input":{"converse":{}}}'))).toBeUndefined()
    expect(String(fromBedrockCounted(Buffer.from('{"inputTokens":7}')))).toBe('{"input_tokens":7}')
    expect(String(toBedrockCounted(Buffer.from('{"input_tokens":7}')))).toBe('{"inputTokens":7}')
    expect(fromBedrockCounted(Buffer.from('<html>'))).toBeUndefined()
  })
})

describe('for Vertex AI', () => {
  it('a body has no model but for a count, keeps `stream`, and comes back', () => {
    const body = bodyOf(`{"model":"m","stream":true,${exact}}`)
    const sent = toVertexBody(body, { version: 'vertex-2023-10-16' })
    expect(textOf(sent)).toBe(`{"anthropic_version":"vertex-2023-10-16","stream":true,${exact}}`)
    const back = fromVertexBody(sent, 'm')
    expect(textOf(back.body)).toBe(textOf(body))
    expect(back.headers).toEqual({ 'anthropic-version': '2023-06-01' })
    const count = toVertexBody(body, { version: '2026-10-21', model: 'claude-opus-5' })
    expect(JSON.parse(textOf(count))).toMatchObject({ model: 'claude-opus-5' })
    expect(JSON.parse(textOf(fromVertexBody(count, undefined).body))).toMatchObject({
      model: 'claude-opus-5',
    })
  })
})

it('a large body is changed without being parsed', () => {
  const body = bodyOf(`{"model":"m","messages":"${'x'.repeat(450_000)}","broken":{1}}`)
  const changed = textOf(toVertexBody(body, { version: 'v' }))
  expect(changed === textOf(body).replace('"model":"m"', '"anthropic_version":"v"')).toBe(true)
})
