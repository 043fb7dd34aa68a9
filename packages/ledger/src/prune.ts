import { type Kysely, sql } from 'kysely'
import type { Schema } from './migrations.ts'
import { grains, rollupTables } from './rollups.ts'

/** Which calls may go: older ones than `before`, and all but the newest `keep`. */
export interface CallLimits {
  /** Milliseconds since the Unix epoch. @default none: age does not matter */
  readonly before?: number | undefined
  /** @default none: their number does not matter */
  readonly keep?: number | undefined
}

/** Minutes and hours that one step takes at most: few rows, so that nobody waits for long. */
const bucketsInAStep = 60

/**
 * Removes at most `limit` calls and as many attempts, the oldest first.
 * @returns how many rows went; 0 when none is left to go
 */
export async function pruneCalls(db: Kysely<Schema>, limits: CallLimits, limit: number): Promise<number> {
  const before = Math.floor(Math.max(limits.before ?? 0, await beginOf(db, limits.keep)))
  let removed = 0
  for (const table of ['calls', 'attempts'] as const) {
    const { numAffectedRows } = await sql`delete from ${sql.table(table)} where id in
      (select id from ${sql.table(table)} where started_at < ${before} order by started_at limit ${limit})`.execute(
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
 * Removes the oldest sums of minutes, hours and days that ended before this time, some of each.
 * @returns how many rows went; 0 when none is left to go
 */
export async function pruneSums(db: Kysely<Schema>, before: number): Promise<number> {
  let removed = 0
  for (const table of Object.keys(rollupTables)) {
    for (const grain of Object.values(grains)) {
      const name = sql.table(table)
      const { rows } = await sql<{ at: number | null }>`select min(at) as at from ${name}
        where grain = ${grain}`.execute(db)
      const oldest = rows[0]?.at
      if (oldest == null) continue
      const end = Math.min(Number(oldest) + bucketsInAStep * grain, Math.floor(before) - grain + 1)
      const { numAffectedRows } =
        await sql`delete from ${name} where grain = ${grain} and at < ${end}`.execute(db)
      removed += Number(numAffectedRows ?? 0)
    }
  }
  return removed
}
