/** The value types of GGUF keys. */
export const ggufValue = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  text: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const

/** What a key holds; arrays of anything but text are not kept, only counted. */
export type GgufValue = string | number | boolean | readonly string[] | { readonly length: number }

export interface GgufTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: number
  /** Relative to {@link GgufHeader.dataStart}. */
  readonly offset: number
}

/** The part of the file before the weights. */
export interface GgufHeader {
  readonly keys: ReadonlyMap<string, GgufValue>
  readonly tensors: readonly GgufTensor[]
  /** Where the weights begin, in bytes from the start of the file. */
  readonly dataStart: number
}

/** The header goes on beyond the bytes given. */
export class MoreBytesNeeded extends Error {}

/** The bytes are no GGUF header; the message says why, without naming the file. */
export class NotGguf extends Error {}

const fixedSize: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}

/** Longer names, more keys or more tensors than any real model has. */
const longestName = 65_535
const mostEntries = 1_000_000

/**
 * Reads a GGUF header from the first bytes of a file.
 * @throws {@link MoreBytesNeeded} when the header is longer than `bytes`
 * @throws {@link NotGguf} when it is malformed
 */
export function parseGgufHeader(bytes: Uint8Array): GgufHeader {
  const cursor = new Cursor(bytes)
  if (cursor.ascii(4) !== 'GGUF') throw new NotGguf('it does not begin with the letters GGUF')
  const version = cursor.uint32()
  if (version !== 2 && version !== 3)
    throw new NotGguf(`its GGUF version is ${version}, and only 2 and 3 are known`)
  const tensorCount = cursor.count(mostEntries, 'tensors')
  const keyCount = cursor.count(mostEntries, 'keys')

  const keys = new Map<string, GgufValue>()
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.string(longestName)
    if (keys.has(key)) throw new NotGguf(`the key ${JSON.stringify(key)} comes twice`)
    keys.set(key, readValue(cursor, cursor.uint32(), key))
  }
  const tensors: GgufTensor[] = []
  for (let i = 0; i < tensorCount; i++) {
    const name = cursor.string(longestName)
    const dimensions = cursor.uint32()
    if (dimensions < 1 || dimensions > 4)
      throw new NotGguf(`tensor ${JSON.stringify(name)} has ${dimensions} dimensions`)
    const shape = Array.from({ length: dimensions }, () => cursor.uint64())
    tensors.push({ name, shape, type: cursor.uint32(), offset: cursor.uint64() })
  }
  const alignment = keys.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || alignment < 1 || (alignment & (alignment - 1)) !== 0) {
    throw new NotGguf('general.alignment is not a power of two')
  }
  return { keys, tensors, dataStart: Math.ceil(cursor.position / alignment) * alignment }
}

function readValue(cursor: Cursor, type: number, key: string): GgufValue {
  if (type === ggufValue.text) return cursor.string()
  if (type === ggufValue.array) return readArray(cursor, key)
  const size = fixedSize[type]
  if (size === undefined) throw new NotGguf(`the key ${JSON.stringify(key)} has the unknown type ${type}`)
  return cursor.scalar(type, size)
}

function readArray(cursor: Cursor, key: string): GgufValue {
  const type = cursor.uint32()
  const length = cursor.uint64()
  if (type === ggufValue.text) {
    const texts: string[] = []
    for (let i = 0; i < length; i++) texts.push(cursor.string())
    return texts
  }
  const size = fixedSize[type]
  if (size === undefined) throw new NotGguf(`the array ${JSON.stringify(key)} has the unknown type ${type}`)
  cursor.skip(length * size)
  return { length }
}

class Cursor {
  position = 0
  readonly #bytes: Buffer

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Moves on, and returns where it was. */
  skip(length: number): number {
    const from = this.position
    if (from + length > this.#bytes.length) throw new MoreBytesNeeded()
    this.position += length
    return from
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.skip(4))
  }

  uint64(): number {
    const value = this.#bytes.readBigUInt64LE(this.skip(8))
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new NotGguf(`it counts to ${value}`)
    return Number(value)
  }

  count(most: number, of: string): number {
    const value = this.uint64()
    if (value > most) throw new NotGguf(`it claims ${value} ${of}`)
    return value
  }

  ascii(length: number): string {
    const from = this.skip(length)
    return this.#bytes.toString('latin1', from, from + length)
  }

  string(longest = Infinity): string {
    const length = this.uint64()
    if (length > longest) throw new NotGguf(`a name in it is ${length} bytes long`)
    const from = this.skip(length)
    return this.#bytes.toString('utf8', from, from + length)
  }

  scalar(type: number, size: number): number | boolean {
    const at = this.skip(size)
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset)
    switch (type) {
      case ggufValue.bool:
        return view.getUint8(at) !== 0
      case ggufValue.float32:
        return view.getFloat32(at, true)
      case ggufValue.float64:
        return view.getFloat64(at, true)
      case ggufValue.int8:
        return view.getInt8(at)
      case ggufValue.int16:
        return view.getInt16(at, true)
      case ggufValue.int32:
        return view.getInt32(at, true)
      case ggufValue.int64:
        return Number(view.getBigInt64(at, true))
      case ggufValue.uint8:
        return view.getUint8(at)
      case ggufValue.uint16:
        return view.getUint16(at, true)
      case ggufValue.uint64:
        return Number(view.getBigUint64(at, true))
      default:
        return view.getUint32(at, true)
    }
  }
}
