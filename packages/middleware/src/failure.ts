/** What went wrong, in one vocabulary for all vendors. */
export type FailureKind =
  | 'overloaded'
  | 'rate_limited'
  | 'timeout'
  | 'connection'
  | 'server'
  | 'invalid_request'
  | 'authentication'
  | 'permission'
  | 'billing'
  | 'not_found'
  | 'too_large'
  | 'refusal'
  | 'truncated'
  | 'malformed'
  | 'cancelled'
  | 'circuit_open'
  | 'saturated'
  | 'budget_exceeded'
  | 'unfit'

/** Which limit a `timeout` ran into. */
export type TimeoutPhase = 'connect' | 'headers' | 'first_content' | 'idle' | 'attempt' | 'total' | 'stream'

/** What the failure says something about: this request alone, the key, the model, or the whole endpoint. */
export type FailureScope = 'request' | 'key' | 'model' | 'endpoint'

/** Why a call failed. Plain data; made in `@spillway/wire` alone. */
export interface Failure {
  readonly kind: FailureKind
  /** For people; never a secret. */
  readonly message: string
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean
  /** How long the server asks to wait, in milliseconds. A floor, not a hint. */
  readonly retryAfterMs?: number | undefined
  readonly scope: FailureScope
  /** `spillway` for our own refusals: never retried, no attempt, no mark against the upstream. */
  readonly origin: 'upstream' | 'spillway'
  /** With kind `timeout`: the limit that was reached. */
  readonly phase?: TimeoutPhase | undefined
  /** The upstream's HTTP status, where there was one. */
  readonly status?: number | undefined
  /** The vendor's own machine-readable code. */
  readonly code?: string | undefined
  /** The vendor's id of the request. */
  readonly requestId?: string | undefined
}
