import type { AuditMark } from './audit-chain.ts'
import type { AuditSigner } from './audit-keys.ts'
import { type AuditDb, hasMark, type readEnd } from './audit-marks.ts'

/** What the end of the log must be for a writer to go on from there. */
export interface Writer {
  /** The first one signs, each is known. */
  readonly signers: readonly AuditSigner[]
  /** The last end that this process has signed: the log cannot have become shorter since. */
  readonly signed: AuditMark | undefined
}

/**
 * Who signs the next row. A log that was signed once is never continued without its key, and never behind an end that nobody
 * has signed: the next row would hide that something was cut off.
 * @throws Error with `code` `SPILLWAY_AUDIT_REFUSED`
 */
export async function signerFor(
  db: AuditDb,
  { head, last }: Awaited<ReturnType<typeof readEnd>>,
  { signers, signed }: Writer,
): Promise<AuditSigner | undefined> {
  const [current] = signers
  const hasShrunk =
    signed !== undefined && (head.seq < signed.seq || (head.seq === signed.seq && head.hash !== signed.hash))
  if (hasShrunk) throw refused(`its end was row ${signed.seq}, and is row ${head.seq} now: rows were removed`)
  const keyId = head.key_id ?? last?.key_id ?? null
  const isAgain = async (): Promise<boolean> => current !== undefined && hasMark(db, `key:${current.id}`)
  if (keyId === null) {
    if (current === undefined || head.seq === 0) return current
    if (await isAgain())
      throw refused(`its end, row ${head.seq}, is not signed, though rows were: rows were removed`)
    // Whoever deletes what was signed, and leaves a row that was not, must not get that signed by the next writer.
    throw refused(
      `there is a key, and its rows up to ${head.seq} are not signed: verify it, and sign it once`,
    )
  }
  const holder = signers.find(({ id }) => id === keyId)
  if (holder === undefined) {
    const missing =
      current === undefined
        ? 'and no key was given'
        : `which was not given: name it behind the new one, ${current.id}`
    throw refused(`it is signed with the key ${keyId}, ${missing}`)
  }
  if (head.mac !== holder.macOfEnd(head) || last?.hash !== head.hash)
    throw refused(`its end, row ${head.seq}, is not the one that was signed: rows were removed or changed`)
  if (holder !== current && (await isAgain()))
    throw refused(
      `the key ${current?.id} was replaced by ${keyId}: a key that was replaced does not sign again`,
    )
  return current
}

function refused(reason: string): Error {
  return auditRefusal(`the audit log takes no entries: ${reason} (see "spillway audit sign --help")`)
}

/** The log is not as its writers left it, or not theirs to go on with. */
export function auditRefusal(message: string): Error {
  return Object.assign(new Error(message), { code: 'SPILLWAY_AUDIT_REFUSED' })
}
