import type { AttemptReason } from '@spillway/middleware'

/** Why an attempt was made; a mirror's is told apart whatever its reason. */
export type AttemptRole = AttemptReason | 'mirror'

/** One attempt, as it is booked. Times are milliseconds; `started_at` since the Unix epoch. */
export interface AttemptRow {
  /** Unique for each row, whatever the caller chose as call id. */
  readonly id: string
  readonly call_id: string
  /** The id of its call's row; null where calls are not booked. */
  readonly call_row?: string | null
  /** 1 for the first of a call. */
  readonly attempt: number
  readonly role: AttemptRole
  readonly started_at: number
  readonly tenant: string | null
  readonly target: string | null
  readonly endpoint: string | null
  readonly provider: string
  readonly model_asked: string
  readonly model_answered: string | null
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly reasoning_tokens: number
  /** 1 where the tokens or their price are an estimate. */
  readonly estimated: number
  /** Null where nobody knows the price. */
  readonly cost_nano: number | null
  readonly failure: string | null
  /** The upstream's, where it failed with one. */
  readonly status: number | null
  /** The vendor's own code of the failure, and its id of the request. Its message is not booked: it may quote the prompt. */
  readonly code?: string | null
  readonly request_id?: string | null
  readonly stop_reason: string | null
  readonly ttft_ms: number | null
  readonly total_ms: number
  /** The conversation that its call belongs to. */
  readonly session?: string | null
}

/** One call, as it is booked at its outcome. */
export interface CallRow {
  readonly id: string
  readonly call_id: string
  readonly started_at: number
  readonly tenant: string | null
  readonly api: string
  readonly operation: string
  readonly model_asked: string
  readonly model_answered: string | null
  /** Who answered; null for a refusal and for a caller who left. */
  readonly target: string | null
  readonly attempts: number
  readonly failure: string | null
  /** As the caller got it; null for one who left before. */
  readonly status: number | null
  readonly stop_reason: string | null
  readonly ttft_ms: number | null
  readonly total_ms: number
  /** 1 where the caller asked for a stream. */
  readonly stream?: number | null
  /** The target that was asked first; null where no other was. */
  readonly fallback_from?: string | null
  /** The last target that was asked instead. */
  readonly fallback_to?: string | null
  /** Why the first target was left. */
  readonly fallback_reason?: string | null
  /** The conversation, as the caller names it. */
  readonly session?: string | null
}

/** The tables by name. */
export interface Tables {
  readonly calls: CallRow
  readonly attempts: AttemptRow
}

/** A row on its way into its table. */
export type Entry =
  | { readonly table: 'calls'; readonly row: CallRow }
  | { readonly table: 'attempts'; readonly row: AttemptRow }

type ColumnType = 'text' | 'bigint' | 'double precision'

/** The columns of each table in the words of both databases. */
export const columns: { readonly [T in keyof Tables]: Readonly<Record<keyof Tables[T], ColumnType>> } = {
  calls: {
    id: 'text',
    call_id: 'text',
    started_at: 'bigint',
    tenant: 'text',
    api: 'text',
    operation: 'text',
    model_asked: 'text',
    model_answered: 'text',
    target: 'text',
    attempts: 'bigint',
    failure: 'text',
    status: 'bigint',
    stop_reason: 'text',
    ttft_ms: 'double precision',
    total_ms: 'double precision',
    stream: 'bigint',
    fallback_from: 'text',
    fallback_to: 'text',
    fallback_reason: 'text',
    session: 'text',
  },
  attempts: {
    id: 'text',
    call_id: 'text',
    attempt: 'bigint',
    role: 'text',
    started_at: 'bigint',
    tenant: 'text',
    target: 'text',
    endpoint: 'text',
    provider: 'text',
    model_asked: 'text',
    model_answered: 'text',
    input_tokens: 'bigint',
    output_tokens: 'bigint',
    cache_read_tokens: 'bigint',
    cache_write_tokens: 'bigint',
    reasoning_tokens: 'bigint',
    estimated: 'bigint',
    cost_nano: 'bigint',
    failure: 'text',
    status: 'bigint',
    stop_reason: 'text',
    ttft_ms: 'double precision',
    total_ms: 'double precision',
    call_row: 'text',
    code: 'text',
    request_id: 'text',
    session: 'text',
  },
}
