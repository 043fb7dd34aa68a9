import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from '../test/memory-driver.ts'
import { codeOf } from '../test/support.ts'
import type { CredentialLease } from './credential-source.ts'
import { processEnvironment } from './environment.ts'
import { environmentVariables } from './read-only-drivers.ts'
import { openVault, type VaultOptions } from './vault.ts'
import type { VaultEvent } from './vault-events.ts'
import { type Verify, verifyCredential } from './verify.ts'

const minute = 60_000

function setUp(options: Partial<VaultOptions> = {}, secrets: Record<string, string> = { claude: 'sk-1' }) {
  const clock = virtualClock()
  const driver = memoryDriver(secrets)
  const events: VaultEvent[] = []
  const onEvent = (event: VaultEvent) => void events.push(event)
  const vault = openVault({ driver, environment: 'test', clock, onEvent, ...options })
  const use = async (): Promise<string> => {
    const lease = await vault.credential('claude').token(clock)
    lease.release()
    return lease.value
  }
  const types = () => events.map(({ type }) => type)
  return { clock, driver, events, types, vault, use }
}

describe('secrets in memory', () => {
  it('are read once for many calls, and lent at once from then on', async () => {
    const { driver, use, vault } = setUp()
    expect(await Promise.all(Array.from({ length: 50 }, use))).toEqual(Array(50).fill('sk-1'))
    expect(driver.loads).toBe(1)
    expect(vault.credential('claude').token()).not.toBeInstanceOf(Promise)
  })

  it('are read again ahead of their expiry, while calls go on with them', async () => {
    const { clock, driver, use } = setUp()
    await use()
    await clock.advance(3.9 * minute)
    await use()
    expect(driver.loads).toBe(1)
    await clock.advance(0.2 * minute)
    driver.hangs = true
    expect(await use()).toBe('sk-1')
    expect(driver.loads).toBe(2)
  })

  it('stay in use while the vault is out of reach, and that is said once', async () => {
    const { clock, driver, types, use, vault } = setUp()
    await use()
    driver.failure = 'UNAVAILABLE'
    for (let i = 0; i < 60; i++) {
      await clock.advance(minute)
      expect(await use()).toBe('sk-1')
    }
    expect(types()).toEqual(['vault.stale'])
    expect(vault.state).toMatchObject({ status: 'stale', error: { code: 'SPILLWAY_VAULT_UNAVAILABLE' } })
    driver.failure = undefined
    await clock.advance(minute)
    await use()
    await clock.advance(0)
    expect(types()).toEqual(['vault.stale', 'vault.recovered'])
    expect(vault.state).toEqual({ status: 'fresh', error: undefined })
  })

  it('are waited for no longer than a second when the vault hangs', async () => {
    const { clock, driver, use } = setUp()
    await use()
    await clock.advance(10 * minute)
    driver.hangs = true
    const began = clock.now()
    expect(await clock.runUntil(use())).toBe('sk-1')
    expect(clock.now() - began).toBe(1000)
  })

  it('are not used on once access is withdrawn', async () => {
    const { clock, driver, types, use, vault } = setUp()
    await use()
    driver.failure = 'KEY_DISABLED'
    await clock.advance(10 * minute)
    expect(await codeOf(use())).toBe('KEY_DISABLED')
    expect(await codeOf(use())).toBe('KEY_DISABLED')
    expect(types()).toEqual(['vault.withdrawn'])
    expect(vault.state.status).toBe('empty')
    driver.failure = undefined
    expect(await use()).toBe('sk-1')
  })

  it('that were never read fail as the vault does', async () => {
    const { driver, use } = setUp()
    driver.failure = 'SEALED'
    expect(await codeOf(use())).toBe('SEALED')
    driver.failure = undefined
    expect(await use()).toBe('sk-1')
  })

  it('are seen to have changed by somebody else within a second, where the driver can tell', async () => {
    const { clock, driver, use } = setUp()
    let revision = 'a'
    driver.revision = async () => revision
    await use()
    driver.document = memoryDriver({ claude: 'sk-2' }).document
    revision = 'b'
    await clock.advance(1000)
    await use()
    await clock.advance(0)
    expect(await use()).toBe('sk-2')
  })

  it('are read again once when the upstream refuses the only one', async () => {
    const { clock, driver, use, vault } = setUp()
    expect(await use()).toBe('sk-1')
    driver.document = memoryDriver({ claude: 'sk-2' }).document
    vault.credential('claude').refused('sk-1')
    expect(await use()).toBe('sk-2')
    const { loads } = driver
    for (let i = 0; i < 10; i++) {
      vault.credential('claude').refused('sk-2')
      await use()
    }
    expect(driver.loads).toBe(loads)
    await clock.advance(5000)
    vault.credential('claude').refused('sk-2')
    await use()
    expect(driver.loads).toBe(loads + 1)
  })
})

