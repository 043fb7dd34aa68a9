import { dirname } from 'node:path'
import { lockedFile } from '@spillway/key-vault/internal'
import type { Clock } from '@spillway/middleware'
import { type ClientDocument, decodeClients, emptyClients, encodeClients } from './client-document.ts'

/** Where clients are kept. */
export interface ClientStore {
  /** For people: a path, or a table with the address of its database. */
  readonly name: string
  /** All clients; none where nothing is kept yet. @throws Error when they cannot be read */
  load(): Promise<ClientDocument>
  /** Changes with each update; undefined where nothing is kept yet. */
  revision(): Promise<string | undefined>
  /** Changes the clients while no other process can. @returns what is kept from then on */
  update(change: (document: ClientDocument) => ClientDocument): Promise<ClientDocument>
  /** Closes connections. */
  close(): Promise<void>
}

/** Clients in a file that its owner alone can read. */
export function fileClientStore(path: string, clock?: Clock): ClientStore {
  const file = lockedFile({ path, what: 'the file of clients', clock })
  const decode = (bytes: Uint8Array | undefined): ClientDocument =>
    bytes === undefined ? emptyClients : decodeClients(bytes, file.path)
  return {
    name: file.path,
    load: async () => decode(await file.read()),
    revision: () => file.revision(),
    async update(change) {
      let after = emptyClients
      // That of a database which no gateway has made yet, for instance.
      const { makeFolders } = await import('@spillway/ledger')
      makeFolders(dirname(file.path), 0o700)
      await file.update((bytes) => {
        const before = decode(bytes)
        after = change(before)
        return after === before ? undefined : encodeClients(after)
      })
      return after
    },
    close: async () => {},
  }
}
