import { expect, test } from 'vitest'
import { tenantOf } from './tenant.ts'

test('the same key is the same tenant, however it is presented', () => {
  const tenant = tenantOf({ 'x-api-key': 'sk-a' })
  expect(tenant).toMatch(/^key-[0-9a-f]{12}$/)
  expect(tenantOf({ authorization: 'Bearer sk-a' })).toBe(tenant)
  expect(tenantOf({ authorization: 'bearer  sk-a' })).toBe(tenant)
  expect(tenantOf({ 'x-api-key': 'sk-b' })).not.toBe(tenant)
})

test('nothing of the key can be read from it', () => {
  expect(tenantOf({ 'x-api-key': 'sk-secret' })).not.toContain('secret')
})

test('a caller without a key is nobody', () => {
  expect([tenantOf({}), tenantOf({ 'x-api-key': '' }), tenantOf({ authorization: 'Bearer ' })]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
