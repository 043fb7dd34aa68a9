const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** A JSON object as parsed. */
export type JsonObject = { readonly [key: string]: unknown }

/** Where a value lies in the bytes of a body: from `start`, before `end`. */
export type FieldSpan = readonly [start: number, end: number]

/**
 * The body of a model call: bytes that can be sent any number of times, and a view parsed on first use.
 * Immutable: nobody may write to `bytes` or to the parsed view.
 */
export interface JsonBody {
  /** UTF-8 JSON. Encoded once; every attempt sends this very array. */
  readonly bytes: Uint8Array
  /**
   * The parsed object; parsed once. It takes several times as much memory as the bytes, and milliseconds where they are
   * many: use {@link fieldOf} for a field or two.
   * @throws SyntaxError when the bytes are not UTF-8 JSON with an object at the top
   */
  readonly json: JsonObject
  /** Where the values of the object's own fields lie in `bytes`, where that is known without parsing. */
  readonly fields?: ReadonlyMap<string, FieldSpan> | undefined
}

class LazyJsonBody implements JsonBody {
  readonly fields: ReadonlyMap<string, FieldSpan> | undefined
  #bytes: Uint8Array | undefined
  #json: JsonObject | undefined

  constructor(
    bytes: Uint8Array | undefined,
    json: JsonObject | undefined,
    fields: ReadonlyMap<string, FieldSpan> | undefined,
  ) {
    this.#bytes = bytes
    this.#json = json
    this.fields = fields
  }

  get bytes(): Uint8Array {
    this.#bytes ??= encoder.encode(JSON.stringify(this.#json))
    return this.#bytes
  }

  get json(): JsonObject {
    this.#json ??= parseJsonObject(this.#bytes as Uint8Array)
    return this.#json
  }
}

/**
 * A body from the bytes that a caller sent. Nothing is parsed yet.
 * @param fields where the values of its fields lie, where the caller of this function knows
 */
export function jsonBodyFromBytes(bytes: Uint8Array, fields?: ReadonlyMap<string, FieldSpan>): JsonBody {
  return new LazyJsonBody(bytes, undefined, fields)
}

/** A body from an object. It is encoded when the first attempt sends it, and never again. */
export function jsonBodyFromObject(json: JsonObject): JsonBody {
  return new LazyJsonBody(undefined, json, undefined)
}

/**
 * One field of a body's object; undefined where it has none. Where the place of the fields is known, no more than this
 * one is parsed, each time.
 * @param longest where more bytes than this are known to be there, they are not parsed and the field is undefined
 * @throws SyntaxError where `json` would have to be parsed and cannot be
 */
export function fieldOf(body: JsonBody, name: string, longest: number = Infinity): unknown {
  const { fields } = body
  if (fields === undefined) return Object.hasOwn(body.json, name) ? body.json[name] : undefined
  const [start, end] = fields.get(name) ?? [0, 0]
  if (end === start || end - start > longest) return undefined
  return JSON.parse(decoder.decode(body.bytes.subarray(start, end)))
}

function parseJsonObject(bytes: Uint8Array): JsonObject {
  if (bytes.length === 0) throw new SyntaxError('the body is empty')
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    throw new SyntaxError('the body is not valid UTF-8')
  }
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError('the body is not a JSON object')
  }
  return value as JsonObject
}
