import { randomBytes } from 'node:crypto'
import type { Vault } from '@spillway/key-vault'
import type { SharedState } from '../shared-state.ts'
import { configuredKey } from './configured-key.ts'
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
    return createFingerprints(
      Buffer.from(await configuredKey(configured, sources.vault, 'server.fingerprintKey')),
    )
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
      `redis did not answer: until it does, this gateway identifies callers by its own key, and shares no limits of theirs; ${advice}`,
    )
  }
  return fingerprints
}
