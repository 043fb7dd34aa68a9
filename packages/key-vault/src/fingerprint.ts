import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { StoredSecret, StoredVersion, VaultDocument } from './vault-document.ts'

/**
 * Tells values apart without showing them: 128 bits of their HMAC-SHA-256, as 22 characters of base64url. Without the
 * key no one can find a value by hashing guesses.
 */
export function fingerprintOf(value: string, key: string): string {
  return createHmac('sha256', key).update(value).digest('base64url').slice(0, 22)
}

export function newFingerprintKey(): string {
  return randomBytes(32).toString('base64url')
}

/** A document that can be written: with a key for fingerprints, and all of them made with it. */
export type KeyedDocument = VaultDocument & { readonly fingerprintKey: string }

/** The same document where it has a key already. */
export function withFingerprintKey(document: VaultDocument): KeyedDocument {
  if (isKeyed(document)) return document
  return keyed(document, newFingerprintKey())
}

const derived = new WeakMap<VaultDocument, KeyedDocument>()

/**
 * A document to show fingerprints of. One without a key, as earlier versions of this package wrote it, gets one that is
 * derived from its secrets, so that it is the same for everybody who can open it, until the document is next written.
 */
export function readableFingerprints(document: VaultDocument): KeyedDocument {
  if (isKeyed(document)) return document
  let readable = derived.get(document)
  if (readable === undefined) {
    const key = createHash('sha256').update(JSON.stringify(document.secrets)).digest('base64url')
    readable = keyed(document, key)
    derived.set(document, readable)
  }
  return readable
}

function isKeyed(document: VaultDocument): document is KeyedDocument {
  return document.fingerprintKey !== undefined
}

function keyed(document: VaultDocument, fingerprintKey: string): KeyedDocument {
  const renewed = (version: StoredVersion): StoredVersion => ({
    ...version,
    // Of a value that is gone only a plain digest is left, which must not be shown.
    fingerprint: fingerprintOf(version.value ?? `revoked ${version.fingerprint}`, fingerprintKey),
  })
  const secrets = Object.entries(document.secrets).map(([name, secret]): [string, StoredSecret] => [
    name,
    { ...secret, versions: secret.versions.map(renewed) },
  ])
  return { ...document, fingerprintKey, secrets: Object.fromEntries(secrets) }
}
