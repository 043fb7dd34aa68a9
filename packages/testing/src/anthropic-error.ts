import type { Call, Dialect, WireError } from './answer.ts'

const typeOfStatus: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['invalid_request_error', 'Invalid request'],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'Your credit balance is too low to access the API'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource'],
  404: ['not_found_error', 'Not found'],
  409: ['conflict_error', 'The request conflicts with another one'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', 'This request would exceed the rate limit of your organization'],
  500: ['api_error', 'Internal server error'],
  504: ['timeout_error', 'Request timed out'],
  529: ['overloaded_error', 'Overloaded'],
}

const usualMessage: ReadonlyMap<string, string> = new Map(Object.values(typeOfStatus))

/** The type and message of an error in Anthropic's words. */
export function anthropicError({ status, type, message }: WireError): { type: string; message: string } {
  const usual: readonly [string, string] =
    typeOfStatus[status ?? 529] ??
    ((status as number) < 500
      ? ['invalid_request_error', `Status ${status}`]
      : ['api_error', `Status ${status}`])
  const named = type ?? usual[0]
  return { type: named, message: message ?? usualMessage.get(named) ?? usual[1] }
}

/** One event of the Messages stream. */
export function sse(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** A keep-alive of the Messages stream. */
export const ping: string = sse('ping', { type: 'ping' })

/** The request id of a call at Anthropic. */
export function requestId(call: Call): string {
  return `req_${call.id}`
}

/** How Anthropic says errors. */
export function anthropicDialect(
  headers: (call: Call) => Record<string, string>,
  idOf: (call: Call) => string = requestId,
): Dialect {
  const body = (error: WireError, call: Call): unknown => ({
    type: 'error',
    error: anthropicError(error),
    request_id: idOf(call),
  })
  return {
    streamType: 'text/event-stream; charset=utf-8',
    ping,
    headers,
    errorBody: (error, call) => JSON.stringify(body(error, call)),
    errorIn200: (error, call) => JSON.stringify(body(error, call)),
    errorFrame: (error, call) => sse('error', body(error, call)),
  }
}
