import { expect, test } from 'vitest'
import { createFingerprints } from '../fingerprints/fingerprints.ts'
import { tenantOf } from './tenant.ts'

const { of } = createFingerprints(Buffer.alloc(32, 'a'))

test('the same key is the same tenant, however it is presented', () => {
  const tenant = tenantOf({ 'x-api-key': 'sk-a' }, of)
  expect(tenant).toMatch(/^key-[\w-]{22}$/)
  expect(tenantOf({ authorization: 'Bearer sk-a' }, of)).toBe(tenant)
  expect(tenantOf({ authorization: 'bearer  sk-a' }, of)).toBe(tenant)
  expect(tenantOf({ 'x-api-key': 'sk-b' }, of)).not.toBe(tenant)
})

test('nothing of the key can be read from it', () => {
  expect(tenantOf({ 'x-api-key': 'sk-secret' }, of)).not.toContain('secret')
})

test('a caller without a key is nobody', () => {
  const without = [{}, { 'x-api-key': '' }, { authorization: 'Bearer ' }]
  expect(without.map((headers) => tenantOf(headers, of))).toEqual([undefined, undefined, undefined])
})
