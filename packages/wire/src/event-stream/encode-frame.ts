import { crc32 } from 'node:zlib'

/** The type of a header's value that is text; Bedrock sends no others. */
export const textType = 7

/** Lengths and the CRC of both, before the headers. */
export const preludeBytes = 12

/** The CRC of all that comes before it. */
export const crcBytes = 4

/**
 * One frame of `application/vnd.amazon.eventstream`: lengths of the whole and of the headers, their CRC32, the headers, the
 * payload, and the CRC32 of all.
 */
export function encodeFrame(headers: Readonly<Record<string, string>>, payload: Uint8Array): Uint8Array {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)))
  const frame = Buffer.alloc(preludeBytes + head.length + payload.length + crcBytes)
  frame.writeUInt32BE(frame.length, 0)
  frame.writeUInt32BE(head.length, 4)
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8)
  frame.set(head, preludeBytes)
  frame.set(payload, preludeBytes + head.length)
  const end = frame.length - crcBytes
  frame.writeUInt32BE(crc32(frame.subarray(0, end)), end)
  return frame
}

function encodeHeader(name: string, value: string): Buffer {
  const text = Buffer.from(value)
  const header = Buffer.alloc(1 + Buffer.byteLength(name) + 3)
  header.writeUInt8(Buffer.byteLength(name), 0)
  header.write(name, 1)
  header.writeUInt8(textType, header.length - 3)
  header.writeUInt16BE(text.length, header.length - 2)
  return Buffer.concat([header, text])
}
