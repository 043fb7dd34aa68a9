import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from '../test/memory-driver.ts'
import { codeOf } from '../test/support.ts'
import { openVault } from './vault.ts'
import type { VaultEvent } from './vault-events.ts'
import type { Verification, Verify } from './verify.ts'

const good: Verify = async () => ({ ok: true })

function setUp() {
  const clock = virtualClock()
  const driver = memoryDriver({ claude: 'sk-1' })
  const events: VaultEvent[] = []
  const onEvent = (event: VaultEvent) => void events.push(event)
  const vault = openVault({ driver, environment: 'test', clock, onEvent })
  const credential = vault.credential('claude')
  const lease = async () => credential.token(clock)
  const states = () =>
    driver.document.secrets.claude?.versions.map(({ version, state }) => `${version} ${state}`)
  const types = () => events.map(({ type }) => type)
  return { clock, driver, vault, credential, lease, states, types }
}

describe('a rotation', () => {
  it('verifies, promotes, waits for the last lease of the old version, and revokes it', async () => {
    const { clock, lease, states, types, vault } = setUp()
    const old = [await lease(), await lease()]
    const verified = Promise.withResolvers<Verification>()
    let seen = ''
    const rotated = vault.rotate('claude', 'sk-2', {
      verify: (secret) => {
        seen = `${secret} ${secret.expose()}`
        return verified.promise
      },
    })
    await clock.advance(0)
    expect([seen, states()]).toEqual(['[secret claude v2] sk-2', ['1 active', '2 next']])
    expect((await lease()).value).toBe('sk-1')
    verified.resolve({ ok: true })
    await clock.advance(0)
    expect(states()).toEqual(['1 retiring', '2 active'])
    const fresh = await lease()
    expect(fresh.value).toBe('sk-2')
    fresh.release()
    old[0]?.release()
    await clock.advance(1000)
    expect(states()).toEqual(['1 retiring', '2 active'])
    old[1]?.release()
    // The third lease of the old version is still out.
    await clock.advance(1000)
    expect(states()).toEqual(['1 retiring', '2 active'])
    expect(vault.leases()[0]).toEqual({ name: 'claude', version: 1, open: 1, granted: 3 })
    await clock.advance(300_000)
    expect(await rotated).toEqual({
      name: 'claude',
      outcome: 'completed',
      version: 2,
      previous: 1,
      drained: 'grace',
    })
    expect(states()).toEqual(['1 revoked', '2 active'])
    expect(types()).toEqual(['rotation.started', 'rotation.promoted', 'rotation.completed'])
    expect(clock.pending).toBe(0)
  })

  it('is over at once when nobody uses the old version and the new one has served', async () => {
    const { clock, lease, states, vault } = setUp()
    const rotated = vault.rotate('claude', 'sk-2', { verify: good })
    await clock.advance(0)
    expect(states()).toEqual(['1 retiring', '2 active'])
    ;(await lease()).release()
    expect(await rotated).toMatchObject({ outcome: 'completed', drained: 'leases' })
    expect(clock.now()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it.each<[string, Verify, string]>([
    [
      'refuses it',
      async () => ({ ok: false, reason: 'refused', detail: 'the vendor answers 401' }),
      'refused',
    ],
    ['cannot say', async () => ({ ok: false, reason: 'unverified', detail: 'no answer' }), 'unverified'],
    ['throws', () => Promise.reject(new TypeError('bad key sk-2')), 'unverified'],
  ])('is taken back when its verification %s', async (_, verify, reason) => {
    const { driver, lease, states, types, vault } = setUp()
    const report = await vault.rotate('claude', 'sk-2', { verify })
    expect(report).toMatchObject({ outcome: 'rolled_back', version: 2, previous: 1, reason })
    expect(JSON.stringify(report)).not.toContain('sk-2')
    expect(states()).toEqual(['1 active', '2 revoked'])
    expect(JSON.stringify(driver.document)).not.toContain('sk-2')
    expect((await lease()).value).toBe('sk-1')
    expect(types()).toEqual(['rotation.started', 'rotation.rolled_back'])
  })

  it('is taken back when calls get 401: the version before is lent again at once', async () => {
    const { clock, credential, lease, states, types, vault } = setUp()
    const rotated = vault.rotate('claude', 'sk-2', { verify: good })
    await clock.advance(0)
    const first = await lease()
    const second = await lease()
    expect([first.value, second.value]).toEqual(['sk-2', 'sk-2'])
    credential.refused('sk-2')
    expect((await lease()).value).toBe('sk-1')
    credential.refused('sk-2')
    first.release()
    second.release()
    expect(await rotated).toMatchObject({ outcome: 'rolled_back', reason: 'refused_in_use' })
    expect(states()).toEqual(['1 active', '2 next'])
    expect((await vault.list('claude'))[1]?.note).toBe('refused by the upstream')
    expect(types()).toEqual([
      'rotation.started',
      'rotation.promoted',
      'version.refused',
      'rotation.rolled_back',
    ])
  })

  it('never revokes a version that calls have gone back to', async () => {
    const { clock, credential, driver, lease, states, vault } = setUp()
    const rotated = vault.rotate('claude', 'sk-2', { verify: good })
    await clock.advance(0)
    const fresh = await lease()
    driver.failure = 'UNAVAILABLE'
    credential.refused('sk-2')
    await clock.advance(0)
    driver.failure = undefined
    fresh.release()
    // It could not be written down, so the report waits for nobody and says what is known.
    expect((await rotated).outcome).toBe('rolled_back')
    expect(states()).toEqual(['1 retiring', '2 active'])
    expect((await lease()).value).toBe('sk-1')
  })

  it('may leave the old version to its grace, for other processes', async () => {
    const { clock, states, vault } = setUp()
    expect(await vault.rotate('claude', 'sk-2', { verify: good, drain: false })).toMatchObject({
      drained: 'left',
    })
    expect(states()).toEqual(['1 retiring', '2 active'])
    await clock.advance(300_000)
    expect((await vault.list('claude'))[0]?.state).toBe('revoked')
  })

  it('ends its wait when it is aborted or the vault closes, and leaves no listener', async () => {
    for (const how of ['abort', 'close']) {
      const { clock, vault } = setUp()
      const controller = new AbortController()
      const rotated = vault.rotate('claude', 'sk-2', { verify: good, signal: controller.signal })
      await clock.advance(0)
      if (how === 'abort') controller.abort()
      else await vault.close()
      expect(await rotated).toMatchObject({ outcome: 'completed', drained: 'left' })
      expect(clock.pending).toBe(0)
    }
  })

  it('needs a secret that is there', async () => {
    const { vault } = setUp()
    expect(await codeOf(vault.rotate('other', 'sk-2', { verify: good }))).toBe('UNKNOWN_SECRET')
  })
})
