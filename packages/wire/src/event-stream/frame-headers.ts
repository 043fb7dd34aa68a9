import { textType } from './encode-frame.ts'

/** Bytes of a header's value by its type: booleans, integers, a time, a UUID. Those of types 6 and 7 say their own length. */
const lengths: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }
const bytesType = 6

/** The headers of a frame whose values are text; undefined where they make no sense. */
export function frameHeaders(bytes: Buffer): ReadonlyMap<string, string> | undefined {
  const headers = new Map<string, string>()
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] as number)
    const type = bytes[nameEnd]
    if (type === undefined) return undefined
    const name = bytes.toString('utf8', at + 1, nameEnd)
    at = nameEnd + 1
    const isSized = type === textType || type === bytesType
    if (isSized && at + 2 > bytes.length) return undefined
    const length = isSized ? bytes.readUInt16BE(at) : lengths[type]
    if (length === undefined) return undefined
    if (isSized) at += 2
    if (at + length > bytes.length) return undefined
    if (type === textType) headers.set(name, bytes.toString('utf8', at, at + length))
    at += length
  }
  return headers
}
