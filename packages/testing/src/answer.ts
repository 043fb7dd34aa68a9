import type { ErrorIn200 } from './fault.ts'
import type { Recording } from './recorded-request.ts'

/** One event of a stream, as its bytes. */
export interface Frame {
  /** Bytes where the venue frames its events. */
  readonly text: string | Buffer
  /** Whether it opens a block of the answer, where the text does not say so. */
  readonly opens?: boolean
  /** Whether it carries a part of the answer: a delta, or the start of a tool call. */
  readonly content: boolean
  /** Called when it is sent. */
  readonly sent?: () => void
}

/** A response before any fault. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  /** A whole body, or the events of a stream. */
  readonly body: string | readonly Frame[]
  /** Where output is counted: `all` when the whole is sent at once, `end` when the response is over. */
  readonly counting?: { all(): void; end(): void }
}

/** An error before it is put into a protocol's words. */
export interface WireError {
  /** Undefined inside a 200. */
  readonly status: number | undefined
  readonly type?: string | undefined
  readonly message?: string | undefined
}

/** Why a request is refused. */
export type Refusal = WireError & { readonly status: number }

/** A request on its way through a server. */
export interface Call {
  readonly request: Recording
  /** Unique; the protocols make their ids of it. */
  readonly id: string
}

/** How one protocol says what goes wrong. */
export interface Dialect {
  readonly streamType: string
  /** A keep-alive; undefined where the protocol has none. */
  readonly ping: string | undefined
  /** Headers of every response. */
  headers(call: Call): Record<string, string>
  /** The body of an error response. */
  errorBody(error: WireError, call: Call): string
  /** The body of a 200 that holds an error. */
  errorIn200(error: WireError, call: Call, at: ErrorIn200['at']): string
  /** An error as an event of a stream. */
  errorFrame(error: WireError, call: Call): string | Buffer
  /** More headers of an error response. */
  errorHeaders?(error: WireError): Record<string, string>
}

/** What answers a request. */
export interface Route {
  readonly dialect: Dialect
  /** Whether it asks for a generation, so that it takes a fault. */
  readonly generates: boolean
  answer(call: Call): Answer
}

/** A whole JSON answer. */
export function jsonAnswer(body: string, headers: Readonly<Record<string, string>>, status = 200): Answer {
  return { status, contentType: 'application/json', headers, body }
}

/** An error response in the protocol's words. */
export function errorAnswer(dialect: Dialect, call: Call, error: WireError & { status: number }): Answer {
  const headers = { ...dialect.headers(call), ...dialect.errorHeaders?.(error) }
  return jsonAnswer(dialect.errorBody(error, call), headers, error.status)
}

/** A route that always says the same. */
export function route(dialect: Dialect, body: (call: Call) => unknown): Route {
  return {
    dialect,
    generates: false,
    answer: (call) => jsonAnswer(JSON.stringify(body(call)), dialect.headers(call)),
  }
}

/** A route that is not there, or not with this method. */
export function errorRoute(dialect: Dialect, error: WireError & { status: number }): Route {
  return { dialect, generates: false, answer: (call) => errorAnswer(dialect, call, error) }
}

/** A value's fields, or none. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** The model that a request names, or an empty string. */
export function modelOf(call: Call): string {
  const { model } = fieldsOf(call.request.json)
  return typeof model === 'string' ? model : ''
}
