import type { Vault } from '@spillway/key-vault'
import type { Clock } from '@spillway/middleware'
import type { Config } from '../config/config.ts'
import { configuredKey } from '../fingerprints/configured-key.ts'
import { storedKey } from '../fingerprints/key-file.ts'
import { type ClientDirectory, openDirectory } from './client-directory.ts'
import { type ClientHash, clientHash } from './client-hash.ts'
import { type ClientStore, fileClientStore } from './client-store.ts'
import { clientsPlaceOf } from './clients-place.ts'
import { postgresClientStore } from './postgres-client-store.ts'

export interface ClientSecretSources {
  /** `server.fingerprintKey` */
  readonly configured: string | undefined
  readonly vault: Pick<Vault, 'get'> | undefined
  /** Null: nothing is kept there. */
  readonly stateFolder: string | null
  readonly log: (line: string) => void
}

/**
 * What keys are hashed with: the configured key of fingerprints, else the one in the state folder; never the one that gateways
 * agree on in Redis, which is not known before Redis answers.
 * @throws Error where there is none
 */
export async function openClientHash(sources: ClientSecretSources): Promise<ClientHash> {
  const { configured, vault, stateFolder, log } = sources
  if (configured !== undefined)
    return clientHash(Buffer.from(await configuredKey(configured, vault, 'server.fingerprintKey')))
  if (stateFolder === null)
    throw new Error(
      'server.auth: keys (or server.admin: login) needs server.fingerprintKey (env:NAME or vault:NAME) to hash keys with',
    )
  try {
    const { key, warning } = await storedKey(stateFolder)
    if (warning !== undefined) log(warning)
    return clientHash(key)
  } catch (error) {
    throw new Error(
      `what client keys are hashed with cannot be read: ${(error as Error).message}; set server.fingerprintKey to env:NAME or vault:NAME`,
    )
  }
}

export function openClientStore(config: Parameters<typeof clientsPlaceOf>[0], clock?: Clock): ClientStore {
  const place = clientsPlaceOf(config)
  return 'file' in place ? fileClientStore(place.file, clock) : postgresClientStore(place.database)
}

/** The clients of a gateway that asks for keys, and what changes them. */
export interface OpenClients {
  readonly directory: ClientDirectory
  readonly store: ClientStore
  readonly hash: ClientHash
}

/**
 * Opens the clients of a gateway that asks for keys.
 * @throws Error where they cannot be read
 */
export async function openClients(
  config: Config,
  sources: Omit<ClientSecretSources, 'configured'> & { readonly clock: Clock },
): Promise<OpenClients> {
  const { clock, log } = sources
  const hash = await openClientHash({ ...sources, configured: config.server.fingerprintKey })
  const store = openClientStore(config, clock)
  const directory = await openDirectory({ store, hash, clock, log }).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  if (directory.size === 0 && config.server.auth === 'keys' && config.server.oidc === undefined)
    log(
      `${store.name} has no clients, so every call is refused: "spillway clients add NAME" prints a key for one`,
    )
  return { directory, store, hash }
}
