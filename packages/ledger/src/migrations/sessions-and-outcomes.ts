import { type Migration, run } from './migration.ts'

const grains = [60_000, 3_600_000, 86_400_000]

/** Conversations, how calls ended, and latencies by tenant. What was booked before has no conversation, and keeps latencies without tenants. */
export const addSessionsAndOutcomes: Migration = async (db, name) => {
  const bytes = name === 'postgres' ? 'collate "C"' : ''
  const end = name === 'sqlite' ? 'without rowid' : ''
  await run(
    db,
    'alter table calls add column session text',
    'alter table attempts add column session text',
    `create index calls_session on calls (session, started_at, id ${bytes}) where session is not null`,
    `create index calls_problems on calls (started_at, id ${bytes}) where failure is not null or fallback_to is not null`,
    `create table outcome_rollups (
      grain bigint not null, at bigint not null, model text not null, tenant text not null, target text not null,
      failure text not null, status bigint not null, reason text not null, calls bigint not null,
      constraint outcome_rollups_key primary key (grain, at, model, tenant, target, failure, status, reason)
    ) ${end}`,
    `create table tenant_latency_rollups (
      grain bigint not null, at bigint not null, tenant text not null, measure text not null, bucket bigint not null,
      calls bigint not null,
      constraint tenant_latency_rollups_key primary key (grain, at, tenant, measure, bucket)
    ) ${end}`,
    `create table session_rollups (
      grain bigint not null, at bigint not null, session text not null, tenant text not null, calls bigint not null,
      errors bigint not null, attempts bigint not null, input_tokens bigint not null, output_tokens bigint not null,
      cost_nano bigint not null, unpriced bigint not null,
      constraint session_rollups_key primary key (grain, at, session, tenant)
    ) ${end}`,
  )
  for (const grain of grains) {
    await run(
      db,
      `insert into outcome_rollups (grain, at, model, tenant, target, failure, status, reason, calls)
      select ${grain}, started_at - started_at % ${grain}, model_asked, coalesce(tenant, ''), coalesce(target, ''),
        coalesce(failure, ''), coalesce(status, 0),
        case when fallback_to is null then '' else coalesce(fallback_reason, '') end, count(*)
      from calls group by 2, 3, 4, 5, 6, 7, 8`,
    )
  }
}
