const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** A JSON object as parsed. */
export type JsonObject = { readonly [key: string]: unknown }

/**
 * The body of a model call: bytes that can be sent any number of times, and a view parsed on first use.
 * Immutable: nobody may write to `bytes` or to the parsed view.
 */
export interface JsonBody {
  /** UTF-8 JSON. Encoded once; every attempt sends this very array. */
  readonly bytes: Uint8Array
  /**
   * The parsed object; parsed once.
   * @throws SyntaxError when the bytes are not UTF-8 JSON with an object at the top
   */
  readonly json: JsonObject
}

class LazyJsonBody implements JsonBody {
  #bytes: Uint8Array | undefined
  #json: JsonObject | undefined

  constructor(bytes: Uint8Array | undefined, json: JsonObject | undefined) {
    this.#bytes = bytes
    this.#json = json
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

/** A body from the bytes that a caller sent. Nothing is parsed yet. */
export function jsonBodyFromBytes(bytes: Uint8Array): JsonBody {
  return new LazyJsonBody(bytes, undefined)
}

/** A body from an object. It is encoded when the first attempt sends it, and never again. */
export function jsonBodyFromObject(json: JsonObject): JsonBody {
  return new LazyJsonBody(undefined, json)
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
