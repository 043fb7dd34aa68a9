import { createHmac, createSecretKey } from 'node:crypto'
import type { AuditMark } from './audit-chain.ts'

/** A secret of 32 bytes or more, such as `openssl rand -hex 32` prints. Text counts as its UTF-8. */
export type AuditKey = string | Uint8Array

/** Signs rows, and the end of the log, under one key. */
export interface AuditSigner {
  /** Tells keys apart; it shows nothing of the key. */
  readonly id: string
  macOfRow(hash: string): string
  macOfEnd(mark: AuditMark): string
}

const shortest = 32

/**
 * Signers for keys; the first one signs, each may check.
 * @throws RangeError for a key that is too short
 */
export function auditSigners(keys: AuditKey | readonly AuditKey[] | undefined): AuditSigner[] {
  if (keys === undefined) return []
  const list = typeof keys === 'string' || keys instanceof Uint8Array ? [keys] : keys
  return list.map(signerOf)
}

function signerOf(key: AuditKey): AuditSigner {
  const secret = typeof key === 'string' ? Buffer.from(key) : key
  if (secret.byteLength < shortest) {
    throw new RangeError(
      `an audit key must have ${shortest} bytes or more, but this one has ${secret.byteLength}: make one with "openssl rand -hex 32"`,
    )
  }
  const keyObject = createSecretKey(secret)
  // What is signed says what it is, so that no MAC is valid for another thing.
  const mac = (text: string): string => createHmac('sha256', keyObject).update(text).digest('hex')
  return {
    id: mac('spillway-audit/2 key').slice(0, 16),
    macOfRow: (hash) => mac(`spillway-audit/2 row\n${hash}`),
    macOfEnd: ({ seq, hash }) => mac(`spillway-audit/2 end\n${seq}\n${hash}`),
  }
}
