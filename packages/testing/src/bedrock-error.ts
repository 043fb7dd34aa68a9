import type { Call, Dialect, WireError } from './answer.ts'
import { anthropicError } from './anthropic-error.ts'
import { bedrockChunk, bedrockErrorFrame, bedrockException } from './bedrock-frames.ts'

/** Exceptions and their usual words by status (Bedrock runtime, API reference). */
const exceptions: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['ValidationException', 'Malformed input request, please reformat your input and try again.'],
  403: ['AccessDeniedException', "You don't have access to the model with the specified model ID."],
  404: ['ResourceNotFoundException', 'The specified model was not found.'],
  408: ['ModelTimeoutException', 'Model has timed out in processing the request. Try your request again.'],
  424: [
    'ModelErrorException',
    'The system encountered an unexpected error during processing. Try your request again.',
  ],
  429: ['ThrottlingException', 'Too many requests, please wait before trying again.'],
  500: [
    'InternalServerException',
    'The system encountered an unexpected error during processing. Try your request again.',
  ],
  503: ['ServiceUnavailableException', 'Bedrock is unable to process your request.'],
}

const exceptionOf = ({ status, type, message }: WireError): { type: string; message: string } => {
  const [usualType, usualMessage] = exceptions[status ?? 500] ?? [
    'InternalServerException',
    `Status ${status}`,
  ]
  return { type: type ?? usualType, message: message ?? usualMessage }
}

/** The exceptions that a stream may hold, and their usual words. */
const inStream: Readonly<Record<string, string>> = {
  internalServerException:
    'The system encountered an unexpected error during processing. Try your request again.',
  modelStreamErrorException:
    'The system encountered an unexpected error during processing. Try your request again.',
  validationException: 'Malformed input request, please reformat your input and try again.',
  throttlingException: 'Too many tokens, please wait before trying again.',
  modelTimeoutException: 'Model has timed out in processing the request. Try your request again.',
  serviceUnavailableException: 'Bedrock is unable to process your request.',
}

/**
 * How Bedrock says errors.
 * @param isClaudes whether what a model refuses of a call is said in the words of Claude: models since 4.7
 */
export function bedrockDialect(
  headers: (call: Call) => Record<string, string>,
  isClaudes: (call: Call) => boolean,
): Dialect {
  return {
    streamType: 'application/vnd.amazon.eventstream',
    ping: undefined,
    headers,
    errorHeaders: (error) => ({
      'x-amzn-errortype': `${exceptionOf(error).type}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
    }),
    errorBody(error, call) {
      if (error.status === 400 && error.type === undefined && error.message !== undefined && isClaudes(call))
        return JSON.stringify({ type: 'error', error: anthropicError(error) })
      return JSON.stringify({ message: exceptionOf(error).message })
    },
    errorIn200: (error) => JSON.stringify({ message: exceptionOf(error).message }),
    errorFrame({ type = 'modelStreamErrorException', message }) {
      if (type.endsWith('_error'))
        return bedrockChunk(
          JSON.stringify({ type: 'error', error: anthropicError({ status: undefined, type, message }) }),
        )
      const name = type.charAt(0).toLowerCase() + type.slice(1)
      const usual = inStream[name]
      if (usual === undefined)
        return bedrockErrorFrame(type, message ?? 'The request could not be completed.')
      const more =
        name === 'modelStreamErrorException' ? { originalStatusCode: 500, originalMessage: 'Overloaded' } : {}
      return bedrockException(name, { message: message ?? usual, ...more })
    },
  }
}
