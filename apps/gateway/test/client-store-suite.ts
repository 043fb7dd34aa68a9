import { expect, it } from 'vitest'
import { added, changed, revoked } from '../src/clients/client-changes.ts'
import { emptyClients } from '../src/clients/client-document.ts'
import type { ClientStore } from '../src/clients/client-store.ts'
import { ClientsError } from '../src/clients/clients-error.ts'

const settings = { permissions: ['chat'] }
const key = (name: string) => ({ hash: `hash of ${name}`, prefix: 'sw-abcd' })
const adding = (name: string) => (document: typeof emptyClients) =>
  added(document, name, settings, key(name), 1)

/** What every place for clients has to do. `open` opens the same place each time, which is empty for each test. */
export function clientStoreSuite(open: () => Promise<() => ClientStore>): void {
  it('has no clients and no revision before anything is kept, and reading makes nothing', async () => {
    const store = (await open())()
    expect([await store.load(), await store.revision()]).toEqual([emptyClients, undefined])
    expect(await store.revision()).toBeUndefined()
    await store.close()
  })

  it('keeps what an update says, for others too, and has another revision with each change alone', async () => {
    const opened = await open()
    const [store, other] = [opened(), opened()]
    const first = await store.update(adding('a'))
    const revisions = [await store.revision(), await other.revision()]
    expect(revisions[0]).toBeDefined()
    expect(revisions[1]).toBe(revisions[0])
    expect([await store.load(), await other.load()]).toEqual([first, first])
    await other.update((document) => document)
    expect(await store.revision()).toBe(revisions[0])
    const team = 'Zoë’s — "quotes" \\ and \u2028'
    const second = await other.update((document) => changed(document, 'a', { team }))
    expect(await store.load()).toEqual(second)
    expect((await store.load()).clients.a?.team).toBe(team)
    expect(await store.revision()).not.toBe(revisions[0])
    await Promise.all([store.close(), other.close()])
  })

  it('changes nothing where a change throws, and goes on', async () => {
    const store = (await open())()
    await store.update(adding('a'))
    const revision = await store.revision()
    await expect(store.update(adding('a'))).rejects.toThrow(ClientsError)
    await expect(store.update(adding('a'))).rejects.toThrow('there is a client called a already')
    expect(await store.revision()).toBe(revision)
    await store.update((document) => revoked(document, 'a', 2))
    expect((await store.load()).clients.a?.revokedAt).toBe(2)
    await store.close()
  })

  it('loses no change of those that are made at the same time, the first ones too', async () => {
    const opened = await open()
    const stores = [opened(), opened(), opened()]
    const names = Array.from({ length: 12 }, (_, at) => `client-${at}`)
    await Promise.all(names.map((name, at) => stores[at % stores.length]?.update(adding(name))))
    const { clients } = (await stores[0]?.load()) ?? emptyClients
    expect(Object.keys(clients).sort()).toEqual([...names].sort())
    await Promise.all(stores.map((store) => store.close()))
  })

  it('takes thousands of clients', async () => {
    const store = (await open())()
    await store.update((document) => {
      const clients = Object.fromEntries(
        Array.from({ length: 10_000 }, (_, at) => [
          `client-${at}`,
          { ...settings, createdAt: 0, keys: [{ ...key(`${at}`.padStart(43)), createdAt: 0 }] },
        ]),
      )
      return { ...document, clients }
    })
    expect(Object.keys((await store.load()).clients)).toHaveLength(10_000)
    await store.close()
  })
}
