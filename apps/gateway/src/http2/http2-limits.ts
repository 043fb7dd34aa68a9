/** What one connection may ask for. */
export interface Http2Limits {
  /** Streams, so calls, at a time. */
  readonly maxConcurrentStreams: number
  /** Streams that the client may reset at once, and from then on a second. */
  readonly resetBurst: number
  readonly resetRate: number
}

export const http2Defaults: Http2Limits = { maxConcurrentStreams: 250, resetBurst: 1_000, resetRate: 33 }

/** All limits; undefined where HTTP/2 is off. */
export function http2Limits(
  set: boolean | { readonly [K in keyof Http2Limits]?: number | undefined } = true,
): Http2Limits | undefined {
  if (typeof set === 'boolean') return set ? http2Defaults : undefined
  return {
    maxConcurrentStreams: set.maxConcurrentStreams ?? http2Defaults.maxConcurrentStreams,
    resetBurst: set.resetBurst ?? http2Defaults.resetBurst,
    resetRate: set.resetRate ?? http2Defaults.resetRate,
  }
}
