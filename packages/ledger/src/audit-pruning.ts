import type { Transaction } from 'kysely'
import {
  type AuditEntry,
  type AuditMark,
  type AuditRow,
  entryOf,
  fitsItsEntry,
  hashOf,
} from './audit-chain.ts'
import type { AuditSigner } from './audit-keys.ts'
import type { AuditMarks, AuditTables } from './audit-marks.ts'
import { auditRefusal } from './audit-signing.ts'

/** Who prunes, and why. */
export interface Pruning {
  /** Of the entry that says so. */
  readonly id: string
  readonly at: number
  readonly actor: string
  /** @default 'retention' */
  readonly reason?: string | undefined
}

/** What an entry `audit.pruned` says: rows behind `from`, up to and including `through`, were removed. */
export interface PrunedRows {
  /** Undefined in rows of version 1. */
  readonly from: AuditMark | undefined
  readonly through: AuditMark
  /** Entries older than that, in milliseconds since the Unix epoch. */
  readonly before: number | undefined
  readonly reason: string | undefined
  readonly at: number
  readonly actor: string
}

const action = 'audit.pruned'

/** Rows that are read and checked at once. */
const pageSize = 1000

interface PruneOptions {
  readonly marks: AuditMarks
  readonly before: number
  readonly by: Pruning
  readonly limit: number
  readonly signers: readonly AuditSigner[]
}

/**
 * Removes rows from the front that are older by what their entries say, which their hashes cover. Each is checked first:
 * to remove a row that is not what it was would remove the evidence too. The last row stays, so that the chain has an end.
 * @returns undefined when there is none to remove
 */
export async function pruneFront(
  db: Transaction<AuditTables>,
  { marks: { anchor, head }, before, by, limit, signers }: PruneOptions,
): Promise<{ rows: number; through: AuditMark; entry: AuditEntry } | undefined> {
  let through = anchor
  const end = Math.min(head.seq - 1, anchor.seq + limit)
  for (let isOld = true; isOld && through.seq < end; ) {
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>', through.seq)
      .where('seq', '<=', end)
      .orderBy('seq')
      .limit(pageSize)
      .execute()
    if (rows.length === 0) throw refused(`row ${through.seq + 1} is missing`)
    for (const row of rows) {
      mustBeWhole(row, through, signers)
      isOld = row.at < before
      if (!isOld) break
      through = { seq: row.seq, hash: row.hash }
    }
  }
  if (through === anchor) return undefined
  await db.deleteFrom('audit').where('seq', '<=', through.seq).execute()
  const details = {
    fromSeq: anchor.seq,
    fromHash: anchor.hash,
    seq: through.seq,
    hash: through.hash,
    before: Math.floor(before),
    reason: by.reason ?? 'retention',
  }
  const { id, at, actor } = by
  return { rows: through.seq - anchor.seq, through, entry: { id, at, actor, action, details } }
}

function mustBeWhole(row: AuditRow, last: AuditMark, signers: readonly AuditSigner[]): void {
  if (row.seq !== last.seq + 1 || row.prev !== last.hash)
    throw refused(`row ${last.seq + 1} is missing or changed places`)
  if (row.hash !== hashOf(row) || !fitsItsEntry(row)) throw refused(`row ${row.seq} was altered`)
  if (row.key_id === null) return
  const signer = signers.find(({ id }) => id === row.key_id)
  if (signer === undefined)
    throw refused(`row ${row.seq} is signed with the key ${row.key_id}, which was not given`)
  if (row.mac !== signer.macOfRow(row.hash)) throw refused(`row ${row.seq} was not signed with its key`)
}

/** What a row says was removed; undefined for one that is about something else. */
export function prunedBy({ version, entry }: AuditRow): PrunedRows | undefined {
  if (!entry.includes(action)) return undefined
  const inside = entryOf(entry)
  if (inside?.action !== action) return undefined
  const { seq, hash, fromSeq, fromHash, before, reason } = inside.details
  const from = markOf(fromSeq, fromHash)
  const through = markOf(seq, hash)
  if (through === undefined || (from === undefined && version !== 1)) return undefined
  return {
    from,
    through,
    before: typeof before === 'number' ? before : undefined,
    reason: typeof reason === 'string' ? reason : undefined,
    at: inside.at,
    actor: inside.actor,
  }
}

function markOf(seq: unknown, hash: unknown): AuditMark | undefined {
  return typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined
}

function refused(reason: string): Error {
  return auditRefusal(`nothing was removed from the audit log: ${reason} (see "spillway audit verify")`)
}
