import type { Kysely } from 'kysely'
import { type AuditMark, type AuditRow, genesis } from './audit-chain.ts'

/** The tables of the audit log. */
export interface AuditTables {
  readonly audit: AuditRow
  /** The last row ever appended, the last one that was pruned, and where each key began to sign. */
  readonly audit_marks: StoredMark & { readonly name: MarkName }
}

export type AuditDb = Kysely<AuditTables>

type MarkName = 'head' | 'anchor' | `key:${string}`

/** A mark as it is stored; only the head is signed. */
export interface StoredMark extends AuditMark {
  readonly key_id: string | null
  readonly mac: string | null
}

/** Both ends of the log, at one moment. */
export interface AuditMarks {
  /** The last row that was pruned; seq 0 where nothing was. */
  readonly anchor: AuditMark
  /** The last row ever appended, and its signature. */
  readonly head: StoredMark
}

const beginning: StoredMark = { seq: 0, hash: genesis, key_id: null, mac: null }

export async function readMarks(db: AuditDb): Promise<AuditMarks> {
  const marks = await db
    .selectFrom('audit_marks')
    .selectAll()
    .where('name', 'in', ['head', 'anchor'])
    .execute()
  const find = (name: MarkName): StoredMark => ({ ...beginning, ...marks.find((mark) => mark.name === name) })
  return { anchor: placeOf(find('anchor')), head: find('head') }
}

/** The head, and what the row that it names says; one question to the server. */
export async function readEnd(
  db: AuditDb,
): Promise<{ head: StoredMark; last: Pick<AuditRow, 'hash' | 'key_id'> | undefined }> {
  const found = await db
    .selectFrom('audit_marks')
    .leftJoin('audit', 'audit.seq', 'audit_marks.seq')
    .selectAll('audit_marks')
    .select(['audit.hash as last_hash', 'audit.key_id as last_key_id'])
    .where('audit_marks.name', '=', 'head')
    .executeTakeFirst()
  if (found === undefined) return { head: beginning, last: undefined }
  const { last_hash, last_key_id, ...head } = found
  return { head, last: last_hash === null ? undefined : { hash: last_hash, key_id: last_key_id } }
}

export const placeOf = ({ seq, hash }: AuditMark): AuditMark => ({ seq, hash })

export async function hasMark(db: AuditDb, name: MarkName): Promise<boolean> {
  const found = await db.selectFrom('audit_marks').select('seq').where('name', '=', name).executeTakeFirst()
  return found !== undefined
}

export async function setMark(
  db: AuditDb,
  name: MarkName,
  { seq, hash, key_id = null, mac = null }: AuditMark & Partial<StoredMark>,
): Promise<void> {
  const mark = { seq, hash, key_id, mac }
  await db
    .insertInto('audit_marks')
    .values({ name, ...mark })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(mark))
    .execute()
}
