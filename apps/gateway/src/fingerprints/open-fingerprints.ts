import { randomBytes } from 'node:crypto'
import { isKeyVaultError, type Vault } from '@spillway/key-vault'
import type { SharedState } from '../shared-state.ts'
import { problemOfKey } from './configured-key.ts'
import { createFingerprints, type Fingerprints, keyBytes } from './fingerprints.ts'
import { isKey, storedKey } from './key-file.ts'

export interface FingerprintSources {
  /** `env:NAME` or `vault:NAME`. */
  readonly configured?: string | undefined
  readonly vault?: Vault | undefined
  /** Where gateways agree on a key that none of them has configured. */
  readonly shared?: Pick<SharedState, 'agree'> | undefined
  /** Where this gateway keeps its own key; null for a key that ends with the process. */
  readonly stateFolder: string | null
  /** Told what the owner should know. */
  readonly log: (line: string) => void
}

const advice = 'set server.fingerprintKey to env:NAME or vault:NAME'

/**
 * Fingerprints with the key of this installation: the configured one, else the one that gateways on the same Redis
 * share, else the one in the state folder.
 * @throws Error when the configured key cannot be had
 */
export async function openFingerprints(sources: FingerprintSources): Promise<Fingerprints> {
  const { configured, shared, stateFolder, log } = sources
  if (configured !== undefined) {
    return createFingerprints(Buffer.from(await configuredKey(configured, sources.vault)))
  }
  let own: Uint8Array = randomBytes(keyBytes)
  if (stateFolder !== null) {
    try {
      const { key, warning } = await storedKey(stateFolder)
      own = key
      if (warning !== undefined) log(warning)
    } catch (error) {
      log(
        `fingerprints of callers' keys hold for this process only, and change with a restart: ${(error as Error).message}; ${advice}`,
      )
    }
  }
  const fingerprints = createFingerprints(own)
  const isAgreed = await shared?.agree(
    'fingerprint-key',
    Buffer.from(own).toString('base64url'),
    (agreed) => {
      if (!isKey(agreed)) return log(`the key of fingerprints in Redis is malformed and not used; ${advice}`)
      fingerprints.use(Buffer.from(agreed, 'base64url'))
    },
  )
  if (isAgreed === false) {
    log(
      `redis did not answer: until it does, this gateway tells callers apart by a key of its own, and shares no limits of theirs; ${advice}`,
    )
  }
  return fingerprints
}

async function configuredKey(reference: string, vault: Vault | undefined): Promise<string> {
  const name = reference.slice(reference.indexOf(':') + 1)
  const value = reference.startsWith('vault:') ? await fromVault(name, vault) : process.env[name]
  const problem = problemOfKey(value)
  if (problem !== undefined) throw new Error(`server.fingerprintKey: ${reference} ${problem}`)
  return (value as string).trim()
}

async function fromVault(name: string, vault: Vault | undefined): Promise<string | undefined> {
  try {
    return (await vault?.get(name))?.expose()
  } catch (error) {
    if (!isKeyVaultError(error)) throw error
    throw new Error(`server.fingerprintKey: ${error.message}`)
  }
}
