import { type Kysely, sql } from 'kysely'

/** Who has made a batch or a file, which belongs to the key of an endpoint. */
export interface OwnerRow {
  /** The vendor's. */
  readonly id: string
  readonly target: string
  readonly endpoint: string
  /** Null where the caller has presented no key. */
  readonly tenant: string | null
  /** The batch whose results a file holds. */
  readonly results_of: string | null
  /** When it was first seen, in milliseconds since the Unix epoch. */
  readonly at: number
}

/** Older rows, and more rows, are removed: vendors keep results for a month, and files until they are deleted. */
export const ownerLimits: { readonly age: number; readonly rows: number } = {
  age: 366 * 86_400_000,
  rows: 100_000,
}

/** How many rows are removed at a time, so that no other statement waits for long. */
const batch = 500

/** Notes an owner. The first owner stays; the oldest rows beyond the limits are removed. */
export async function noteOwner<T>(db: Kysely<T>, row: OwnerRow): Promise<void> {
  const { id, target, endpoint, tenant, results_of: of, at } = row
  await sql`insert into owners (id, target, endpoint, tenant, results_of, at)
    values (${id}, ${target}, ${endpoint}, ${tenant}, ${of}, ${at})
    on conflict (id) do update set results_of = coalesce(owners.results_of, excluded.results_of)`.execute(db)
  const kept = await sql<{ at: number }>`select at from owners order by at desc
    limit 1 offset ${ownerLimits.rows}`.execute(db)
  const before = Math.max(at - ownerLimits.age, Number(kept.rows[0]?.at ?? -1) + 1)
  await sql`delete from owners where id in
    (select id from owners where at < ${before} order by at limit ${batch})`.execute(db)
}

export async function findOwner<T>(db: Kysely<T>, id: string): Promise<OwnerRow | undefined> {
  const { rows } = await sql<OwnerRow>`select id, target, endpoint, tenant, results_of, at from owners
    where id = ${id}`.execute(db)
  const [row] = rows
  return row === undefined ? undefined : { ...row, at: Number(row.at) }
}

export async function forgetOwner<T>(db: Kysely<T>, id: string): Promise<void> {
  await sql`delete from owners where id = ${id}`.execute(db)
}
