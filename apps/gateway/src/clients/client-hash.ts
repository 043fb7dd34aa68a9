import { createHmac, createSecretKey } from 'node:crypto'
import type { ClientDocument } from './client-document.ts'
import { ClientsError } from './clients-error.ts'

/** Hashes client keys with the secret of an installation. */
export interface ClientHash {
  /** Of the secret: tells without showing it whether hashes were made with it. */
  readonly id: string
  /** 43 characters of base64url. */
  of(key: string): string
  /** The same of a code to log in with, which is no key. */
  ofLogin(code: string): string
  /** 32 bytes for another purpose, the same wherever the secret is the same. */
  secretFor(purpose: string): Uint8Array
}

/** @param secret at least 32 bytes */
export function clientHash(secret: Uint8Array): ClientHash {
  const key = createSecretKey(secret)
  // Apart from fingerprints, which are made with the same secret and are public.
  const hmac = (text: string, what = 'client key'): string =>
    createHmac('sha256', key).update(`spillway ${what}\n${text}`).digest('base64url')
  return {
    id: hmac('').slice(0, 16),
    of: (text) => hmac(text),
    ofLogin: (code) => hmac(code, 'login code'),
    secretFor: (purpose) => Buffer.from(hmac(purpose, 'derived secret'), 'base64url'),
  }
}

/** What people may see of a key's hash. */
export const fingerprintOf = (hash: string): string => hash.slice(0, 12)

/**
 * A document whose hashes are made with this secret.
 * @throws ClientsError for one that was hashed with another
 */
export function hashedWith(document: ClientDocument, { id }: ClientHash, where: string): ClientDocument {
  if (document.hashedWith === undefined) return { ...document, hashedWith: id }
  if (document.hashedWith === id) return document
  throw new ClientsError(
    `the keys in ${where} were hashed with another secret: set server.fingerprintKey to the one that was used (or bring back the file fingerprint.key of the state folder), else remove the file and add the clients again`,
  )
}
