import type { AttemptReason } from '@spillway/middleware/kit'

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
  /** Null where the price is unknown. */
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

/** One call that two targets have answered, as a mirror has compared them; nothing of what was asked or said. */
export interface ComparisonRow {
  readonly id: string
  /** The call of the primary, whose caller got its answer. */
  readonly call_id: string
  readonly started_at: number
  readonly from_target: string
  readonly to_target: string
  readonly model_asked: string
  /** How alike the texts are, 0 to 1; null where they cannot be compared. */
  readonly similarity: number | null
  readonly primary_failure: string | null
  readonly primary_ttft_ms: number | null
  readonly primary_total_ms: number
  readonly primary_output_tokens: number
  readonly primary_cost_nano: number | null
  readonly candidate_failure: string | null
  readonly candidate_ttft_ms: number | null
  readonly candidate_total_ms: number
  readonly candidate_output_tokens: number
  readonly candidate_cost_nano: number | null
}

/** What a change is of: a circuit of an endpoint, a limit that a vendor has closed, an endpoint that is left out. */
export type ChangeKind = 'circuit' | 'limit' | 'endpoint'

/** That something between calls and a target has changed its state. */
export interface ChangeRow {
  readonly id: string
  /** When, in milliseconds since the Unix epoch. */
  readonly started_at: number
  readonly kind: ChangeKind
  readonly target: string
  readonly endpoint: string
  /** The model or the key of a circuit, the group of a limit; empty where there is one alone. */
  readonly subject: string
  readonly was: string
  readonly became: string
  readonly reason: string
  /** When it ends by itself, where that is known. */
  readonly until: number | null
}

/** The tables by name. */
export interface Tables {
  readonly calls: CallRow
  readonly attempts: AttemptRow
  readonly comparisons: ComparisonRow
  readonly changes: ChangeRow
}

/** A row on its way into its table. */
export type Entry = {
  readonly [T in keyof Tables]: { readonly table: T; readonly row: Tables[T] }
}[keyof Tables]

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
  comparisons: {
    id: 'text',
    call_id: 'text',
    started_at: 'bigint',
    from_target: 'text',
    to_target: 'text',
    model_asked: 'text',
    similarity: 'double precision',
    primary_failure: 'text',
    primary_ttft_ms: 'double precision',
    primary_total_ms: 'double precision',
    primary_output_tokens: 'bigint',
    primary_cost_nano: 'bigint',
    candidate_failure: 'text',
    candidate_ttft_ms: 'double precision',
    candidate_total_ms: 'double precision',
    candidate_output_tokens: 'bigint',
    candidate_cost_nano: 'bigint',
  },
  changes: {
    id: 'text',
    started_at: 'bigint',
    kind: 'text',
    target: 'text',
    endpoint: 'text',
    subject: 'text',
    was: 'text',
    became: 'text',
    reason: 'text',
    until: 'bigint',
  },
}

/** In the order in which they are written, so that two writers never wait for each other in a circle. */
export const tableNames: readonly (keyof Tables)[] = ['calls', 'attempts', 'comparisons', 'changes']
