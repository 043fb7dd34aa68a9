import type { FailureKind } from '@spillway/middleware'

/** Codes that say no more than the first digit of a status; a status at hand says more than they do. */
export const vagueCodes: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'invalid_request',
  'api_error',
  'server_error',
  'server',
  'unmapped',
  // Google, error.status
  'FAILED_PRECONDITION',
  'UNKNOWN',
  'CANCELLED',
])

/**
 * What vendors' error types and codes mean. Anthropic's `error.type` and `details.error_code`, OpenAI's `type`
 * and `code`, OpenRouter's `error_type` and availability codes, the names of AWS's exceptions, Google's `status` and
 * Azure's `code` share one name space without conflict.
 */
const kindOfCode: Readonly<Record<string, FailureKind | undefined>> = {
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
  credit_balance_exhausted: 'billing',
  organization_usage_limit_exceeded: 'billing',
  organization_spend_limit_exceeded: 'billing',
  project_usage_limit_exceeded: 'billing',
  project_spend_limit_exceeded: 'billing',
  billing_hard_limit_reached: 'billing',
  billing_not_active: 'billing',
  account_deactivated: 'authentication',
  unsupported_country_region_territory: 'permission',
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
  // AWS, by the exception (Bedrock runtime, API reference); in frames of a stream the first letter is small
  AccessDeniedException: 'permission',
  ExpiredTokenException: 'authentication',
  IncompleteSignatureException: 'authentication',
  InternalServerException: 'server',
  InvalidSignatureException: 'authentication',
  MissingAuthenticationTokenException: 'authentication',
  ModelErrorException: 'server',
  ModelNotReadyException: 'overloaded',
  ModelStreamErrorException: 'server',
  ModelTimeoutException: 'timeout',
  ResourceNotFoundException: 'not_found',
  ServiceQuotaExceededException: 'rate_limited',
  ServiceUnavailableException: 'overloaded',
  ThrottlingException: 'rate_limited',
  UnrecognizedClientException: 'authentication',
  ValidationException: 'invalid_request',
  // Google, error.status (google.rpc.Code), and the reasons of its ErrorInfo
  ABORTED: 'server',
  API_KEY_INVALID: 'authentication',
  CANCELLED: 'server',
  CONSUMER_SUSPENDED: 'permission',
  DEADLINE_EXCEEDED: 'timeout',
  FAILED_PRECONDITION: 'invalid_request',
  INTERNAL: 'server',
  INVALID_ARGUMENT: 'invalid_request',
  NOT_FOUND: 'not_found',
  OUT_OF_RANGE: 'invalid_request',
  PERMISSION_DENIED: 'permission',
  RESOURCE_EXHAUSTED: 'rate_limited',
  UNAUTHENTICATED: 'authentication',
  UNAVAILABLE: 'overloaded',
  UNKNOWN: 'server',
  // Azure, error.code
  content_filter: 'refusal',
  DeploymentNotFound: 'not_found',
  ResponsibleAIPolicyViolation: 'refusal',
  // llama.cpp while it loads its model
  unavailable_error: 'overloaded',
  exceed_context_size_error: 'invalid_request',
}

/** What a code means, whatever case its first letter has; undefined for one that is not known. */
export function kindOfVendorCode(code: string): FailureKind | undefined {
  if (Object.hasOwn(kindOfCode, code)) return kindOfCode[code]
  const capital = `${code.slice(0, 1).toUpperCase()}${code.slice(1)}`
  return Object.hasOwn(kindOfCode, capital) ? kindOfCode[capital] : undefined
}
