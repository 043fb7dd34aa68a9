import { type FieldSpan, fieldSpans } from './field-spans.ts'
import type { LentBytes } from './lent-bytes.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** A JSON object as parsed. */
export type JsonObject = { readonly [key: string]: unknown }

/**
 * The body of a model call: bytes that can be sent any number of times, and a view parsed on first use.
 * Immutable: do not write to `bytes` or to the parsed view.
 */
export interface JsonBody {
  /** UTF-8 JSON. Encoded once; every attempt sends this very array. */
  readonly bytes: Uint8Array
  /**
   * The same bytes, where their memory is given back when the call is over. Whoever reads `bytes` may keep them, so they are left to the
   * garbage collector then; see {@link peekBytes} and {@link holdBody}.
   */
  readonly lent?: LentBytes | undefined
  /**
   * The parsed object; parsed once, unless it is so large that it is given up when memory is needed. It takes several
   * times as much memory as the bytes, and milliseconds where they are many: use {@link fieldOf} for a field or two.
   * @throws SyntaxError when the bytes are not UTF-8 JSON with an object at the top
   */
  readonly json: JsonObject
  /** Where the values of the object's own fields lie in `bytes`, where that is known without parsing. */
  readonly fields?: ReadonlyMap<string, FieldSpan> | undefined
}

/** Parsed, such a body takes so much memory that it is rather parsed once more than kept. */
const largeBody = 1024 * 1024

class LazyJsonBody implements JsonBody {
  readonly lent: LentBytes | undefined
  readonly fields: ReadonlyMap<string, FieldSpan> | undefined
  #bytes: Uint8Array | undefined
  readonly #write: (json: JsonObject) => string
  #json: JsonObject | undefined
  /** The parsed view of a large body, kept by a weak reference. */
  #large: WeakRef<JsonObject> | undefined

  constructor(
    bytes: Uint8Array | undefined,
    json: JsonObject | undefined,
    fields: ReadonlyMap<string, FieldSpan> | undefined,
    write: (json: JsonObject) => string = JSON.stringify,
    lent?: LentBytes,
  ) {
    this.#write = write
    this.#bytes = bytes
    this.lent = lent
    this.#json = json
    this.fields = fields
  }

  get bytes(): Uint8Array {
    if (this.lent !== undefined) return this.lent.keep()
    if (this.#bytes === undefined) {
      this.#bytes = encoder.encode(this.#write(this.#json as JsonObject))
      this.#keep(this.#json as JsonObject)
    }
    return this.#bytes
  }

  get json(): JsonObject {
    return this.#json ?? this.#large?.deref() ?? this.#keep(parseJsonObject(peekBytes(this)))
  }

  #keep(json: JsonObject): JsonObject {
    const isLarge = bytesIn(this) > largeBody
    this.#json = isLarge ? undefined : json
    this.#large = isLarge ? new WeakRef(json) : undefined
    return json
  }
}

/**
 * A body from the bytes that a caller sent. Nothing is parsed yet.
 * @param fields where the values of its fields lie, where the caller of this function knows
 */
export function jsonBodyFromBytes(bytes: Uint8Array, fields?: ReadonlyMap<string, FieldSpan>): JsonBody {
  return new LazyJsonBody(bytes, undefined, fields)
}

/** A body from bytes whose memory is given back when its call is over. */
export function jsonBodyFromLent(lent: LentBytes): JsonBody {
  return new LazyJsonBody(undefined, undefined, undefined, JSON.stringify, lent)
}

/**
 * The bytes of a body for a reader that has no view of them any more when it returns.
 * @throws Error when they have been given back
 */
export function peekBytes(body: JsonBody): Uint8Array {
  return body.lent === undefined ? body.bytes : body.lent.peek()
}

/** How many bytes a body has, which can be told even when they have been given back. */
export function bytesIn(body: JsonBody): number {
  return body.lent === undefined ? body.bytes.length : body.lent.length
}

/**
 * Keeps the bytes of a body from being given back when its call is over, for a reader that reads it later.
 * @returns says that it is done; harmless when repeated
 * @throws Error when they have been given back
 */
export function holdBody({ lent }: JsonBody): () => void {
  return lent === undefined ? notHeld : lent.hold()
}

const notHeld = (): void => {}

/**
 * A body from an object. It is encoded when the first attempt sends it, and never again.
 * @param write what makes JSON of the object, where it knows more of it than `JSON.stringify`
 */
export function jsonBodyFromObject(json: JsonObject, write?: (json: JsonObject) => string): JsonBody {
  return new LazyJsonBody(undefined, json, undefined, write)
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
  return JSON.parse(decoder.decode(peekBytes(body).subarray(start, end)))
}

/**
 * The same body with a field that has this value. All other bytes stay as they are, numbers that JavaScript cannot hold
 * included, and nothing is parsed. Only a body that names a field twice is parsed and encoded again.
 * @param write what makes JSON of the value, where it knows more of it than `JSON.stringify`
 * @throws SyntaxError where the bytes are no JSON object
 */
export function withField(
  body: JsonBody,
  name: string,
  value: unknown,
  write: (value: unknown) => string = JSON.stringify,
): JsonBody {
  const bytes = peekBytes(body)
  const fields = body.fields ?? fieldSpans(bytes)
  if (fields === undefined) return jsonBodyFromObject({ ...body.json, [name]: value })
  return withFieldText(bytes, fields, name, encoder.encode(write(value)))
}

/** {@link withField} for a value as UTF-8 JSON, in a body whose fields are known. */
export function withFieldText(
  bytes: Uint8Array,
  fields: ReadonlyMap<string, FieldSpan>,
  name: string,
  text: Uint8Array,
): JsonBody {
  const before = fields.get(name)
  // A new field comes first.
  const first = bytes.indexOf(openingBrace) + 1
  const label = before === undefined ? encoder.encode(`${JSON.stringify(name)}:`) : nothing
  const comma = before === undefined && fields.size > 0 ? encoder.encode(',') : nothing
  const [start, end] = before ?? [first, first]
  const changed = Buffer.concat([bytes.subarray(0, start), label, text, comma, bytes.subarray(end)])
  const valueStart = start + label.length
  const shift = changed.length - bytes.length
  const moved = new Map<string, FieldSpan>()
  for (const [each, [from, to]] of fields) {
    moved.set(each, from >= end ? [from + shift, to + shift] : [from, to])
  }
  moved.set(name, [valueStart, valueStart + text.length])
  return jsonBodyFromBytes(changed, moved)
}

const openingBrace = 0x7b
const nothing = new Uint8Array(0)

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
