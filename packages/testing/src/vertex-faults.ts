import type { StatusFault } from './fault.ts'
import { invalidCredentials, predictionDenied } from './google-access.ts'

/** Faults of Vertex by name. */
export type VertexFaultName =
  | 'exhausted'
  | 'exhaustedWithReason'
  | 'provisionedExhausted'
  | 'requestQuota'
  | 'tokenQuota'
  | 'tokenQuotaInList'
  | 'overloaded'
  | 'notEnabled'
  | 'apiDisabled'
  | 'billingDisabled'
  | 'permissionDenied'
  | 'unauthenticated'
  | 'modelNotFound'
  | 'cancelled'
  | 'internal'
  | 'unavailable'
  | 'deadlineExceeded'
  | 'loadBalancer'

const google = (code: number, status: string, message: string, more: object = {}): StatusFault => ({
  type: 'status',
  status: code,
  errorType: status,
  message,
  ...('details' in more || 'errors' in more
    ? { body: JSON.stringify({ error: { code, message, ...more, status } }) }
    : {}),
})

const quota = (name: string): string =>
  `Quota exceeded for aiplatform.googleapis.com/${name} with base model: anthropic-claude-opus-5. Please submit a quota increase request. https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai.`
const tokenQuota = quota('online_prediction_input_tokens_per_minute_per_base_model')
const model = 'projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5'
const referTo429 =
  'Resource exhausted. Please try again later. Please refer to https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.'
const disabled =
  'Vertex AI API has not been used in project p before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/aiplatform.googleapis.com/overview?project=p then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.'
const unpaid =
  'This API method requires billing to be enabled. Please enable billing on project #123456789012 by visiting https://console.developers.google.com/billing/enable?project=123456789012 then retry. If you enabled billing for this project recently, wait a few minutes for the action to propagate to our systems and retry.'
const resource = `//aiplatform.googleapis.com/${model}`

/** What Google's front says of a model that is not there. @param name `projects/…/locations/…/publishers/anthropic/models/…` */
export function modelNotFound(name: string): string {
  return `Publisher Model \`${name}\` was not found or your project does not have access to it. Please ensure you are using a valid model version. For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions`
}

/** In the words of public issues until November 2026, else of Google's documentation. */
export const vertexFaults: Readonly<Record<VertexFaultName, StatusFault>> = {
  exhausted: google(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted, please try again later.'),
  exhaustedWithReason: google(429, 'RESOURCE_EXHAUSTED', referTo429, {
    errors: [{ message: referTo429, domain: 'global', reason: 'rateLimitExceeded' }],
  }),
  provisionedExhausted: google(
    429,
    'RESOURCE_EXHAUSTED',
    'Too many requests. Exceeded the Provisioned Throughput.',
  ),
  requestQuota: google(429, 'RESOURCE_EXHAUSTED', quota('online_prediction_requests_per_base_model')),
  tokenQuota: google(429, 'RESOURCE_EXHAUSTED', tokenQuota),
  // As Google writes errors of methods that stream.
  tokenQuotaInList: {
    ...google(429, 'RESOURCE_EXHAUSTED', tokenQuota),
    body: JSON.stringify([{ error: { code: 429, message: tokenQuota, status: 'RESOURCE_EXHAUSTED' } }]),
  },
  // Of Claude, behind Google's front.
  overloaded: {
    type: 'status',
    status: 529,
    body: JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
  },
  notEnabled: google(
    400,
    'FAILED_PRECONDITION',
    `Project \`123456789012\` is not allowed to use Publisher Model \`${model}\``,
  ),
  apiDisabled: google(403, 'PERMISSION_DENIED', disabled, {
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'SERVICE_DISABLED',
        domain: 'googleapis.com',
        metadata: { service: 'aiplatform.googleapis.com', consumer: 'projects/p' },
      },
    ],
  }),
  billingDisabled: google(403, 'PERMISSION_DENIED', unpaid, {
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'BILLING_DISABLED',
        domain: 'googleapis.com',
        metadata: { service: 'aiplatform.googleapis.com', consumer: 'projects/123456789012' },
      },
    ],
  }),
  permissionDenied: google(403, 'PERMISSION_DENIED', predictionDenied(resource), {
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'IAM_PERMISSION_DENIED',
        domain: 'aiplatform.googleapis.com',
        metadata: { permission: 'aiplatform.endpoints.predict', resource: model },
      },
    ],
  }),
  unauthenticated: google(401, 'UNAUTHENTICATED', invalidCredentials, {
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'ACCESS_TOKEN_TYPE_UNSUPPORTED',
        metadata: { service: 'aiplatform.googleapis.com' },
      },
    ],
  }),
  modelNotFound: google(404, 'NOT_FOUND', modelNotFound(model)),
  cancelled: google(499, 'CANCELLED', 'The operation was cancelled.'),
  internal: google(500, 'INTERNAL', 'Internal error encountered.'),
  unavailable: google(503, 'UNAVAILABLE', 'The service is currently unavailable.'),
  deadlineExceeded: google(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
  loadBalancer: {
    type: 'status',
    status: 503,
    bare: true,
    contentType: 'text/html; charset=UTF-8',
    headers: { 'referrer-policy': 'no-referrer' },
    body: '<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 503 (Server Error)!!1</title>\n  <p><b>503.</b> <ins>That’s an error.</ins>\n  <p>The server is temporarily unable to service your request.  Please try again later.  <ins>That’s all we know.</ins>\n',
  },
}
