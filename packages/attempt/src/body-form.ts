import type { ResponseHeaders, Venue } from '@spillway/middleware/kit'
import { header } from '@spillway/wire/internal'

/** What a body is, whatever its type says. */
export type BodyForm = 'stream' | 'json' | 'other'

const SPACE = 32

/** How Bedrock frames its streams. */
const framesType = 'application/vnd.amazon.eventstream'

const byteOrderMark = [0xef, 0xbb, 0xbf]

/** The fields of events, and the colon of comments. */
const streamStarts = ['data', 'event', 'id', 'retry', '']

/**
 * Tells what a body is by its first visible bytes, in any chunking: seven of them at most. Servers and proxies send streams
 * as `text/plain`, as JSON, or without a type.
 */
export class FormSniffer {
  readonly #venue: Venue | undefined
  #bytes = 0
  #start = ''

  /** @param venue the cloud that wraps the body */
  constructor(venue?: Venue) {
    this.#venue = venue
  }

  /** Undefined while it cannot be told yet. */
  read(chunk: Uint8Array): BodyForm | undefined {
    if (this.#venue === 'bedrock') {
      const form = this.#readFramed(chunk)
      if (form !== 'text') return form
    }
    for (const byte of chunk) {
      const at = this.#bytes++
      if (at < 3 && byte === byteOrderMark[at]) continue
      if (this.#start === '' && byte <= SPACE) continue
      const found = this.#add(String.fromCharCode(byte))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Frames begin with their length, whose first byte is 0 or 1. Events of another service's are no stream here. */
  #readFramed(chunk: Uint8Array): BodyForm | 'text' | undefined {
    const [first] = chunk
    if (this.#bytes > 0 || first === undefined) return 'text'
    return first <= 1 ? 'stream' : 'text'
  }

  #add(character: string): BodyForm | undefined {
    if (this.#start === '' && character === '{') return 'json'
    // A field may have no value, and then no colon.
    const isFieldEnd = character === ':' || (this.#start !== '' && (character === '\n' || character === '\r'))
    if (isFieldEnd) return streamStarts.includes(this.#start) ? 'stream' : 'other'
    this.#start += character
    return streamStarts.some((name) => name.startsWith(this.#start)) ? undefined : 'other'
  }
}

export function isEventStream(headers: ResponseHeaders, venue?: Venue): boolean {
  const type = header(headers, 'content-type') ?? ''
  return (
    venue === 'bedrock' ? /^\s*application\/vnd\.amazon\.eventstream/i : /^\s*text\/event-stream/i
  ).test(type)
}

const terminator = Buffer.from('data: [DONE]')
const lastOfTerminator = 0x5d

/** A whole answer without the end of a stream that some servers put behind it. */
export function withoutTerminator(body: Uint8Array): Uint8Array {
  let end = body.length
  while (end > 0 && (body[end - 1] as number) <= SPACE) end--
  // For speed: hardly any answer ends with a bracket.
  if (body[end - 1] !== lastOfTerminator) return body
  const start = end - terminator.length
  return start > 0 && terminator.equals(body.subarray(start, end)) ? body.subarray(0, start) : body
}

/** The headers of a response whose body has become JSON. */
export function headersOfJson(headers: ResponseHeaders): ResponseHeaders {
  return withType(headers, 'application/json')
}

/** The headers of a response whose body has become a stream. */
export function headersOfStream(headers: ResponseHeaders, venue?: Venue): ResponseHeaders {
  return withType(headers, streamType(venue))
}

/** The type of a stream of Messages, as it is named by whoever makes one. */
export function streamType(venue?: Venue): string {
  return venue === 'bedrock' ? framesType : 'text/event-stream; charset=utf-8'
}

/**
 * The headers of a body under its right name: official SDKs hand over JSON of another type as text, and a type in capitals is
 * another one for some.
 */
export function headersOf(form: 'stream' | 'json', headers: ResponseHeaders, venue?: Venue): ResponseHeaders {
  const type = header(headers, 'content-type') ?? ''
  if (form === 'json' && type === 'application/json') return headers
  if (form === 'stream') {
    const right = venue === 'bedrock' ? framesType : 'text/event-stream'
    return type.startsWith(right) ? headers : headersOfStream(headers, venue)
  }
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/.test(type) ? headers : headersOfJson(headers)
}

function withType(headers: ResponseHeaders, type: string): ResponseHeaders {
  const { 'content-length': _, ...others } = headers
  return { ...others, 'content-type': type }
}
