import type { FailureKind, FailureScope } from '@spillway/middleware'

/** Whether a failure of this kind may go away when the same request is sent again. */
const retryable: ReadonlySet<FailureKind> = new Set([
  'overloaded',
  'rate_limited',
  'timeout',
  'connection',
  'server',
  'truncated',
  'malformed',
])

const scopes: Readonly<Record<FailureKind, FailureScope>> = {
  overloaded: 'model',
  rate_limited: 'key',
  timeout: 'endpoint',
  connection: 'endpoint',
  server: 'endpoint',
  invalid_request: 'request',
  authentication: 'key',
  permission: 'key',
  billing: 'key',
  not_found: 'model',
  too_large: 'request',
  refusal: 'request',
  truncated: 'endpoint',
  malformed: 'endpoint',
  cancelled: 'request',
  circuit_open: 'endpoint',
  saturated: 'key',
  budget_exceeded: 'key',
  unfit: 'request',
}

export function isRetryableKind(kind: FailureKind): boolean {
  return retryable.has(kind)
}

export function scopeOf(kind: FailureKind): FailureScope {
  return scopes[kind]
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
  if (status === 409 || status === 425) return 'server'
  if (status === 413) return 'too_large'
  if (status >= 400 && status < 500 && status !== 499) return 'invalid_request'
  return 'server'
}

/** Codes that say no more than the first digit of a status; a status at hand says more than they do. */
export const vagueCodes: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'invalid_request',
  'api_error',
  'server_error',
  'server',
  'unmapped',
])

/**
 * What vendors' error types and codes mean. Anthropic's `error.type` and `details.error_code`, OpenAI's `type`
 * and `code`, OpenRouter's `error_type` and availability codes share one name space without conflict.
 */
export const kindOfCode: Readonly<Record<string, FailureKind | undefined>> = {
  // Anthropic, error.type
  invalid_request_error: 'invalid_request',
  authentication_error: 'authentication',
  billing_error: 'billing',
  permission_error: 'permission',
  not_found_error: 'not_found',
  conflict_error: 'server',
  request_too_large: 'too_large',
  rate_limit_error: 'rate_limited',
  api_error: 'server',
  timeout_error: 'timeout',
  overloaded_error: 'overloaded',
  // Anthropic, details.error_code
  ramp_limit_exceeded: 'rate_limited',
  enforced_spend_limit_reached: 'billing',
  contract_spend_limit_reached: 'billing',
  linked_organization_spend_limit_reached: 'billing',
  organization_on_hold: 'billing',
  cmek_key_unreachable: 'server',
  cmek_context_unavailable: 'server',
  cmek_key_disabled: 'permission',
  // OpenAI, error.code and error.type
  insufficient_quota: 'billing',
  invalid_api_key: 'authentication',
  rate_limit_exceeded: 'rate_limited',
  model_not_found: 'not_found',
  context_length_exceeded: 'invalid_request',
  server_error: 'server',
  // OpenRouter, error_type
  authentication: 'authentication',
  permission_denied: 'permission',
  payment_required: 'billing',
  provider_overloaded: 'overloaded',
  provider_unavailable: 'server',
  timeout: 'timeout',
  server: 'server',
  unmapped: 'server',
  invalid_request: 'invalid_request',
  invalid_prompt: 'invalid_request',
  not_found: 'not_found',
  precondition_failed: 'invalid_request',
  payload_too_large: 'too_large',
  unprocessable: 'invalid_request',
  max_tokens_exceeded: 'invalid_request',
  token_limit_exceeded: 'invalid_request',
  string_too_long: 'invalid_request',
  content_policy_violation: 'refusal',
  refusal: 'refusal',
  // OpenRouter, availability codes
  capacity_exhausted: 'rate_limited',
  temporarily_unavailable: 'overloaded',
  wrong_endpoint: 'not_found',
  no_endpoints: 'not_found',
  model_deprecated: 'not_found',
  model_unavailable_upstream: 'not_found',
  region_restricted: 'permission',
  privacy_restricted: 'permission',
  constraint_filtered: 'not_found',
  free_variant_ended: 'not_found',
  // llama.cpp while it loads its model
  unavailable_error: 'overloaded',
  exceed_context_size_error: 'invalid_request',
}
