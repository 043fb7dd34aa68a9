import { describe, expect, it } from 'vitest'
import { createFingerprints } from '../fingerprints/fingerprints.ts'
import { callerFrom } from './tenant.ts'

const { of } = createFingerprints(Buffer.alloc(32, 'a'))

it('the same key is the same tenant, however it is presented', () => {
  const one = callerFrom({ 'x-api-key': 'sk-a' }, of)
  expect(one.tenant).toMatch(/^key-[\w-]{22}$/)
  expect(one.caller).toBe(one.tenant)
  expect(callerFrom({ authorization: 'Bearer sk-a' }, of)).toEqual(one)
  expect(callerFrom({ authorization: 'bearer  sk-a' }, of)).toEqual(one)
  expect(callerFrom({ authorization: 'Bearer sk-a', 'x-api-key': 'sk-a' }, of)).toEqual(one)
  expect(callerFrom({ 'x-api-key': 'sk-b' }, of).tenant).not.toBe(one.tenant)
})

it('nothing of the key can be read from it', () => {
  expect(callerFrom({ 'x-api-key': 'sk-secret' }, of).tenant).not.toContain('secret')
})

it('two callers who present the same key in one place and others in the other are two', () => {
  const [one, other] = ['sk-a', 'sk-b'].map((key) =>
    callerFrom({ 'x-api-key': 'any', authorization: `Bearer ${key}` }, of),
  )
  expect(one?.tenant).toBe(other?.tenant)
  expect(one?.caller).toMatch(/^key-[\w-]{22}$/)
  expect(one?.caller).not.toBe(other?.caller)
})

it('a caller without a key is nobody', () => {
  const without = [{}, { 'x-api-key': '' }, { authorization: 'Bearer ' }]
  for (const headers of without)
    expect(callerFrom(headers, of)).toEqual({ tenant: undefined, caller: undefined })
})

describe('a caller of a cloud', () => {
  const signed = (key: string, signature: string): string =>
    `AWS4-HMAC-SHA256 Credential=${key}/20261127/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=${signature}`

  it('is known by the id of its key, whatever it signs', () => {
    const [a, again, b] = [signed('AKIA1', 'aa'), signed('AKIA1', 'bb'), signed('AKIA2', 'aa')].map(
      (authorization) => callerFrom({ authorization }, of),
    )
    expect(a).toEqual(again)
    expect(a?.tenant).not.toBe(b?.tenant)
    const asymmetric = 'AWS4-ECDSA-P256-SHA256 Credential=AKIA1/20261127/bedrock/aws4_request, Signature=cc'
    expect(callerFrom({ authorization: asymmetric }, of)).toEqual(a)
  })

  it('presents a key in the header of Azure', () => {
    expect(callerFrom({ 'api-key': 'k' }, of)).toEqual(callerFrom({ 'x-api-key': 'k' }, of))
  })
})
