import { crc32 } from 'node:zlib'

/** One frame of `application/vnd.amazon.eventstream`, whose headers are all text. */
export function eventStreamFrame(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(Buffer.byteLength(value))
      return Buffer.concat([
        Buffer.from([name.length]),
        Buffer.from(name),
        Buffer.from([7]),
        length,
        Buffer.from(value),
      ])
    }),
  )
  const body = Buffer.from(payload)
  const frame = Buffer.alloc(16 + head.length + body.length)
  frame.writeUInt32BE(frame.length, 0)
  frame.writeUInt32BE(head.length, 4)
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8)
  head.copy(frame, 12)
  body.copy(frame, 12 + head.length)
  frame.writeUInt32BE(crc32(frame.subarray(0, frame.length - 4)), frame.length - 4)
  return frame
}

/** The JSON of one event of Anthropic's as Bedrock sends it, with padding that hides its length. */
export function bedrockChunk(json: string): Buffer {
  const headers = { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }
  const p = 'abcdefghijklmnopqrstuvwxyz'.slice(0, json.length % 26)
  return eventStreamFrame(headers, JSON.stringify({ bytes: Buffer.from(json).toString('base64'), p }))
}

/** An exception that ends a stream. */
export function bedrockException(name: string, payload: object): Buffer {
  const headers = {
    ':exception-type': name,
    ':content-type': 'application/json',
    ':message-type': 'exception',
  }
  return eventStreamFrame(headers, JSON.stringify(payload))
}

/** An error of the framing itself, which no operation knows. */
export function bedrockErrorFrame(code: string, message: string): Buffer {
  return eventStreamFrame({ ':message-type': 'error', ':error-code': code, ':error-message': message }, '')
}