describe('an environment', () => {
  it.each([
    ['production', 'development'],
    ['development', 'production'],
  ])('%s refuses the keys of %s, and says what to do', async (here, there) => {
    const vault = openVault({ driver: memoryDriver({ claude: 'sk-1' }, there), environment: here })
    for (const refused of [vault.get('claude'), Promise.resolve(vault.credential('claude').token())]) {
      const error = await refused.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'SPILLWAY_VAULT_WRONG_ENVIRONMENT' })
      expect((error as Error).message).toBe(
        `secret "claude" is for ${there}, and this process runs in ${here}: add a key for ${here} to its own vault, ` +
          `or set SPILLWAY_ENV=${there} if this is ${there}`,
      )
    }
    expect(await codeOf(vault.add('claude', 'sk-2'))).toBe('WRONG_ENVIRONMENT')
    expect(await codeOf(vault.promote('claude'))).toBe('WRONG_ENVIRONMENT')
  })

  it('is SPILLWAY_ENV, else NODE_ENV, else development', () => {
    expect(processEnvironment({ SPILLWAY_ENV: 'staging', NODE_ENV: 'production' })).toBe('staging')
    expect(processEnvironment({ NODE_ENV: 'production' })).toBe('production')
    expect(processEnvironment({})).toBe('development')
  })
})

describe('environment variables', () => {
  const env = { ANTHROPIC_API_KEY: 'sk-1', EMPTY: '' }
  const driver = environmentVariables({ variables: { claude: 'ANTHROPIC_API_KEY', none: 'EMPTY' }, env })

  it('are secrets of a developer', async () => {
    const vault = openVault({ driver, environment: 'development' })
    expect((await vault.get('claude')).expose()).toBe('sk-1')
    expect(await codeOf(vault.get('none'))).toBe('UNKNOWN_SECRET')
    expect(await codeOf(vault.add('claude', 'sk-2'))).toBe('READ_ONLY')
  })

  it('are refused in production unless they are said to be for it', async () => {
    expect(await codeOf(openVault({ driver, environment: 'production' }).get('claude'))).toBe(
      'WRONG_ENVIRONMENT',
    )
    const meant = environmentVariables({
      variables: { claude: 'ANTHROPIC_API_KEY' },
      environment: 'production',
      env,
    })
    expect(await codeOf(openVault({ driver: meant, environment: 'production' }).get('claude'))).toBe('none')
  })
})

