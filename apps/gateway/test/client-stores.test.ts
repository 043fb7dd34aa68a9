import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { privatePostgres } from '../../../packages/ledger/test/private-postgres.ts'
import { revoked } from '../src/clients/client-changes.ts'
import { fileClientStore } from '../src/clients/client-store.ts'
import { postgresClientStore } from '../src/clients/postgres-client-store.ts'
import { clientStoreSuite } from './client-store-suite.ts'
import { clientsIn } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'

describe('clients in a file', () => {
  clientStoreSuite(async () => {
    const path = join(temporaryFolder(), 'a', 'clients.json')
    return () => fileClientStore(path)
  })
})

const postgres = await privatePostgres()
afterAll(() => postgres?.close())

describe.skipIf(postgres === undefined)('clients in PostgreSQL', () => {
  let databases = 0
  const database = (): Promise<string> =>
    (postgres as NonNullable<typeof postgres>).database(`clients${databases++}`)

  clientStoreSuite(async () => {
    const url = await database()
    return () => postgresClientStore(url)
  })

  it('which others have damaged are refused as a whole', async () => {
    const url = await database()
    const store = postgresClientStore(url)
    await store.update((document) => ({ ...document, hashedWith: 'a' }))
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(`update spillway_clients set document = '{"format":2}'`)
    await client.end()
    await expect(store.load()).rejects.toThrow(
      /^spillway_clients at postgres:\/\/127\.0\.0\.1:\d+\/clients\d+ holds no clients/,
    )
    await expect(store.update((document) => document)).rejects.toThrow('holds no clients')
    await store.close()
  })

  it('are named without a password in what is said of a database that cannot be used', async () => {
    const store = postgresClientStore('postgres://user:top-secret@127.0.0.1:9/gone')
    for (const failing of [store.load(), store.revision(), store.update((document) => document)]) {
      const error = await failing.then(
        () => new Error('no error'),
        (problem: Error) => problem,
      )
      expect(error.message).toBe(
        'spillway_clients at postgres://127.0.0.1:9/gone cannot be used: ECONNREFUSED',
      )
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('top-secret')
    }
    await store.close()
  })

  it('hold at two gateways: one that is revoked is refused within a second at both, also after the database was away', {
    timeout: 60_000,
  }, async () => {
    const url = await database()
    const claude = forThisTest(await startClaude())
    const clients = await clientsIn(postgresClientStore(url), { gone: {}, kept: {}, late: {} })
    process.env.SPILLWAY_TEST_CLIENTS_DATABASE = url
    const server = {
      auth: 'keys',
      fingerprintKey: clients.fingerprintKey,
      clientsDatabase: 'env:SPILLWAY_TEST_CLIENTS_DATABASE',
    }
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { server })
    const gateways = [await gatewayOf(config), await gatewayOf(config)]
    const body = { model: 'claude-opus-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hello?' }] }
    const statuses = (name: string): Promise<number[]> =>
      Promise.all(
        gateways.map(async (gateway) => {
          const headers = { 'x-api-key': clients.keys[name] as string }
          return (
            await fetch(`${gateway.url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(body) })
          ).status
        }),
      )
    const states = () =>
      Promise.all(
        gateways.map(
          async ({ url: at }) =>
            ((await (await fetch(`${at}/readyz`)).json()) as { clients?: string }).clients,
        ),
      )
    const revoke = async (name: string): Promise<number> => {
      await clients.store.update((document) => revoked(document, name, Date.now()))
      const at = performance.now()
      await expect.poll(() => statuses(name), { interval: 20, timeout: 5_000 }).toEqual([401, 401])
      return performance.now() - at
    }
    expect([await statuses('gone'), await statuses('kept')]).toEqual([
      [200, 200],
      [200, 200],
    ])
    expect(await revoke('gone')).toBeLessThan(process.env.CI ? 3_000 : 1_000)
    await postgres?.stop()
    await expect.poll(states, { timeout: 10_000 }).toEqual(['stale', 'stale'])
    expect([await statuses('gone'), await statuses('kept')]).toEqual([
      [401, 401],
      [200, 200],
    ])
    await postgres?.start()
    await expect.poll(states, { timeout: 10_000 }).toEqual([undefined, undefined])
    expect(await revoke('late')).toBeLessThan(process.env.CI ? 3_000 : 1_000)
    postgres?.freeze()
    await expect.poll(states, { timeout: 10_000 }).toEqual(['stale', 'stale'])
    expect(await statuses('kept')).toEqual([200, 200])
    postgres?.thaw()
    await expect.poll(states, { timeout: 10_000 }).toEqual([undefined, undefined])
    await clients.store.close()
  })
})
