import type { Call, Dialect, WireError } from './answer.ts'
import { sse } from './anthropic-error.ts'

const messages: Readonly<Record<number, string>> = {
  400: 'invalid request',
  404: 'model not found',
  429: 'too many requests',
  499: 'request canceled',
  503: 'server busy, please try again.  maximum pending requests exceeded',
}

function messageOf({ status, message }: WireError): string {
  return message ?? messages[status ?? 500] ?? 'llama runner process has terminated'
}

const noHeaders = (): Record<string, string> => ({})

/** How Ollama's own API says errors: as a line of its stream, too. */
export const ollamaNative: Dialect = {
  streamType: 'application/x-ndjson',
  ping: undefined,
  headers: noHeaders,
  errorBody: (error) => JSON.stringify({ error: messageOf(error) }),
  errorIn200: (error) => JSON.stringify({ error: messageOf(error) }),
  errorFrame: (error) => `${JSON.stringify({ error: messageOf(error) })}\n`,
}

const chatType: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  404: 'not_found_error',
}

function chatError(error: WireError): string {
  const type = error.type ?? chatType[error.status ?? 500] ?? 'api_error'
  return JSON.stringify({ error: { message: messageOf(error), type, param: null, code: null } })
}

/** How Ollama's chat completions say errors. */
export const ollamaChat: Dialect = {
  streamType: 'text/event-stream',
  ping: undefined,
  headers: noHeaders,
  errorBody: chatError,
  errorIn200: chatError,
  errorFrame: (error) => `data: ${chatError(error)}\n\n`,
}

const messagesType: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  529: 'overloaded_error',
}

function messagesError(error: WireError, call: Call): object {
  const type = error.type ?? messagesType[error.status ?? 500] ?? 'api_error'
  return { type: 'error', error: { type, message: messageOf(error) }, request_id: `req_${call.id}` }
}

/** How Ollama's Messages endpoint says errors. */
export const ollamaMessages: Dialect = {
  streamType: 'text/event-stream',
  ping: undefined,
  headers: noHeaders,
  errorBody: (error, call) => JSON.stringify(messagesError(error, call)),
  errorIn200: (error, call) => JSON.stringify(messagesError(error, call)),
  errorFrame: (error, call) => sse('error', messagesError(error, call)),
}
