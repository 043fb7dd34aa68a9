import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { DatabaseName, Schema } from './migrations.ts'
import { grains, rollupTables } from './rollups.ts'
import { tableNames } from './rows.ts'

/** Which calls may go: older ones than `before`, and all but the newest `keep`. */
export interface CallLimits {
  /** Milliseconds since the Unix epoch. @default none: age does not matter */
  readonly before?: number | undefined
  /** @default none: their number does not matter */
  readonly keep?: number | undefined
}

/** Which sums may go. Each length of time of each table is by itself. */
export interface SumLimits {
  /** Those that ended before this time, in milliseconds since the Unix epoch. @default none: age does not matter */
  readonly before?: number | undefined
  /** Those of minutes that ended before this time. @default none */
  readonly minutesBefore?: number | undefined
  /** All but about so many rows, the newest. @default none: their number does not matter */
  readonly keep?: number | undefined
}

/** Minutes and hours that one step takes at most: few rows, so that no write waits for long. */
const bucketsInAStep = 60

/** Removes calls, see {@link callPruner}. */
export type PruneCalls = (db: Kysely<Schema>, limits: CallLimits, limit: number) => Promise<number>

/**
 * Removes at most `limit` calls, and as many rows of each other table, the oldest first.
 * @returns how many rows went; 0 when none is left to go
 */
export function callPruner(database: DatabaseName): PruneCalls {
  // SQLite finds a row by its number at once, and by its id through an index.
  const key = sql.ref(database === 'sqlite' ? 'rowid' : 'id')

  /** Where the newest `keep` calls began: found by counting them, which costs more than removing some others does. */
  let counted: { readonly keep: number | undefined; readonly begin: number } | undefined
  return async (db, { before = 0, keep }, limit) => {
    // Calls that have come since have not made any older one one of the newest.
    if (counted !== undefined && counted.keep === keep && counted.begin > before) {
      const removed = await removeBefore(db, key, Math.max(before, counted.begin), limit)
      if (removed > 0) return removed
    }
    counted = { keep, begin: await beginOf(db, keep) }
    return removeBefore(db, key, Math.max(before, counted.begin), limit)
  }
}

async function removeBefore(
  db: Kysely<Schema>,
  key: RawBuilder<unknown>,
  time: number,
  limit: number,
): Promise<number> {
  const before = Math.floor(time)
  let removed = 0
  for (const table of tableNames) {
    const name = sql.table(table)
    const { numAffectedRows } = await sql`delete from ${name} where ${key} in
      (select ${key} from ${name} where started_at < ${before} order by started_at limit ${limit})`.execute(
      db,
    )
    removed += Number(numAffectedRows ?? 0)
  }
  return removed
}

/** When the oldest of the newest `keep` calls began; 0 when there are no more than that. Calls of one moment stay together. */
async function beginOf(db: Kysely<Schema>, keep: number | undefined): Promise<number> {
  if (keep === undefined || keep === Infinity) return 0
  if (keep === 0) return Number.MAX_SAFE_INTEGER
  const { rows } = await sql<{ started_at: number }>`select started_at from calls
    order by started_at desc limit 1 offset ${keep - 1}`.execute(db)
  return rows[0]?.started_at ?? 0
}

/**
 * Removes the oldest sums of minutes, hours and days that are beyond the limits, some of each.
 * @returns how many rows went; 0 when none is left to go
 */
export async function pruneSums(db: Kysely<Schema>, limits: SumLimits): Promise<number> {
  let removed = 0
  for (const table of Object.keys(rollupTables)) {
    for (const grain of Object.values(grains)) {
      const name = sql.table(table)
      const { rows } = await sql<{ at: number | null }>`select min(at) as at from ${name}
        where grain = ${grain}`.execute(db)
      const oldest = rows[0]?.at
      if (oldest == null) continue
      const kept = Math.max(before(limits, grain), await beginOfSums(db, table, grain, limits.keep))
      const end = Math.min(Number(oldest) + bucketsInAStep * grain, kept)
      const { numAffectedRows } =
        await sql`delete from ${name} where grain = ${grain} and at < ${end}`.execute(db)
      removed += Number(numAffectedRows ?? 0)
    }
  }
  return removed
}

/** Sums that begin before this time have ended when they may go. */
function before({ before = 0, minutesBefore = 0 }: SumLimits, grain: number): number {
  const time = grain === grains.minute ? Math.max(before, minutesBefore) : before
  return Math.max(0, Math.floor(time) - grain + 1)
}

/** The begin of the oldest sums that are kept, so that there are about `keep` rows; 0 when there are no more. The newest stay. */
async function beginOfSums(
  db: Kysely<Schema>,
  table: string,
  grain: number,
  keep: number | undefined,
): Promise<number> {
  if (keep === undefined || keep === Infinity) return 0
  const { rows } = await sql<{ at: number; newest: number }>`select at,
      (select max(at) from ${sql.table(table)} where grain = ${grain}) as newest
    from ${sql.table(table)} where grain = ${grain} order by at desc limit 1 offset ${keep}`.execute(db)
  const [first] = rows
  return first === undefined ? 0 : Math.min(Number(first.at) + 1, Number(first.newest))
}
