import { type Migration, run } from './migration.ts'

/** What mirrors have compared, with sums of it, and what has become of circuits, limits and endpoints. */
export const addComparisonsAndChanges: Migration = async (db, name) => {
  const bytes = name === 'postgres' ? 'collate "C"' : ''
  const end = name === 'sqlite' ? 'without rowid' : ''
  await run(
    db,
    `create table comparisons (
      id text not null, call_id text not null, started_at bigint not null, from_target text not null,
      to_target text not null, model_asked text not null, similarity double precision,
      primary_failure text, primary_ttft_ms double precision, primary_total_ms double precision not null,
      primary_output_tokens bigint not null, primary_cost_nano bigint,
      candidate_failure text, candidate_ttft_ms double precision, candidate_total_ms double precision not null,
      candidate_output_tokens bigint not null, candidate_cost_nano bigint,
      constraint comparisons_key primary key (id)
    )`,
    `create index comparisons_pair on comparisons (from_target, to_target, started_at, id ${bytes})`,
    'create index comparisons_started on comparisons (started_at)',
    `create table changes (
      id text not null, started_at bigint not null, kind text not null, target text not null, endpoint text not null,
      subject text not null, was text not null, became text not null, reason text not null, until bigint,
      constraint changes_key primary key (id)
    )`,
    `create index changes_started on changes (started_at, id ${bytes})`,
    `create table comparison_rollups (
      grain bigint not null, at bigint not null, from_target text not null, to_target text not null, side text not null,
      comparisons bigint not null, failures bigint not null, output_tokens bigint not null, cost_nano bigint not null,
      priced bigint not null, compared bigint not null, similarity_ppm bigint not null,
      constraint comparison_rollups_key primary key (grain, at, from_target, to_target, side)
    ) ${end}`,
    `create table comparison_latency_rollups (
      grain bigint not null, at bigint not null, from_target text not null, to_target text not null, side text not null,
      measure text not null, bucket bigint not null, calls bigint not null,
      constraint comparison_latency_rollups_key primary key (grain, at, from_target, to_target, side, measure, bucket)
    ) ${end}`,
  )
}
