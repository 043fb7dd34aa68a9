import type { ModelRequest } from '@spillway/middleware'
import type { FetchFacts, ResponseHeaders } from '@spillway/middleware/kit'

/**
 * Hears what a transport receives. Calls come in this order: `sent` where the handle was `isLeaving`, `headers` at most once, `data` any
 * number of times after it, then exactly one of `end`, `error` and `fault`. After `abort` none needs to come.
 */
export interface TransportSink {
  /** The request leaves now: the limits of the attempt begin to run. */
  sent?(): void
  /** @param facts of a transport over a `fetch` */
  headers(status: number, headers: ResponseHeaders, facts?: FetchFacts): void
  /** The chunk must not be written to afterwards. */
  data(chunk: Uint8Array): void
  end(): void
  /** The network or the upstream has failed. */
  error(error: unknown): void
  /** The program has: before the commit point the handler rejects with this very error, and no policy repeats the call. */
  fault(error: unknown): void
}

/** Steers a request on its way. All are harmless after the end. */
export interface TransportHandle {
  /** Whether the request waits for a connection when the transport returns; `sent` follows then. */
  readonly isLeaving?: boolean | undefined
  pause(): void
  resume(): void
  /** Closes the connection, or its equivalent, at once. */
  abort(reason: unknown): void
}

/**
 * Sends one request and pushes what comes back into the sink: the smallest thing that can carry an attempt.
 * It neither interprets nor times anything. It calls the sink only after it has returned.
 */
export type Transport = (request: ModelRequest, sink: TransportSink) => TransportHandle
