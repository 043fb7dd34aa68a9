import { type Kysely, type RawBuilder, sql } from 'kysely'
import { checkWhole } from './check-whole.ts'
import { eachRow } from './interruptible.ts'
import type { DatabaseName, Schema } from './migrations.ts'
import { tokensOf } from './rollup-queries.ts'
import { grains } from './rollups.ts'
import type { CallRow } from './rows.ts'
import { latest } from './time-spans.ts'
import type { CallFilter, CallPage, CallView, TokenCounts } from './views.ts'

type Db = Kysely<Schema>

/** A place between two calls. */
interface Cursor {
  readonly at: number
  readonly id: string
}

/** More matches than this are dense enough to be found by reading the newest calls. */
const fewMatches = 20_000

/** So many names that a search found are looked up one by one. */
const fewNames = 20

const largestText = '\u{10ffff}'

/**
 * Calls, newest first. Times alone are not unique, so a cursor is the time and the id of the last row.
 * @throws RangeError for a limit or a cursor that cannot be
 */
export async function callPage(db: Db, database: DatabaseName, filter: CallFilter): Promise<CallPage> {
  const { limit } = filter
  checkWhole('calls: limit', limit, 1000)
  const before = filter.before === undefined ? undefined : readCursor(filter.before)
  // One query for each alternative, so that each is read in the order of an index and ends at the limit.
  const alternatives = filter.query ? await search(db, database, filter.query, filter.tenantsLike) : [[]]
  const found = new Map<string, CallRow>()
  for (const conditions of alternatives) {
    const all = [...equalities(database, filter), ...conditions, ...beyond(database, before)]
    const { rows } = await sql<CallRow>`select * from calls
      where ${eachRow} ${all.length === 0 ? sql`1 = 1` : sql.join(all, sql` and `)}
      order by started_at desc, ${idOf(database)} desc limit ${limit + 1}`.execute(db)
    for (const row of rows) found.set(row.id, row)
  }
  const rows = [...found.values()].sort((a, b) => b.started_at - a.started_at || (a.id < b.id ? 1 : -1))
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    calls: await withUsage(db, page),
    ...(rows.length > limit && last !== undefined && { next: `${last.started_at}.${last.id}` }),
  }
}

/** Compares by bytes in both databases. */
function idOf(database: DatabaseName): RawBuilder<unknown> {
  return database === 'sqlite' ? sql`id` : sql`id collate "C"`
}

function beyond(database: DatabaseName, before: Cursor | undefined): RawBuilder<unknown>[] {
  return before === undefined ? [] : [sql`(started_at, ${idOf(database)}) < (${before.at}, ${before.id})`]
}

/** By them most calls are the same, so that there is no index. */
const usual: Readonly<Record<string, unknown>> = { failure: '', fallback_reason: '', status: 200 }

/**
 * The filter that lets the fewest through, as a rule, is looked up; the others are checked. PostgreSQL chooses for itself, by
 * what it knows of columns; from SQLite's planner, which would take any index, an expression hides a column.
 */
function equalities(database: DatabaseName, filter: Omit<CallFilter, 'limit'>): RawBuilder<unknown>[] {
  const { session, failure, tenant, target, model, reason, status } = filter
  const names = {
    ...{ session, failure, status, fallback_reason: reason, tenant, target, model_asked: model },
  }
  const given = Object.entries(names).filter(([, value]) => value !== undefined)
  const first = given.find(([name, value]) => usual[name] !== value)?.[0]
  const all = given.map(([name, value]) => {
    const isLookedUp = name === first || database === 'postgres'
    if (name === 'status') {
      const equal = sql`coalesce(status, 0) = ${value}`
      return isLookedUp && value !== usual.status ? sql`${equal} and coalesce(status, 0) <> 200` : equal
    }
    if (!isLookedUp) return sql`coalesce(${sql.ref(name)}, '') = ${value}`
    return value === '' ? sql`${sql.ref(name)} is null` : sql`${sql.ref(name)} = ${value}`
  })
  if (filter.range !== undefined) {
    const { from, to } = filter.range
    all.push(sql`started_at >= ${Math.floor(from)} and started_at < ${Math.ceil(Math.min(to, latest))}`)
  }
  if (filter.problems)
    all.push(
      sql`(failure is not null or fallback_to is not null) and (coalesce(failure, '') <> 'cancelled' or fallback_to is not null)`,
    )
  return all
}

/** Calls that are looked through for their conversations, the newest. */
const latestCalls = 2000
const mostSessions = 20

