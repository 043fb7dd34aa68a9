import { createHash } from 'node:crypto'
import { KeyVaultError } from './vault-error.ts'

/**
 * The format of sealed bytes in a file: one line that says who sealed them, how long they are and their SHA-256, then
 * the bytes. So a cut or damaged file is told from a wrong key, which no sealer can do by itself.
 */
const firstLine = /^spillway-vault\/1 sealer=([\w.-]+) length=(\d+) sha256=([0-9a-f]{64})$/

const newline = 0x0a

/** The longest first line that is looked for. */
const lineLimit = 256

export function frame(sealer: string, sealed: Uint8Array): Uint8Array {
  const line = `spillway-vault/1 sealer=${sealer} length=${sealed.length} sha256=${sha256(sealed)}\n`
  return Buffer.concat([Buffer.from(line), sealed])
}

/**
 * The sealed bytes of a file, and who sealed them.
 * @throws KeyVaultError TRUNCATED or DAMAGED
 */
export function unframe(
  bytes: Uint8Array,
  where: string,
): { readonly sealer: string; readonly sealed: Uint8Array } {
  const end = bytes.subarray(0, lineLimit).indexOf(newline)
  if (end < 0) {
    if (isBeginning(bytes)) throw truncated(where)
    throw damaged(where)
  }
  const match = firstLine.exec(Buffer.from(bytes.subarray(0, end)).toString('latin1'))
  if (match === null) throw damaged(where)
  const [, sealer, length, digest] = match as unknown as [string, string, string, string]
  const sealed = bytes.subarray(end + 1)
  if (sealed.length < Number(length)) throw truncated(where)
  if (sealed.length > Number(length) || sha256(sealed) !== digest) throw damaged(where)
  return { sealer, sealed }
}

/** Whether these few bytes could be the start of a first line. */
function isBeginning(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('latin1')
  const start = 'spillway-vault/1 sealer='
  if (text.length <= start.length) return start.startsWith(text)
  return /^spillway-vault\/1 sealer=[\w.-]*( l?e?n?g?t?h?(=\d*( s?h?a?2?5?6?(=[0-9a-f]*)?)?)?)?$/.test(text)
}

function truncated(where: string): KeyVaultError {
  return new KeyVaultError('TRUNCATED', `${where} ends too early: restore it from a copy`)
}

function damaged(where: string): KeyVaultError {
  return new KeyVaultError(
    'DAMAGED',
    `${where} has been changed since it was written, or is no vault: restore it from a copy`,
  )
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
