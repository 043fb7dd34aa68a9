import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { RecentMap } from '@spillway/middleware/kit'

/**
 * Tells credentials apart without showing them. A fingerprint is safe to log and to store: no one can find a credential
 * by hashing guesses, nor another one with the same fingerprint, without the key of the installation.
 */
export interface Fingerprints {
  /** 22 characters of base64url, 128 bits: the same wherever the same key is used. */
  of(credential: string): string
  /** Makes fingerprints with another key from now on. */
  use(key: Uint8Array): void
}

/** A key has at least so many bytes. */
export const keyBytes = 32

/** 128 bits of base64url. */
const shown = 22

/** How many fingerprints are remembered. */
const remembered = 1_000

export function createFingerprints(key: Uint8Array): Fingerprints {
  let secret: KeyObject = createSecretKey(key)
  /**
   * An HMAC takes 7 µs, a plain digest 1. By the digest, so that no credential stays in memory and nothing is compared
   * with one.
   */
  const known = new RecentMap<string>(remembered)
  return {
    of(credential) {
      const digest = hash('sha256', credential)
      const fingerprint =
        known.get(digest) ??
        createHmac('sha256', secret).update(credential).digest('base64url').slice(0, shown)
      known.set(digest, fingerprint)
      return fingerprint
    },
    use(other) {
      secret = createSecretKey(other)
      known.clear()
    },
  }
}