/** The conversations of the newest calls that a filter lets through, by how many of these calls they have. */
export async function latestSessions(
  db: Db,
  database: DatabaseName,
  filter: Omit<CallFilter, 'limit' | 'before' | 'query'>,
): Promise<{ value: string; calls: number }[]> {
  const all = equalities(database, filter)
  const { rows } = await sql<{ value: string; calls: number }>`select session as value, count(*) as calls
    from (select session from calls where ${eachRow} ${all.length === 0 ? sql`1 = 1` : sql.join(all, sql` and `)}
      order by started_at desc, ${idOf(database)} desc limit ${sql.lit(latestCalls)}) as latest
    where session is not null group by 1 order by 2 desc, 1 limit ${sql.lit(mostSessions)}`.execute(db)
  return rows.map(({ value, calls }) => ({ value, calls: Number(calls) }))
}

/** What a search may mean, as lists of conditions: the begin of a call id, or a part of a name. */
async function search(
  db: Db,
  database: DatabaseName,
  query: string,
  tenants: readonly string[] = [],
): Promise<RawBuilder<unknown>[][]> {
  const callId = database === 'sqlite' ? sql`call_id` : sql`call_id collate "C"`
  const begins = sql`${callId} >= ${query} and ${callId} < ${query + largestText}`
  const { rows } = await sql<{ found: number }>`select count(*) as found
    from (select 1 from calls where ${eachRow} ${begins} limit ${fewMatches}) as m`.execute(db)
  const found = Number(rows[0]?.found)
  const alternatives: RawBuilder<unknown>[][] = []
  if (found > 0 && found < fewMatches) alternatives.push([begins])
  // Not by the index of the ids: its matches would have to be sorted.
  if (found >= fewMatches)
    alternatives.push([sql`substr(call_id, 1, length(cast(${query} as text))) = ${query}`])
  const pattern = `%${query.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
  for (const [key, column] of [
    ['model', 'model_asked'],
    ['tenant', 'tenant'],
    ['target', 'target'],
  ] as const) {
    const names = await sql<{ name: string }>`select distinct ${sql.ref(key)} as name from call_rollups
      where ${eachRow} grain = ${sql.lit(grains.day)} and ${sql.ref(key)} <> '' and lower(${sql.ref(key)}) like ${pattern} escape '\\'`.execute(
      db,
    )
    const more = key === 'tenant' ? tenants : []
    const list = [...new Set([...names.rows.map(({ name }) => name), ...more])]
    if (list.length > fewNames)
      alternatives.push([sql`coalesce(${sql.ref(column)}, '') in (${sql.join(list)})`])
    else for (const name of list) alternatives.push([sql`${sql.ref(column)} = ${name}`])
  }
  return alternatives
}

function readCursor(text: string): Cursor {
  const [, at, id] = /^(\d+)\.(.+)$/s.exec(text) ?? []
  if (at === undefined || id === undefined)
    throw new RangeError('calls: before must be `next` of another page')
  return { at: Number(at), id }
}

interface Usage extends TokenCounts {
  readonly call_row: string
  readonly estimated: number
  readonly costNano: string | null
}

async function withUsage(db: Db, calls: readonly CallRow[]): Promise<CallView[]> {
  if (calls.length === 0) return []
  const { rows } = await sql<Usage>`select call_row,
      cast(sum(input_tokens) as bigint) as input, cast(sum(output_tokens) as bigint) as output,
      cast(sum(cache_read_tokens) as bigint) as "cacheRead", cast(sum(cache_write_tokens) as bigint) as "cacheWrite",
      cast(sum(reasoning_tokens) as bigint) as reasoning, cast(max(estimated) as bigint) as estimated,
      cast(cast(sum(cost_nano) as bigint) as text) as "costNano"
    from attempts where call_row in (${sql.join(calls.map(({ id }) => id))}) and role <> 'mirror'
    group by call_row`.execute(db)
  const usage = new Map(rows.map((row) => [row.call_row, row]))
  return calls.map((row) => viewOf(row, usage.get(row.id)))
}

/** One call with what its attempts used. */
export async function viewOfCall(db: Db, row: CallRow): Promise<CallView> {
  const [view] = await withUsage(db, [row])
  return view as CallView
}

function viewOf(row: CallRow, usage: Usage | undefined): CallView {
  return {
    id: row.id,
    callId: row.call_id,
    at: row.started_at,
    tenant: row.tenant,
    model: row.model_asked,
    modelAnswered: row.model_answered,
    session: row.session ?? null,
    target: row.target,
    stream: row.stream === 1,
    attempts: row.attempts,
    fallback:
      row.fallback_to == null
        ? null
        : { from: row.fallback_from ?? '', to: row.fallback_to, reason: row.fallback_reason ?? '' },
    failure: row.failure,
    status: row.status,
    firstContentMs: row.ttft_ms,
    totalMs: row.total_ms,
    tokens: tokensOf(usage),
    estimated: usage?.estimated === 1,
    costNano: usage?.costNano ?? null,
  }
}
