import { sql, type Transaction } from 'kysely'
import {
  type AuditEntry,
  type AuditMark,
  type AuditRow,
  chained,
  signedAction,
  type WrittenEntry,
  writtenEntry,
} from './audit-chain.ts'
import type { AuditSigner } from './audit-keys.ts'
import {
  type AuditDb,
  type AuditMarks,
  type AuditTables,
  placeOf,
  readEnd,
  readMarks,
  type StoredMark,
  setMark,
} from './audit-marks.ts'
import { type Pruning, pruneFront } from './audit-pruning.ts'
import { signerFor } from './audit-signing.ts'
import type { DatabaseKind } from './database.ts'
import { endedBy } from './ended-by.ts'
import { insertAll } from './insert-rows.ts'

/** An append-only log whose rows hold each other: see {@link AuditRow}. */
export interface AuditLog {
  /**
   * Appends entries in their order, all or none; those that are there already are skipped.
   * @param signal aborted when the writer no longer waits: connections of PostgreSQL are broken then
   * @throws Error with `code` `SPILLWAY_AUDIT_REFUSED` when the log is signed with a key that is not there, or its end is not
   * the one that was signed
   */
  append(entries: readonly AuditEntry[], signal?: AbortSignal): Promise<void>
  /**
   * Signs a log that its key has not signed so far, whatever its end is: rows without MACs, rows signed with a key that is lost,
   * an end that was changed. Verify it before. An entry `audit.signed` says so, and behind which row.
   * @param behind the last row, as it was verified
   * @throws RangeError without a key, and when it is not the last row
   */
  adopt(behind: AuditMark, by: Pick<AuditEntry, 'id' | 'at' | 'actor'>): Promise<void>
  /** Rows behind `after`, in their order. */
  read(after: number, limit: number): Promise<AuditRow[]>
  /** The last row ever appended. Keep it elsewhere to prove later that nothing was cut off. */
  head(): Promise<AuditMark>
  /** The last row that was pruned; seq 0 where nothing was. */
  anchor(): Promise<AuditMark>
  marks(): Promise<AuditMarks>
  /**
   * Removes rows whose entries are older than `before` from the front, at most `limit` of them, after it has checked each of
   * them. What stays begins at an anchor, and an entry `audit.pruned` in the chain itself says from where to where rows were
   * removed, and why.
   * @returns how many were removed
   * @throws Error with `code` `SPILLWAY_AUDIT_REFUSED` when a row is not what it was; then nothing is removed
   */
  prune(before: number, by: Pruning, limit?: number): Promise<number>
}

/** A log in this thread, which also takes what another one has written out. */
export interface WritableAuditLog extends AuditLog {
  appendWritten(entries: readonly WrittenEntry[], signal?: AbortSignal): Promise<void>
}

/** The number of the lock that one appending process holds; any other would do. */
const appendLock = 7_747_456

const firstVersion = { version: 1, key_id: null, mac: null }

/** @param signers the first one signs, each is known */
export function createAuditLog(
  connect: () => Promise<AuditDb>,
  kind: DatabaseKind,
  signers: readonly AuditSigner[],
): WritableAuditLog {
  /** The last end that this process has signed: the log cannot have become shorter since. */
  let signed: AuditMark | undefined
  /** One writer at a time: a row needs the hash of the one before. */
  const exclusively = async <T>(work: (db: Transaction<AuditTables>) => Promise<T>): Promise<T> =>
    (await connect()).transaction().execute(async (db) => {
      if (kind.name === 'postgres') await sql`select pg_advisory_xact_lock(${appendLock})`.execute(db)
      return work(db)
    })
  const append = async (
    db: Transaction<AuditTables>,
    entries: readonly WrittenEntry[],
    adopting = false,
  ): Promise<StoredMark> => {
    const end = await readEnd(db)
    const { head } = end
    const signer = adopting ? signers[0] : await signerFor(db, end, { signers, signed })
    const known = await knownIds(db, kind, entries)
    const rows: AuditRow[] = []
    for (const entry of entries) {
      if (known.has(entry.id)) continue
      known.add(entry.id)
      rows.push(chained(entry, rows.at(-1) ?? head, signer))
    }
    const last = rows.at(-1)
    if (last === undefined) return head
    await insertAll(db, kind, { table: 'audit', columns: auditColumns, rows })
    const mark = { seq: last.seq, hash: last.hash }
    const signedEnd = { ...mark, key_id: signer?.id ?? null, mac: signer?.macOfEnd(mark) ?? null }
    if (signer !== undefined && head.key_id !== signer.id) await setMark(db, `key:${signer.id}`, last)
    await setMark(db, 'head', signedEnd)
    return signedEnd
  }
  const appendWritten: WritableAuditLog['appendWritten'] = async (entries, signal) => {
    // What brings the schema up to date may take long, and is not ended.
    await connect()
    const end = await endedBy(signal, kind, () => exclusively((db) => append(db, entries)))
    if (end.key_id !== null) signed = end
  }
  return {
    append: async (entries, signal) => appendWritten(entries.map(writtenEntry), signal),
    appendWritten,
    async adopt(behind, { id, at, actor }) {
      if (signers.length === 0) throw new RangeError('an audit log is signed with a key: give one')
      signed = await exclusively(async (db) => {
        const { seq, hash } = (await readMarks(db)).head
        if (behind.seq !== seq || behind.hash !== hash)
          throw new RangeError(`row ${behind.seq} is not the last one of the audit log: verify it again`)
        const entry = { id, at, actor, action: signedAction, details: { seq, hash } }
        return append(db, [writtenEntry(entry)], true)
      })
    },
    async read(after, limit) {
      const db = await connect()
      const query = db.selectFrom('audit').selectAll().where('seq', '>', after).orderBy('seq').limit(limit)
      // A database that was not brought up to date, since it is only read, has rows of version 1 alone.
      return (await query.execute()).map((row) => ({ ...firstVersion, ...row }))
    },
    head: async () => placeOf((await readMarks(await connect())).head),
    anchor: async () => (await readMarks(await connect())).anchor,
    marks: async () => readMarks(await connect()),
    async prune(before, by, limit = Infinity) {
      const { removed, end } = await exclusively(async (db) => {
        const marks = await readMarks(db)
        await signerFor(db, await readEnd(db), { signers, signed })
        const pruned = await pruneFront(db, { marks, before, by, limit, signers })
        if (pruned === undefined) return { removed: 0, end: marks.head }
        await setMark(db, 'anchor', pruned.through)
        return { removed: pruned.rows, end: await append(db, [writtenEntry(pruned.entry)]) }
      })
      if (end.key_id !== null) signed = end
      return removed
    },
  }
}

const auditColumns = {
  seq: 'bigint',
  id: 'text',
  at: 'bigint',
  version: 'bigint',
  key_id: 'text',
  entry: 'text',
  prev: 'text',
  hash: 'text',
  mac: 'text',
} satisfies Record<keyof AuditRow, string>

async function knownIds(
  db: AuditDb,
  { name }: DatabaseKind,
  entries: readonly WrittenEntry[],
): Promise<Set<string>> {
  // One parameter, so that the statement is the same for any number of ids.
  const ids = JSON.stringify(entries.map(({ id }) => id))
  const list =
    name === 'sqlite' ? sql`json_each(${ids})` : sql`json_array_elements_text(${ids}::json) as e(value)`
  const { rows } = await sql<{
    id: string
  }>`select id from audit where id in (select value from ${list})`.execute(db)
  return new Set(rows.map(({ id }) => id))
}
