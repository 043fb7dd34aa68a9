import type { ResponseHeaders } from '@spillway/middleware'
import { header } from '@spillway/wire'

const OPEN_BRACE = 123
const SPACE = 32

const terminator = Buffer.from('data: [DONE]')

export function isEventStream(headers: ResponseHeaders): boolean {
  return /^\s*text\/event-stream/i.test(header(headers, 'content-type') ?? '')
}

/** Whether the first visible byte opens an object, which no event does. */
export function beginsObject(chunk: Uint8Array): boolean {
  return chunk.find((byte) => byte > SPACE) === OPEN_BRACE
}

/** A whole answer without the end of a stream that some servers put behind it. */
export function withoutTerminator(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] as number) <= SPACE) end--
  const start = end - terminator.length
  return start > 0 && bytes.subarray(start, end).equals(terminator) ? bytes.subarray(0, start) : body
}

/** The headers of a response whose body has become JSON. */
export function headersOfJson(headers: ResponseHeaders): ResponseHeaders {
  const { 'content-length': _, ...others } = headers
  return { ...others, 'content-type': 'application/json' }
}
