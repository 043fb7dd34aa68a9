import { type Kysely, sql } from 'kysely'
import { viewOfCall } from './call-pages.ts'
import { eachRow } from './interruptible.ts'
import type { Schema } from './migrations.ts'
import { tokensOf } from './rollup-queries.ts'
import type { AttemptRow, CallRow } from './rows.ts'
import type { AttemptView, CallStory } from './views.ts'

/** Attempts of one call that are read at most. */
const mostAttempts = 200

/** A call by the id that its caller has of it, with its attempts in the order of their starts; the newest, where several have the id. */
export async function callStory(db: Kysely<Schema>, callId: string): Promise<CallStory | null> {
  const { rows } = await sql<CallRow>`select * from calls where ${eachRow} call_id = ${callId}
    order by started_at desc limit 1`.execute(db)
  const [call] = rows
  if (call === undefined) return null
  const { rows: attempts } =
    await sql<AttemptRow>`select * from attempts where ${eachRow} call_row = ${call.id}
    order by started_at, attempt, id limit ${mostAttempts}`.execute(db)
  return {
    call: await viewOfCall(db, call),
    api: call.api,
    operation: call.operation,
    modelAnswered: call.model_answered,
    stopReason: call.stop_reason,
    attempts: attempts.map(viewOfAttempt),
  }
}

function viewOfAttempt(row: AttemptRow): AttemptView {
  return {
    number: row.attempt,
    role: row.role,
    at: row.started_at,
    target: row.target,
    endpoint: row.endpoint,
    provider: row.provider,
    modelAsked: row.model_asked,
    modelAnswered: row.model_answered,
    failure: row.failure,
    status: row.status,
    code: row.code ?? null,
    requestId: row.request_id ?? null,
    stopReason: row.stop_reason,
    firstContentMs: row.ttft_ms,
    totalMs: row.total_ms,
    tokens: tokensOf({
      input: row.input_tokens,
      output: row.output_tokens,
      cacheRead: row.cache_read_tokens,
      cacheWrite: row.cache_write_tokens,
      reasoning: row.reasoning_tokens,
    }),
    estimated: row.estimated === 1,
    costNano: row.cost_nano === null ? null : String(row.cost_nano),
  }
}
