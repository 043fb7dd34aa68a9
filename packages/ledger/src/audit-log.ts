import { type Kysely, sql, type Transaction } from 'kysely'
import { type AuditEntry, type AuditRow, chained, genesis } from './audit-chain.ts'

/** The tables of the audit log. */
export interface AuditTables {
  readonly audit: AuditRow & { readonly id: string; readonly at: number }
  /** One row each: the last row ever appended, and the last one that was pruned. */
  readonly audit_marks: { readonly name: 'head' | 'anchor'; readonly seq: number; readonly hash: string }
}

/** A place in the chain. */
export interface AuditMark {
  readonly seq: number
  readonly hash: string
}

/** An append-only log whose rows hold each other: see {@link AuditRow}. */
export interface AuditLog {
  /** Appends entries in their order, all or none; those that are there already are skipped. */
  append(entries: readonly AuditEntry[]): Promise<void>
  /** Rows behind `after`, in their order. */
  read(after: number, limit: number): Promise<AuditRow[]>
  /** The last row ever appended. Keep it elsewhere to prove later that nothing was cut off. */
  head(): Promise<AuditMark>
  /** The last row that was pruned; seq 0 where nothing was. */
  anchor(): Promise<AuditMark>
  /**
   * Removes rows older than `before` from the front, at most `limit` of them. What stays begins at an anchor, and an entry
   * `audit.pruned` in the chain itself signs it off.
   * @returns how many were removed
   */
  prune(
    before: number,
    by: { readonly id: string; readonly at: number; readonly actor: string },
    limit?: number,
  ): Promise<number>
}

/** The number of the lock that one appending process holds; any other would do. */
const appendLock = 7_747_456

type Db = Kysely<AuditTables>

export function createAuditLog(connect: () => Promise<Db>, locks: boolean): AuditLog {
  /** One writer at a time: a row needs the hash of the one before. */
  const exclusively = async <T>(work: (db: Transaction<AuditTables>) => Promise<T>): Promise<T> =>
    (await connect()).transaction().execute(async (db) => {
      if (locks) await sql`select pg_advisory_xact_lock(${appendLock})`.execute(db)
      return work(db)
    })
  return {
    append: (entries) => exclusively((db) => append(db, entries)),
    async read(after, limit) {
      const db = await connect()
      return db
        .selectFrom('audit')
        .select(['seq', 'entry', 'prev', 'hash'])
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(limit)
        .execute()
    },
    head: async () => mark(await connect(), 'head'),
    anchor: async () => mark(await connect(), 'anchor'),
    prune: (before, by, limit = Infinity) =>
      exclusively(async (db) => {
        // The first row that stays; without one the last row stays, so that the chain has an end.
        const first = await db
          .selectFrom('audit')
          .select('seq')
          .where('at', '>=', before)
          .orderBy('seq')
          .limit(1)
          .executeTakeFirst()
        const end = (first?.seq ?? (await mark(db, 'head')).seq) - 1
        const through = Math.min(end, (await mark(db, 'anchor')).seq + limit)
        const last = await db
          .selectFrom('audit')
          .select(['seq', 'hash'])
          .where('seq', '=', through)
          .executeTakeFirst()
        if (last === undefined) return 0
        const { numDeletedRows } = await db.deleteFrom('audit').where('seq', '<=', through).executeTakeFirst()
        await setMark(db, 'anchor', last)
        await append(db, [{ ...by, action: 'audit.pruned', details: { ...last } }])
        return Number(numDeletedRows)
      }),
  }
}

async function append(db: Transaction<AuditTables>, entries: readonly AuditEntry[]): Promise<void> {
  let head = await mark(db, 'head')
  for (const entry of entries) {
    const known = await db.selectFrom('audit').select('seq').where('id', '=', entry.id).executeTakeFirst()
    if (known !== undefined) continue
    const row = chained(entry, head.seq + 1, head.hash)
    await db
      .insertInto('audit')
      .values({ ...row, id: entry.id, at: entry.at })
      .execute()
    head = row
  }
  await setMark(db, 'head', head)
}

async function mark(db: Db, name: 'head' | 'anchor'): Promise<AuditMark> {
  const found = await db
    .selectFrom('audit_marks')
    .select(['seq', 'hash'])
    .where('name', '=', name)
    .executeTakeFirst()
  return found ?? { seq: 0, hash: genesis }
}

async function setMark(db: Db, name: 'head' | 'anchor', { seq, hash }: AuditMark): Promise<void> {
  await db
    .insertInto('audit_marks')
    .values({ name, seq, hash })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ seq, hash }))
    .execute()
}
