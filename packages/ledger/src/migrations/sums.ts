import { sql, type Transaction } from 'kysely'
import { type Migration, run } from './migration.ts'

const grains = [60_000, 3_600_000, 86_400_000]

/** Sums by minute, hour and day, with what was booked before there were any; pages of calls by index. */
export const createSums: Migration = async (db, name) => {
  await run(
    db,
    'alter table calls add column stream bigint',
    'alter table calls add column fallback_from text',
    'alter table calls add column fallback_to text',
    'alter table calls add column fallback_reason text',
    'alter table attempts add column call_row text',
  )
  // SQLite keeps such a table in the order of its key, so that a span of time lies together.
  const end = name === 'sqlite' ? 'without rowid' : ''
  await run(
    db,
    `create table usage_rollups (
      grain bigint not null, at bigint not null, model text not null, tenant text not null, target text not null,
      role text not null, attempts bigint not null, errors bigint not null, cancelled bigint not null,
      input_tokens bigint not null, output_tokens bigint not null, cache_read_tokens bigint not null,
      cache_write_tokens bigint not null, reasoning_tokens bigint not null, cost_nano bigint not null,
      estimated bigint not null, estimated_cost_nano bigint not null, unpriced bigint not null,
      constraint usage_rollups_key primary key (grain, at, model, tenant, target, role)
    ) ${end}`,
    `create table call_rollups (
      grain bigint not null, at bigint not null, model text not null, tenant text not null, target text not null,
      calls bigint not null, errors bigint not null, cancelled bigint not null, fallbacks bigint not null,
      constraint call_rollups_key primary key (grain, at, model, tenant, target)
    ) ${end}`,
    `create table latency_rollups (
      grain bigint not null, at bigint not null, model text not null, target text not null, measure text not null,
      bucket bigint not null, calls bigint not null,
      constraint latency_rollups_key primary key (grain, at, model, target, measure, bucket)
    ) ${end}`,
    `create table fallback_rollups (
      grain bigint not null, at bigint not null, from_target text not null, to_target text not null,
      reason text not null, calls bigint not null,
      constraint fallback_rollups_key primary key (grain, at, from_target, to_target, reason)
    ) ${end}`,
  )
  // Bytes in both databases, so that pages can be merged and cursors compared.
  const bytes = name === 'postgres' ? 'collate "C"' : ''
  await run(
    db,
    'drop index calls_started_at',
    `create index calls_page on calls (started_at, id ${bytes})`,
    `create index calls_model_asked on calls (model_asked, started_at, id ${bytes})`,
    `create index calls_tenant on calls (tenant, started_at, id ${bytes})`,
    `create index calls_target on calls (target, started_at, id ${bytes})`,
    `create index calls_failure on calls (failure, started_at, id ${bytes})`,
    'create index attempts_call_row on attempts (call_row)',
  )
  // For the begin of a text: other collations than that of the bytes cannot look it up.
  if (name === 'postgres') await run(db, 'create index calls_call_id_bytes on calls (call_id collate "C")')
  for (const grain of grains) await sumUp(db, grain)
  await sumUpLatency(db)
}

/** Which target was left for which was not noted before, so there are no fallbacks to sum up. */
async function sumUp(db: Transaction<unknown>, grain: number): Promise<void> {
  const at = `started_at - started_at % ${grain}`
  const failed = `
    sum(case when failure is null or failure = 'cancelled' then 0 else 1 end),
    sum(case when failure = 'cancelled' then 1 else 0 end)`
  await run(
    db,
    `insert into usage_rollups (grain, at, model, tenant, target, role, attempts, errors, cancelled, input_tokens,
      output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_nano, estimated, estimated_cost_nano,
      unpriced)
    select ${grain}, ${at}, model_asked, coalesce(tenant, ''), coalesce(target, ''), role, count(*), ${failed},
      sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(reasoning_tokens),
      sum(coalesce(cost_nano, 0)), sum(estimated),
      sum(case when estimated = 1 then coalesce(cost_nano, 0) else 0 end),
      sum(case when cost_nano is null
        and input_tokens + output_tokens + cache_read_tokens + cache_write_tokens > 0 then 1 else 0 end)
    from attempts group by 2, 3, 4, 5, 6`,
    `insert into call_rollups (grain, at, model, tenant, target, calls, errors, cancelled, fallbacks)
    select ${grain}, ${at}, model_asked, coalesce(tenant, ''), coalesce(target, ''), count(*), ${failed}, 0
    from calls group by 2, 3, 4, 5`,
  )
}

interface Durations {
  readonly id: string
  readonly started_at: number
  readonly model: string
  readonly target: string
  readonly failure: string | null
  readonly ttft_ms: number | null
  readonly total_ms: number
}

/** In buckets that each reach a tenth further than the one before. Not every SQLite knows logarithms. */
async function sumUpLatency(db: Transaction<unknown>): Promise<void> {
  const bucketOf = (ms: number): number => Math.ceil(Math.log(Math.max(ms, 0.1)) / Math.log(1.1))
  for (let after = ''; ; ) {
    const { rows } = await sql<Durations>`select id, started_at, model_asked as model,
      coalesce(target, '') as target, failure, ttft_ms, total_ms
      from calls where id > ${after} order by id limit 1000`.execute(db)
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.id
    const counts = new Map<string, number>()
    for (const { started_at, model, target, failure, ttft_ms, total_ms } of rows) {
      const add = (measure: string, ms: number): void => {
        for (const grain of grains) {
          const at = Number(started_at) - (Number(started_at) % grain)
          const key = JSON.stringify([grain, at, model, target, measure, bucketOf(ms)])
          counts.set(key, (counts.get(key) ?? 0) + 1)
        }
      }
      if (ttft_ms !== null) add('first_content', ttft_ms)
      if (failure === null) add('total', total_ms)
    }
    await addLatency(db, [...counts])
  }
}

async function addLatency(db: Transaction<unknown>, counts: [string, number][]): Promise<void> {
  while (counts.length > 0) {
    const values = counts
      .splice(0, 500)
      .map(([key, calls]) => sql`(${sql.join([...(JSON.parse(key) as unknown[]), calls])})`)
    await sql`insert into latency_rollups (grain, at, model, target, measure, bucket, calls)
      values ${sql.join(values)} on conflict (grain, at, model, target, measure, bucket)
      do update set calls = latency_rollups.calls + excluded.calls`.execute(db)
  }
}
