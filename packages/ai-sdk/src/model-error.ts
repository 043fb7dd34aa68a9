import { APICallError } from '@ai-sdk/provider'
import { type Failure, isSpillwayError } from '@spillway/middleware'
import type { ResponseHeaders } from '@spillway/middleware/kit'
import {
  classifyErrorBody,
  classifyHttpError,
  isErrorBody,
  malformedFailure,
  transportFailure,
} from '@spillway/wire'
import { isTransportError } from '@spillway/wire/internal'

/** What an attempt makes of something that a model has thrown. */
export type ModelError =
  /** An HTTP response that is an error. */
  | {
      readonly is: 'response'
      readonly status: number
      readonly headers: ResponseHeaders
      readonly body: string
    }
  /** A failure of the upstream without one. */
  | { readonly is: 'failure'; readonly failure: Failure }
  /** A failure of the network. */
  | { readonly is: 'network' }
  /** The model does not do what was asked; another one may. */
  | { readonly is: 'unfit'; readonly message: string }
  /** The program is wrong: no policy repeats the call. */
  | { readonly is: 'fault' }

/** Errors of the AI SDK that say that an upstream has sent something else than an answer. */
const malformedNames: ReadonlySet<string> = new Set([
  'AI_EmptyResponseBodyError',
  'AI_InvalidResponseDataError',
  'AI_JSONParseError',
  'AI_NoContentGeneratedError',
  'AI_TypeValidationError',
])

/** Those that say that the program has to be changed: a key that is not set, a setting that makes no sense. */
const faultNames: ReadonlySet<string> = new Set([
  'AI_InvalidArgumentError',
  'AI_InvalidPromptError',
  'AI_LoadAPIKeyError',
  'AI_LoadSettingError',
  'AI_NoSuchModelError',
  'AI_NoSuchProviderError',
  'AI_NoSuchProviderReferenceError',
])

/** What the language throws at a mistake in a program. */
const mistakes: readonly (new (message?: string) => Error)[] = [
  TypeError,
  ReferenceError,
  RangeError,
  SyntaxError,
]

/** Tells what a model has thrown, by the AI SDK's markers and by what networks throw. */
export function readModelError(error: unknown, epoch: number): ModelError {
  const { name, message, statusCode, responseHeaders, responseBody } = fieldsOf(error)
  // A model that is made of several itself.
  if (isSpillwayError(error)) return { is: 'failure', failure: error.failure }
  if (name === 'AI_UnsupportedFunctionalityError') return { is: 'unfit', message }
  if (faultNames.has(name)) return { is: 'fault' }
  if (statusCode !== undefined && statusCode >= 400) {
    const body = responseBody ?? JSON.stringify({ error: { message } })
    return { is: 'response', status: statusCode, headers: keptHeaders(responseHeaders), body }
  }
  // An answer that the provider could not read, or an error inside of a success.
  if (statusCode !== undefined || malformedNames.has(name)) {
    return { is: 'failure', failure: insideSuccess(responseBody, name, epoch) }
  }
  if (isTransportError(error)) return { is: 'network' }
  if (APICallError.isInstance(error)) return { is: 'network' }
  return mistakes.some((type) => error instanceof type) ? { is: 'fault' } : { is: 'network' }
}

/** What an error part of a stream means. */
export function failureOfPart(error: unknown, epoch: number): Failure {
  const { name, message, type, code, statusCode, responseHeaders, responseBody } = fieldsOf(error)
  if (isSpillwayError(error)) return error.failure
  if (typeof error === 'string') return classifyErrorBody({ error: { message: error } }, epoch)
  if (malformedNames.has(name)) return unreadable(name)
  const body = parsed(responseBody) ?? { type: 'error', error: { type, code, message } }
  if (statusCode !== undefined && statusCode >= 400) {
    return classifyHttpError(statusCode, keptHeaders(responseHeaders), body, epoch)
  }
  return isTransportError(error) ? transportFailure(error) : classifyErrorBody(body, epoch)
}

function insideSuccess(body: string | undefined, name: string, epoch: number): Failure {
  const json = parsed(body)
  return isErrorBody(json) ? classifyErrorBody(json, epoch) : unreadable(name)
}

/** In words of our own: the provider's quote the answer. */
const unreadable = (name: string): Failure =>
  malformedFailure(`the provider could not read the answer (${name})`)

interface ErrorFields {
  readonly name: string
  readonly message: string
  readonly type: string | undefined
  readonly code: string | number | undefined
  readonly statusCode: number | undefined
  readonly responseHeaders: Readonly<Record<string, string>> | undefined
  readonly responseBody: string | undefined
}

function fieldsOf(error: unknown): ErrorFields {
  const { name, message, type, code, statusCode, status, responseHeaders, responseBody } = (error ??
    {}) as Record<string, unknown>
  return {
    name: textOf(name) ?? '',
    message: textOf(message) ?? 'the model failed without a message',
    type: textOf(type),
    code: typeof code === 'number' ? code : textOf(code),
    statusCode: numberOf(statusCode) ?? numberOf(status),
    responseHeaders: responseHeaders as ErrorFields['responseHeaders'],
    responseBody: textOf(responseBody),
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Describe the body as it came over the wire, and not as a provider hands it over. */
const ofTheWire: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-type',
  'set-cookie',
  'transfer-encoding',
])

/** The headers of a model's answer that say something to policies: limits, waits, ids. */
export function keptHeaders(headers: Readonly<Record<string, string>> | undefined): ResponseHeaders {
  const kept = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const)
  return Object.fromEntries(kept.filter(([name]) => !ofTheWire.has(name)))
}
