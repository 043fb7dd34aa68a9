import { dirname, join } from 'node:path'
import type { Config } from '../config/config.ts'
import { safeUrl } from '../safe-url.ts'

const usualName = 'spillway-clients.json'

/** Where clients are kept. */
export type ClientsPlace = { readonly file: string } | { readonly database: string }

/**
 * Where `server.clientsDatabase` or `server.clientsFile` says, else beside the SQLite database, else in the working folder.
 * @throws Error where an environment variable that is named is not set
 */
export function clientsPlaceOf(config: Pick<Config, 'server' | 'storage'> | undefined): ClientsPlace {
  const { clientsFile, clientsDatabase } = config?.server ?? {}
  if (clientsDatabase !== undefined) {
    const named = clientsDatabase === 'storage' ? config?.storage?.url : clientsDatabase
    const database = textOf(named)
    if (database && /^postgres(ql)?:\/\//.test(database)) return { database }
    throw new Error(`server.clientsDatabase: ${nameOf(clientsDatabase)} is no postgres://… URL`)
  }
  if (clientsFile !== undefined) return { file: clientsFile }
  const url = textOf(config?.storage?.url) ?? ''
  return {
    file: url.startsWith('sqlite:') ? join(dirname(url.slice('sqlite:'.length)), usualName) : usualName,
  }
}

/** For people. */
export function shownPlace(place: ClientsPlace): string {
  return 'file' in place ? place.file : safeUrl(place.database)
}

const textOf = (named: string | undefined): string | undefined =>
  named?.startsWith('env:') ? process.env[named.slice(4)]?.trim() : named

const nameOf = (named: string): string =>
  named === 'storage' ? 'storage.url' : named.startsWith('env:') ? named : 'it'
