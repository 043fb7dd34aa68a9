import { KeyVaultError, Secret } from '@spillway/key-vault'
import { afterEach, expect, it, vi } from 'vitest'
import { auditKeysOf } from './audit-keys.ts'

const key = 'a-key-of-the-audit-log-that-nobody-else-has'
afterEach(() => vi.unstubAllEnvs())

const vault = {
  async get(name: string) {
    if (name === 'none') throw new KeyVaultError('UNKNOWN_SECRET', 'no secret "none"')
    return new Secret({ name, version: 1, environment: 'test' }, `${key}-${name}\n`)
  },
}

it('the keys of the audit log come from the environment and from the vault, in their order', async () => {
  vi.stubEnv('SPILLWAY_TEST_KEY_OF_AUDIT', ` ${key}\n`)
  expect(await auditKeysOf(['vault:new', 'env:SPILLWAY_TEST_KEY_OF_AUDIT'], vault)).toEqual([
    `${key}-new`,
    key,
  ])
  expect(await auditKeysOf('vault:new', vault)).toEqual([`${key}-new`])
  expect(await auditKeysOf(undefined, vault)).toBeUndefined()
})

it('a key that cannot be had is an error that names it, and shows none', async () => {
  vi.stubEnv('SPILLWAY_TEST_SHORT', 'too-short-a-key')
  await expect(auditKeysOf('env:SPILLWAY_TEST_UNSET', vault)).rejects.toThrow(
    'storage.auditKey: env:SPILLWAY_TEST_UNSET is not set',
  )
  const short = auditKeysOf('env:SPILLWAY_TEST_SHORT', vault, '--key')
  await expect(short).rejects.toThrow(/^--key: env:SPILLWAY_TEST_SHORT has fewer than 32 characters/)
  await expect(short).rejects.not.toThrow('too-short-a-key')
  await expect(auditKeysOf('vault:none', vault)).rejects.toThrow('storage.auditKey: no secret "none"')
})
