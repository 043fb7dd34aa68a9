import { join } from 'node:path'
import { added, revoked, rotated } from '../src/clients/client-changes.ts'
import type { ClientSettings } from '../src/clients/client-document.ts'
import { clientHash, hashedWith } from '../src/clients/client-hash.ts'
import { newClientKey, prefixOf } from '../src/clients/client-key.ts'
import { type ClientStore, fileClientStore } from '../src/clients/client-store.ts'
import { temporaryFolder } from './gateway.ts'

const secret = 'a-secret-for-tests-of-client-keys-0123456789'
process.env.SPILLWAY_TEST_CLIENT_SECRET = secret
const hash = clientHash(Buffer.from(secret))

/** What a test does with the clients of a gateway, as `spillway clients` does it. */
export interface TestClients {
  /** For the configuration of the gateway. */
  readonly server: { readonly auth: 'keys'; readonly fingerprintKey: string; readonly clientsFile: string }
  /** By the names of the clients. */
  readonly keys: Readonly<Record<string, string>>
  revoke(name: string): Promise<void>
  /** Resolves with the new key. */
  rotate(name: string, overlap: number): Promise<string>
}

/** Clients in a file of this test's own. */
export async function clientsOf(
  clients: Readonly<Record<string, Partial<ClientSettings>>>,
): Promise<TestClients> {
  const clientsFile = join(temporaryFolder(), 'clients.json')
  const { fingerprintKey, ...rest } = await clientsIn(fileClientStore(clientsFile), clients)
  return { server: { auth: 'keys', fingerprintKey, clientsFile }, ...rest }
}

/** Clients in any place. */
export async function clientsIn(
  store: ClientStore,
  clients: Readonly<Record<string, Partial<ClientSettings>>>,
): Promise<Omit<TestClients, 'server'> & { readonly fingerprintKey: string; readonly store: ClientStore }> {
  const keys: Record<string, string> = {}
  await store.update((before) => {
    let document = hashedWith(before, hash, store.name)
    for (const [name, settings] of Object.entries(clients)) {
      const key = newClientKey()
      keys[name] = key
      const stored = { hash: hash.of(key), prefix: prefixOf(key) }
      document = added(document, name, { permissions: ['chat', 'tools'], ...settings }, stored, Date.now())
    }
    return document
  })
  return {
    ...{ store, keys, fingerprintKey: 'env:SPILLWAY_TEST_CLIENT_SECRET' },
    async revoke(name) {
      await store.update((before) => revoked(before, name, Date.now()))
    },
    async rotate(name, overlap) {
      const key = newClientKey()
      const stored = { hash: hash.of(key), prefix: prefixOf(key) }
      await store.update((before) => rotated(before, name, stored, { overlap, now: Date.now() }))
      return key
    },
  }
}
