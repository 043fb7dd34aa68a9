import { type Call, type Dialect, modelOf, type WireError } from './answer.ts'
import { anthropicError, sse } from './anthropic-error.ts'

interface Meaning {
  readonly status: number
  readonly type: string
  readonly message: string
  /** Anthropic's type, for the Messages skin, and understood in faults too. */
  readonly skin: string
}

function meaning(status: number, type: string, message: string, skin: string): Meaning {
  return { status, type, message, skin }
}

const meanings: readonly Meaning[] = [
  meaning(400, 'invalid_request', 'Invalid request', 'invalid_request_error'),
  meaning(401, 'authentication', 'No auth credentials found', 'authentication_error'),
  meaning(402, 'payment_required', 'Insufficient credits', 'billing_error'),
  meaning(403, 'permission_denied', 'This request is not allowed', 'permission_error'),
  meaning(404, 'not_found', 'Not found', 'not_found_error'),
  meaning(412, 'precondition_failed', 'Precondition failed', 'invalid_request_error'),
  meaning(413, 'payload_too_large', 'Payload too large', 'request_too_large'),
  meaning(422, 'unprocessable', 'Unprocessable request', 'invalid_request_error'),
  meaning(429, 'rate_limit_exceeded', 'Rate limit exceeded', 'rate_limit_error'),
  meaning(529, 'provider_overloaded', 'Provider overloaded', 'overloaded_error'),
  meaning(504, 'timeout', 'The provider timed out', 'timeout_error'),
  meaning(500, 'server', 'Internal Server Error', 'api_error'),
  meaning(408, 'timeout', 'Request timed out', 'timeout_error'),
  meaning(502, 'provider_unavailable', 'Provider returned error', 'api_error'),
  meaning(503, 'provider_unavailable', 'No provider is available for this request', 'api_error'),
  meaning(524, 'timeout', 'Edge network timeout', 'timeout_error'),
]

/** An error in OpenRouter's words; types may be given in Anthropic's, so that one table of faults fits both. */
function openRouterError({ status, type, message }: WireError): Meaning {
  const byType = type === undefined ? undefined : meanings.find((m) => m.type === type || m.skin === type)
  const byStatus = meanings.find((m) => m.status === (status ?? 502))
  const known = byType ?? byStatus ?? meaning(status ?? 500, 'unmapped', 'Unknown error', 'api_error')
  return {
    status: status ?? (type === undefined ? 502 : known.status),
    type: byType === undefined ? (type ?? known.type) : byType.type,
    message: message ?? known.message,
    skin: known.skin,
  }
}

function errorObject(error: WireError): object {
  const { status, type, message } = openRouterError(error)
  return { code: status, message, metadata: { error_type: type } }
}

/** OpenRouter's id of a call. */
export function generationId(call: Call): string {
  return `gen-${call.id}`
}

/** Says that the connection is alive while the provider works. */
export const processing = ': OPENROUTER PROCESSING\n\n'

const headers = (call: Call): Record<string, string> => ({ 'x-generation-id': generationId(call) })

/** How OpenRouter's chat completions say errors. */
export const openRouterChat: Dialect = {
  streamType: 'text/event-stream',
  ping: processing,
  headers,
  errorBody: (error) => JSON.stringify({ error: errorObject(error) }),
  errorIn200(error, call, at) {
    if (at === 'start') return JSON.stringify({ error: errorObject(error) })
    const message = { role: 'assistant', content: '' }
    const choice = { index: 0, message, finish_reason: 'error', error: errorObject(error) }
    return JSON.stringify({
      ...envelope(call, 'chat.completion'),
      system_fingerprint: null,
      choices: [choice],
    })
  },
  errorFrame(error, call) {
    const choices = [{ index: 0, delta: { content: '' }, finish_reason: 'error' }]
    const chunk = { ...envelope(call, 'chat.completion.chunk'), error: errorObject(error), choices }
    return `data: ${JSON.stringify(chunk)}\n\n`
  },
}

/** How OpenRouter's Messages skin says errors. */
export const openRouterMessages: Dialect = {
  streamType: 'text/event-stream',
  ping: processing,
  headers,
  errorBody: (error) => JSON.stringify(skinError(error, null)),
  errorIn200: (error, call) => JSON.stringify(skinError(error, generationId(call))),
  errorFrame: (error, call) => sse('error', skinError(error, generationId(call))),
}

function skinError(error: WireError, request_id: string | null): object {
  const { type, message, skin } = openRouterError(error)
  const named = anthropicError({ status: error.status, type: skin, message })
  return { type: 'error', error: { ...named, error_type: type }, request_id }
}

function envelope(call: Call, object: string): object {
  return {
    id: generationId(call),
    object,
    created: Math.floor(Date.now() / 1000),
    model: modelOf(call),
    provider: 'Anthropic',
  }
}
