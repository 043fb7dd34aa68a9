import { type Migration, run } from './migration.ts'

/** Calls and attempts. */
export const createCalls: Migration = (db) =>
  run(
    db,
    `create table calls (
      id text primary key, call_id text, started_at bigint, tenant text, api text, operation text, model_asked text,
      model_answered text, target text, attempts bigint, failure text, status bigint, stop_reason text,
      ttft_ms double precision, total_ms double precision
    )`,
    'create index calls_started_at on calls (started_at)',
    'create index calls_call_id on calls (call_id)',
    `create table attempts (
      id text primary key, call_id text, attempt bigint, role text, started_at bigint, tenant text, target text,
      endpoint text, provider text, model_asked text, model_answered text, input_tokens bigint, output_tokens bigint,
      cache_read_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, estimated bigint, cost_nano bigint,
      failure text, status bigint, stop_reason text, ttft_ms double precision, total_ms double precision
    )`,
    'create index attempts_started_at on attempts (started_at)',
    'create index attempts_call_id on attempts (call_id)',
  )
