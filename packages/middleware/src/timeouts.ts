/** How long each phase may take. All in milliseconds, 0 to Infinity; Infinity means no limit. */
export interface Timeouts {
  /**
   * The whole call, all attempts and waits, up to the commit point.
   * @default 600000
   */
  readonly total: number
  /**
   * One attempt, up to its commit point.
   * @default Infinity
   */
  readonly attempt: number
  /**
   * Until a connection is established. Belongs to the connection pool, so it is read where a client is made; a `fetch` has
   * its own.
   * @default 5000
   */
  readonly connect: number
  /**
   * Until the response's headers. `undefined`: 20 s for streams and no limit otherwise, since a generation
   * that is not streamed sends its headers last. A number binds every call.
   * @default undefined
   */
  readonly headers: number | undefined
  /**
   * Until there is progress in a stream: a block is opened (thinking, text, tool use), or content comes; a ping is none.
   * @default 60000
   */
  readonly firstContent: number
  /**
   * Between two chunks, pings included, once there is progress in a stream or another body has begun. Stops while the
   * reader is slow.
   * @default 30000
   */
  readonly idle: number
  /**
   * A whole stream, from the attempt's start to its last byte.
   * @default Infinity
   */
  readonly stream: number
}

/** What `headers` means for a stream when it is not configured. */
export const defaultStreamHeaders = 20_000

/** The defaults of {@link Timeouts}. */
export const defaultTimeouts: Timeouts = {
  total: 600_000,
  attempt: Infinity,
  connect: 5_000,
  headers: undefined,
  firstContent: 60_000,
  idle: 30_000,
  stream: Infinity,
}
