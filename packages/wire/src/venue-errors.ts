import type { Failure, FailureKind } from '@spillway/middleware'
import { encodeFrame } from './event-stream/encode-frame.ts'
import { failureKinds } from './failure-kinds.ts'

/** An error as a venue says it. */
export interface VenueError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** The exceptions of the Bedrock runtime with their statuses (API reference); those that a stream can end with come first. */
const exceptions = {
  InternalServerException: 500,
  ValidationException: 400,
  ThrottlingException: 429,
  ModelTimeoutException: 408,
  ServiceUnavailableException: 503,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  UnrecognizedClientException: 403,
} as const

type Exception = keyof typeof exceptions

function exceptionOf(kind: FailureKind): Exception {
  const { owner, status } = failureKinds[kind]
  if (kind === 'authentication') return 'UnrecognizedClientException'
  if (owner === 'key') return 'AccessDeniedException'
  if (kind === 'not_found') return 'ResourceNotFoundException'
  if (kind === 'timeout') return 'ModelTimeoutException'
  if (status === 429) return 'ThrottlingException'
  if (status === 529 || status === 503) return 'ServiceUnavailableException'
  return status >= 500 || kind === 'cancelled' ? 'InternalServerException' : 'ValidationException'
}

/** A failure as the Bedrock runtime says it: its type is in a header. */
export function bedrockError({ kind, message }: Failure): VenueError {
  const name = exceptionOf(kind)
  return { status: exceptions[name], headers: { 'x-amzn-errortype': name }, body: { message } }
}

/** What a stream of the Bedrock runtime can end with; clients take no other. */
const inStreams: ReadonlySet<Exception> = new Set([
  'InternalServerException',
  'ValidationException',
  'ThrottlingException',
  'ModelTimeoutException',
  'ServiceUnavailableException',
])

/** A failure as the exception that ends a stream of the Bedrock runtime. */
export function bedrockErrorFrame({ kind, message }: Failure): Uint8Array {
  const named = exceptionOf(kind)
  const name = inStreams.has(named) ? named : 'ValidationException'
  return encodeFrame(
    {
      ':message-type': 'exception',
      ':exception-type': `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`,
      ':content-type': 'application/json',
    },
    Buffer.from(JSON.stringify({ message })),
  )
}

/** `google.rpc.Code` by HTTP status. */
const googleStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** Statuses that Google does not use. */
const translated: Readonly<Record<number, number>> = { 402: 403, 413: 400, 502: 503, 529: 503 }

/** A failure as Vertex AI says it. */
export function vertexError({ message }: Failure, status: number): VenueError {
  const code = translated[status] ?? status
  const name = googleStatuses[code] ?? (code >= 500 ? 'INTERNAL' : 'FAILED_PRECONDITION')
  return { status: code, headers: {}, body: { error: { code, message, status: name } } }
}
