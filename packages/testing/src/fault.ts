/**
 * Something that goes wrong with one answer. Plain data, so that a table of faults can drive a suite.
 * All times are in milliseconds; Infinity means never. Where a fault speaks of content, these are the events
 * that carry some: deltas of text, thinking and tool input, and the start of a tool call.
 */
export type Fault =
  | SlowHeaders
  | SlowFirstToken
  | Stall
  | StatusFault
  | ErrorIn200
  | Cut
  | Malformed
  | Damage
  | Reset
  | Drip

/** The headers come late. */
export interface SlowHeaders {
  readonly type: 'slow-headers'
  readonly ms: number
}

/**
 * A stream begins at once (headers and all that comes before its first block opens), then its first content comes late.
 * An answer that is not streamed has late headers instead.
 */
export interface SlowFirstToken {
  readonly type: 'slow-first-token'
  readonly ms: number
  /** Sends a keep-alive of the protocol this often meanwhile. @default none */
  readonly pings?: number
}

/** A stream pauses after some content; an answer that is not streamed pauses after half its body. */
export interface Stall {
  readonly type: 'stall'
  /** How many content events come before the pause; 0 and up. */
  readonly afterChunks: number
  readonly ms: number
  /** Sends a keep-alive of the protocol this often meanwhile; streams only. @default none */
  readonly pings?: number
}

/** An HTTP error instead of an answer. */
export interface StatusFault {
  readonly type: 'status'
  readonly status: number
  /** The vendor's error type. @default what the vendor sends with that status */
  readonly errorType?: string
  /** @default what the vendor says with that status, roughly */
  readonly message?: string
  /** The `retry-after` header: seconds, or an HTTP date. @default no header */
  readonly retryAfter?: number | string
  /** More headers; they win over the usual ones. */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether it has no headers but those of its body: no id, no name of the error. @default false */
  readonly bare?: boolean
  /** Sent as it is. @default the vendor's error body */
  readonly body?: string
  /** @default application/json */
  readonly contentType?: string
}

/**
 * Status 200, and yet an error: an error event in a stream, which ends there; else an error as the body.
 */
export interface ErrorIn200 {
  readonly type: 'error-in-200'
  /** In a stream: as the very first event, just before the first content, or after some of it. */
  readonly at: 'start' | 'before-content' | 'after-content'
  /** With `after-content`: how many content events come first. @default half of them */
  readonly afterChunks?: number
  /** The vendor's error type. @default overloaded_error (Claude), provider_unavailable (OpenRouter) */
  readonly errorType?: string
  readonly message?: string
}

/** The answer breaks off. What is not streamed breaks off in the middle of its body, or after the headers. */
export interface Cut {
  readonly type: 'cut'
  /** `mid-event`: in the middle of a content event. */
  readonly at: 'headers' | 'before-content' | 'after-content' | 'mid-event'
  /** `end`: a clean end of the body, too early. `reset`: the connection is reset (RST). */
  readonly how: 'end' | 'reset'
  /** With `after-content` and `mid-event`: how many whole content events come first. @default half of them */
  readonly afterChunks?: number
}

/**
 * Status 200 with a body that makes no sense: JSON that breaks off (in a stream: in its first content event),
 * nothing at all, an HTML page, or an event stream of lines that are no events.
 */
export interface Malformed {
  readonly type: 'malformed'
  readonly how: 'json' | 'empty' | 'html' | 'sse'
}

/**
 * Bytes of a framed stream that were changed on their way: one of the payload or the headers of a content event, the checksum of
 * its prelude, or its length, which then claims more than any frame has. Streams without frames, and anything else, have broken
 * JSON instead.
 */
export interface Damage {
  readonly type: 'damage'
  readonly part: 'payload' | 'headers' | 'prelude' | 'length'
  /** How many whole content events come first. @default half of them */
  readonly afterChunks?: number
}

/** The connection is reset (RST) before any byte of the response. */
export interface Reset {
  readonly type: 'reset'
}

/** The right body, a few bytes at a time, wherever they break events and characters. */
export interface Drip {
  readonly type: 'drip'
  /** How many bytes at a time; 1 and up. */
  readonly bytes: number
  /** 0 gives each piece a separate turn of the event loop. */
  readonly everyMs: number
}
