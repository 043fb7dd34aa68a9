import type { Failure, FailureKind } from '@spillway/middleware'
import type { FailureScope } from '@spillway/middleware/kit'

/** Who can do something about a failure: the caller, the owner of the key, the operator of the endpoint, or no one outside Spillway. */
export type FailureOwner = 'caller' | 'key' | 'model' | 'endpoint' | 'pace' | 'spillway'

/** What holds for all failures of one kind. */
export interface KindFacts {
  /** Whether it may go away when the same request is sent again. */
  readonly retryable: boolean
  /** What it says something about, unless the vendor says better. */
  readonly scope: FailureScope
  readonly owner: FailureOwner
  /** The HTTP status, where the upstream gave none. */
  readonly status: number
  /** `error.type` of Anthropic's protocol, and `error.code` of OpenAI's. */
  readonly anthropic: string
  readonly openai: string
  /**
   * What tokens an upstream has counted that reports none: none where it refuses a call instead of answering it. Time-outs of a
   * proxy are no such refusals, what is behind it may still be at work.
   */
  readonly tokens: 'none' | 'unknown'
}

const row = (
  retryable: boolean,
  scope: FailureScope,
  owner: FailureOwner,
  status: number,
  anthropic: string,
  openai: string,
  tokens: 'none' | 'unknown' = 'none',
): KindFacts => ({ retryable, scope, owner, status, anthropic, openai, tokens })

/** The one table of failure kinds: retries, breakers, routing, fallbacks and rendering read it. */
export const failureKinds: Readonly<Record<FailureKind, KindFacts>> = {
  overloaded: row(true, 'model', 'endpoint', 529, 'overloaded_error', 'server_error'),
  rate_limited: row(true, 'key', 'pace', 429, 'rate_limit_error', 'rate_limit_exceeded'),
  timeout: row(true, 'endpoint', 'endpoint', 504, 'timeout_error', 'timeout', 'unknown'),
  connection: row(true, 'endpoint', 'endpoint', 502, 'api_error', 'server_error', 'unknown'),
  server: row(true, 'endpoint', 'endpoint', 502, 'api_error', 'server_error'),
  invalid_request: row(false, 'request', 'caller', 400, 'invalid_request_error', 'invalid_request_error'),
  authentication: row(false, 'key', 'key', 401, 'authentication_error', 'invalid_api_key'),
  permission: row(false, 'key', 'key', 403, 'permission_error', 'permission_denied'),
  billing: row(false, 'key', 'key', 402, 'billing_error', 'insufficient_quota'),
  not_found: row(false, 'model', 'model', 404, 'not_found_error', 'not_found'),
  too_large: row(false, 'request', 'caller', 413, 'request_too_large', 'invalid_request_error'),
  refusal: row(
    false,
    'request',
    'caller',
    400,
    'invalid_request_error',
    'content_policy_violation',
    'unknown',
  ),
  truncated: row(true, 'endpoint', 'endpoint', 502, 'api_error', 'server_error', 'unknown'),
  malformed: row(true, 'endpoint', 'endpoint', 502, 'api_error', 'server_error', 'unknown'),
  cancelled: row(false, 'request', 'caller', 499, 'api_error', 'server_error', 'unknown'),
  circuit_open: row(false, 'endpoint', 'spillway', 503, 'overloaded_error', 'server_error'),
  saturated: row(false, 'key', 'spillway', 429, 'rate_limit_error', 'rate_limit_exceeded'),
  // As Anthropic's own gateway says it: clients show the message, and do not try again.
  budget_exceeded: row(false, 'key', 'spillway', 429, 'billing_error', 'insufficient_quota'),
  unfit: row(false, 'request', 'spillway', 400, 'invalid_request_error', 'invalid_request_error'),
}

/** Whether the endpoint does not do what it is there for. */
export function isEndpointFailure({ kind, origin }: Failure): boolean {
  return origin === 'upstream' && failureKinds[kind].owner === 'endpoint'
}

/** Whether the vendor refuses the key, whatever is asked. */
export function isKeyFailure({ kind, scope, origin }: Failure): boolean {
  return origin === 'upstream' && scope === 'key' && failureKinds[kind].owner === 'key'
}

/** Whether the request itself is what fails: it would elsewhere too, if that place is like this one. */
export function isCallerError({ kind }: Pick<Failure, 'kind'>): boolean {
  return failureKinds[kind].owner === 'caller'
}

/** What an HTTP status means where the body says nothing better. */
export function kindOfStatus(status: number): FailureKind {
  if (status === 529 || status === 503) return 'overloaded'
  if (status === 429) return 'rate_limited'
  if (status === 401) return 'authentication'
  if (status === 402) return 'billing'
  if (status === 403) return 'permission'
  if (status === 404 || status === 410) return 'not_found'
  if (status === 408 || status === 504 || status === 524) return 'timeout'
  // 424 is AWS's for a model that failed, and no caller's error.
  if (status === 409 || status === 424 || status === 425) return 'server'
  if (status === 413) return 'too_large'
  if (status >= 400 && status < 500 && status !== 499) return 'invalid_request'
  return 'server'
}
