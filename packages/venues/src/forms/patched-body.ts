import {
  type FieldSpan,
  type JsonBody,
  jsonBodyFromBytes,
  jsonBodyFromObject,
  withKnownFields,
} from '@spillway/middleware/kit'
import { withSources, writeJson } from '@spillway/wire/internal'

/** New values of fields; undefined for a field that is to go. */
export type BodyChanges = Readonly<Record<string, unknown>>

/**
 * The same body with all these changes, copied once. All other fields keep their bytes, and nothing is parsed. Only a body that
 * names a field twice, or in escapes, is parsed and encoded again.
 * @throws SyntaxError where the bytes are no JSON object
 */
export function patchedBody(body: JsonBody, changes: BodyChanges): JsonBody {
  const known = withKnownFields(body)
  const entries = known?.fields && entriesOf(known.bytes, known.fields)
  if (entries === undefined) return rewritten(body, changes)
  const patch = new Patch(body.bytes)
  patch.copy(0, body.bytes.indexOf(openingBrace) + 1)
  for (const [name, value] of Object.entries(changes)) {
    if (value !== undefined) patch.add(name, Buffer.from(JSON.stringify(value)))
  }
  let before: Entry | undefined
  for (const entry of entries) {
    if (!Object.hasOwn(changes, entry.name)) patch.keep(entry, before)
    before = entry
  }
  patch.copy(before?.end ?? body.bytes.indexOf(openingBrace) + 1, body.bytes.length)
  return patch.done()
}

/** A field of the body: from the quote before its name to the end of its value. */
interface Entry {
  readonly name: string
  readonly nameStart: number
  readonly start: number
  readonly end: number
}

/** The new bytes, put together of runs of the old ones and of new fields. */
class Patch {
  readonly #bytes: Uint8Array
  readonly #pieces: Uint8Array[] = []
  readonly #fields = new Map<string, FieldSpan>()
  #length = 0
  #runStart = 0
  #runEnd = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  copy(start: number, end: number): void {
    if (start !== this.#runEnd) {
      this.#endRun()
      this.#runStart = start
    }
    this.#runEnd = end
    this.#length += end - start
  }

  add(name: string, text: Uint8Array): void {
    this.#write(Buffer.from(`${this.#comma}${JSON.stringify(name)}:`))
    this.#fields.set(name, [this.#length, this.#length + text.length])
    this.#write(text)
  }

  /** @param before the field before it in the old bytes, with a comma between the two */
  keep({ name, nameStart, start, end }: Entry, before: Entry | undefined): void {
    if (this.#fields.size > 0 && before !== undefined) this.copy(before.end, end)
    else {
      if (this.#fields.size > 0) this.#write(Buffer.from(','))
      this.copy(nameStart, end)
    }
    this.#fields.set(name, [this.#length - (end - start), this.#length])
  }

  done(): JsonBody {
    this.#endRun()
    return jsonBodyFromBytes(Buffer.concat(this.#pieces, this.#length), this.#fields)
  }

  get #comma(): string {
    return this.#fields.size === 0 ? '' : ','
  }

  #write(piece: Uint8Array): void {
    this.#endRun()
    this.#pieces.push(piece)
    this.#length += piece.length
  }

  #endRun(): void {
    if (this.#runEnd > this.#runStart) this.#pieces.push(this.#bytes.subarray(this.#runStart, this.#runEnd))
    this.#runStart = this.#runEnd = -1
  }
}

const openingBrace = 0x7b

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** In the order of the bytes; undefined where a name is written with escapes, which no client does. */
function entriesOf(bytes: Uint8Array, fields: ReadonlyMap<string, FieldSpan>): readonly Entry[] | undefined {
  const entries: Entry[] = []
  for (const [name, [start, end]] of fields) {
    const nameEnd = beforeSpace(bytes, beforeSpace(bytes, start) - 1)
    const text = Buffer.from(JSON.stringify(name))
    const nameStart = nameEnd - text.length
    if (nameStart < 1 || !text.equals(bytes.subarray(nameStart, nameEnd))) return undefined
    entries.push({ name, nameStart, start, end })
  }
  return entries.sort((a, b) => a.start - b.start)
}

function beforeSpace(bytes: Uint8Array, end: number): number {
  let at = end
  while (isSpace(bytes[at - 1])) at--
  return at
}

function rewritten(body: JsonBody, changes: BodyChanges): JsonBody {
  const json: Record<string, unknown> = { ...withSources(body.json, body.bytes) }
  for (const [name, value] of Object.entries(changes)) {
    delete json[name]
    if (value !== undefined) json[name] = value
  }
  return jsonBodyFromObject(json, writeJson)
}