describe('versions', () => {
  const states = async (vault: ReturnType<typeof setUp>['vault']) =>
    (await vault.list('claude')).map(({ version, state }) => `${version} ${state}`)

  it('wait, become active, retire and are revoked', async () => {
    const { clock, use, vault } = setUp()
    expect(await vault.add('claude', 'sk-2')).toMatchObject({ version: 2, state: 'next' })
    expect(await use()).toBe('sk-1')
    expect(await vault.promote('claude')).toMatchObject({ version: 2, state: 'active' })
    expect(await use()).toBe('sk-2')
    expect(await states(vault)).toEqual(['1 retiring', '2 active'])
    await clock.advance(5 * minute)
    expect(await states(vault)).toEqual(['1 revoked', '2 active'])
    await vault.revoke('claude', 2)
    expect(await codeOf(use())).toBe('NO_VERSION')
    expect(await codeOf(vault.get('claude'))).toBe('NO_VERSION')
    expect(await vault.add('claude', 'sk-3')).toMatchObject({ version: 3, state: 'active' })
  })

  it('that are revoked lose their value', async () => {
    const { clock, driver, vault } = setUp()
    await vault.add('claude', 'sk-2')
    await vault.promote('claude')
    await clock.advance(5 * minute)
    await vault.add('claude', 'sk-3')
    expect(JSON.stringify(driver.document)).not.toContain('sk-1')
    await vault.add('claude', 'sk-4')
    expect(JSON.stringify(driver.document)).not.toContain('sk-3')
  })

  it('have names and values that make sense', async () => {
    const { vault } = setUp()
    for (const [name, value] of [
      ['', 'v'],
      ['a b', 'v'],
      ['../x', 'v'],
      ['__proto__', 'v'],
      ['a', ''],
      ['a', ' \n'],
      ['a', 'v\nw'],
      ['a', 'v w'],
      ['a', '"v"'],
      ['a', 'ü'],
    ]) {
      expect(await codeOf(vault.add(name as string, value as string))).toBe('INVALID_INPUT')
    }
    expect(await codeOf(vault.promote('claude'))).toBe('NO_VERSION')
    expect(await codeOf(vault.promote('other'))).toBe('UNKNOWN_SECRET')
    expect(await codeOf(vault.revoke('claude', 7))).toBe('NO_VERSION')
    expect(await codeOf(vault.get('constructor'))).toBe('UNKNOWN_SECRET')
  })

  it('are the keys alone, without the white space that came with them', async () => {
    const { vault } = setUp()
    await vault.add('mounted', '\ufeffsk-one\r\n')
    expect((await vault.get('mounted')).expose()).toBe('sk-one')
    const verified: string[] = []
    const verify: Verify = async (secret) => {
      verified.push(secret.expose())
      return { ok: true }
    }
    await vault.rotate('mounted', 'sk-two\n', { verify, drain: false })
    expect(verified).toEqual(['sk-two'])
    expect((await vault.get('mounted')).expose()).toBe('sk-two')
    const [first, second] = await vault.list('mounted')
    expect(first?.fingerprint).not.toBe(second?.fingerprint)
    expect((await vault.add('other', 'sk-two')).fingerprint).toBe(second?.fingerprint)
  })

  it('are verified at an address alone, which is not repeated where it holds a password', () => {
    for (const baseUrl of [
      'http://user:secret@host.example',
      'https://host.example/?key=secret',
      'http://user:secret/x@host.example',
    ]) {
      const verify = (): unknown => verifyCredential({ provider: 'anthropic', baseUrl })
      expect(verify).toThrow(/^the URL to verify a key at ((?!secret).)*$/)
    }
  })

  it('that can be no keys are named by what is wrong with them, and not shown', async () => {
    const { vault } = setUp()
    for (const store of [
      vault.add('a', 'sk-one\nsk-two'),
      vault.rotate('claude', 'sk-one\nsk-two', { verify: async () => ({ ok: true }) }),
    ]) {
      await expect(store).rejects.toThrow(/^the key contains a line break((?!sk-).)*$/)
    }
    expect(await vault.list('claude')).toHaveLength(1)
  })

  it('say when they were last used', async () => {
    const { clock, use, vault } = setUp()
    expect((await vault.list())[0]?.lastUsedAt).toBeUndefined()
    await clock.advance(1000)
    await use()
    expect((await vault.list())[0]?.lastUsedAt).toBe(clock.epoch())
  })

  it('are lent and given back, each once', async () => {
    const { vault } = setUp()
    const leases: CredentialLease[] = []
    for (let i = 0; i < 3; i++) leases.push(await vault.credential('claude').token())
    for (const { release } of leases.slice(1)) {
      release()
      release()
    }
    expect(vault.leases()).toEqual([{ name: 'claude', version: 1, open: 1, granted: 3 }])
  })
})

describe('a closed vault', () => {
  it('gives nothing', async () => {
    const { use, vault } = setUp()
    await use()
    await vault.close()
    await vault.close()
    expect(await codeOf(use())).toBe('CLOSED')
    expect(await codeOf(vault.add('a', 'b'))).toBe('CLOSED')
    expect(await codeOf(vault.refresh())).toBe('CLOSED')
  })
})
