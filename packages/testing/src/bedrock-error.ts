import type { Call, Dialect, WireError } from './answer.ts'
import { bedrockException } from './bedrock-frames.ts'

/** Exceptions and their usual words by status (Bedrock runtime, API reference). */
const exceptions: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['ValidationException', 'Malformed input request, please reformat your input and try again.'],
  403: ['AccessDeniedException', "You don't have access to the model with the specified model ID."],
  404: ['ResourceNotFoundException', 'The specified model was not found.'],
  408: ['ModelTimeoutException', 'Model has timed out in processing the request.'],
  424: ['ModelErrorException', 'The system encountered an unexpected error during processing.'],
  429: ['ThrottlingException', 'Too many requests, please wait before trying again.'],
  500: ['InternalServerException', 'The system encountered an unexpected error during processing.'],
  503: ['ServiceUnavailableException', 'Bedrock is unable to process your request.'],
}

const exceptionOf = ({ status, type, message }: WireError): { type: string; message: string } => {
  const [usualType, usualMessage] = exceptions[status ?? 500] ?? [
    'InternalServerException',
    `Status ${status}`,
  ]
  return { type: type ?? usualType, message: message ?? usualMessage }
}

/** How Bedrock says errors. */
export function bedrockDialect(headers: (call: Call) => Record<string, string>): Dialect {
  return {
    streamType: 'application/vnd.amazon.eventstream',
    ping: undefined,
    headers,
    errorHeaders: (error) => ({
      'x-amzn-errortype': `${exceptionOf(error).type}:http://internal.amazon.com/`,
    }),
    errorBody: (error) => JSON.stringify({ message: exceptionOf(error).message }),
    errorIn200: (error) => JSON.stringify({ message: exceptionOf(error).message }),
    errorFrame({ type = 'modelStreamErrorException', message = 'The model failed while it was answering.' }) {
      return bedrockException(type, message)
    },
  }
}
