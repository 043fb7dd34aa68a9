import type { Dialect, WireError } from './answer.ts'

const usual: Readonly<Record<number, readonly [type: string, code: string | null, message: string]>> = {
  400: ['invalid_request_error', null, 'Invalid request'],
  401: ['invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  403: ['invalid_request_error', 'unsupported_country_region_territory', 'Not allowed'],
  404: ['invalid_request_error', 'model_not_found', 'Not found'],
  413: ['invalid_request_error', null, 'Request too large'],
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests'],
  500: ['server_error', null, 'The server had an error while processing your request'],
  503: ['server_error', null, 'The engine is currently overloaded, please try again later'],
}

function errorOf({ status, type, message }: WireError): string {
  const [usualType, code, usualMessage] = usual[status ?? 500] ?? ['server_error', null, `Status ${status}`]
  return JSON.stringify({
    error: { message: message ?? usualMessage, type: type ?? usualType, param: null, code },
  })
}

/** How OpenAI, and those who speak its protocol to the letter, say errors. */
export const openAiChat: Dialect = {
  streamType: 'text/event-stream; charset=utf-8',
  ping: undefined,
  headers: ({ id }) => ({
    'x-request-id': `req_${id}`,
    'openai-processing-ms': '7',
    'openai-version': '2020-10-01',
  }),
  errorBody: errorOf,
  errorIn200: errorOf,
  errorFrame: (error) => `data: ${errorOf(error)}\n\n`,
}
