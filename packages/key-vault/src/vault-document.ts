import { KeyVaultError } from './vault-error.ts'

/**
 * What a version is there for: `next` waits to be promoted, `active` is what calls use, `retiring` may be in use
 * and is what calls go back to, `revoked` has lost its value.
 */
export type VersionState = 'next' | 'active' | 'retiring' | 'revoked'

export interface StoredVersion {
  readonly version: number
  readonly state: VersionState
  /** Gone when revoked. */
  readonly value?: string | undefined
  readonly fingerprint: string
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** When the state became what it is. */
  readonly changedAt: number
  /** Of a `retiring` version: when its grace period is over, so that it counts as revoked. */
  readonly until?: number | undefined
  /** Why it is in this state, where that needs saying. */
  readonly note?: string | undefined
}

export interface StoredSecret {
  readonly environment: string
  /** By version. */
  readonly versions: readonly StoredVersion[]
}

/** All that a vault holds. Plain data, sealed as one. */
export interface VaultDocument {
  readonly format: 1
  readonly secrets: { readonly [name: string]: StoredSecret }
  /** What fingerprints are made with; undefined in documents of earlier versions, whose fingerprints are plain digests. */
  readonly fingerprintKey?: string | undefined
}

export const emptyDocument: VaultDocument = { format: 1, secrets: {} }

export function encodeDocument(document: VaultDocument): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document))
}

/** @throws KeyVaultError DAMAGED when the bytes are no document */
export function decodeDocument(bytes: Uint8Array, where: string): VaultDocument {
  try {
    const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as VaultDocument
    const { format, secrets, fingerprintKey = '' } = parsed
    if (format === 1 && typeof secrets === 'object' && typeof fingerprintKey === 'string') return parsed
  } catch {
    // The parser quotes what it reads, which may be a key.
  }
  throw new KeyVaultError(
    'DAMAGED',
    `what ${where} holds was sealed by something else, or by a newer version of this package`,
  )
}
