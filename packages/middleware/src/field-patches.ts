import { type FieldSpan, fieldSpans, itemSpans } from './field-spans.ts'
import { type JsonBody, jsonBodyFromBytes, peekBytes, withFieldText } from './json-body.ts'

const comma = 0x2c
const openBracket = 0x5b

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * The same body without a field. All other bytes stay as they are, but for one comma. The very same body where it has no such
 * field, names one twice, or is no object.
 */
export function omitField(body: JsonBody, name: string): JsonBody {
  const place = placeOf(body, name)
  if (place === undefined) return body
  const bytes = peekBytes(body)
  let [from, to] = [place.nameStart, place.span[1]]
  const before = beforeSpace(bytes, from)
  if (bytes[before - 1] === comma) from = before - 1
  else {
    let after = to
    while (isSpace(bytes[after])) after++
    if (bytes[after] === comma) to = after + 1
  }
  const fields = new Map(place.fields)
  fields.delete(name)
  return spliced(bytes, fields, from, to, nothing)
}

/**
 * The same body with another name for a field, whose value stays where and as it is; see {@link omitField}. The very same
 * body where it has a field of that name already.
 */
export function withFieldRenamed(body: JsonBody, name: string, newName: string): JsonBody {
  const place = placeOf(body, name)
  if (place === undefined || place.fields.has(newName)) return body
  const fields = new Map(place.fields)
  fields.delete(name)
  fields.set(newName, place.span)
  const text = Buffer.from(JSON.stringify(newName))
  return spliced(peekBytes(body), fields, place.nameStart, place.nameStart + quoted(name).length, text)
}

/**
 * The same body with other objects as items of an array that is the value of a field.
 * @param change the very same body for an item that is to stay, undefined for one that is to go
 * @param words an item with none of these texts in it stays, and is not looked through @default every item may change
 * @returns the very same body where no item changes, or where there is no such array
 */
export function withItems(
  body: JsonBody,
  name: string,
  change: (item: JsonBody, index: number) => JsonBody | undefined,
  words?: readonly string[],
): JsonBody {
  const { bytes } = body
  const fields = body.fields ?? fieldSpans(bytes)
  const span = fields?.get(name)
  if (fields === undefined || span === undefined) return body
  const sought = words?.map((word) => Buffer.from(word))
  const array = bytes.subarray(...span)
  const spans = itemSpans(array) ?? []
  const pieces: Uint8Array[] = []
  let from = 0
  let left = 0
  let isSame = true
  spans.forEach(([start, end], index) => {
    const itemBytes = array.subarray(start, end)
    const mayChange = sought === undefined || sought.some((word) => includes(itemBytes, word))
    const item = mayChange ? withKnownFields(jsonBodyFromBytes(itemBytes)) : undefined
    const changed = item && change(item, index)
    const isKept = changed === item
    isSame &&= isKept
    const kept = isKept ? itemBytes : changed?.bytes
    if (kept !== undefined) {
      // What is between two items, but for that before the first one that is left.
      const before = array.subarray(left === 0 ? (spans[0] as FieldSpan)[0] : from, start)
      pieces.push(left === 0 ? nothing : before, kept)
      left++
    }
    from = end
  })
  if (isSame) return body
  const [first] = spans[0] as FieldSpan
  const text = Buffer.concat([array.subarray(0, first), ...pieces, array.subarray(from)])
  return withFieldText(bytes, fields, name, text)
}

/**
 * The same body with more items at the end of an array that is the value of a field.
 * @returns undefined where there is no such array, or where the places of the fields are not clear
 */
export function withItemsAdded(
  body: JsonBody,
  name: string,
  items: readonly unknown[],
): JsonBody | undefined {
  const { bytes } = body
  const fields = body.fields ?? fieldSpans(bytes)
  const span = fields?.get(name)
  if (fields === undefined || span === undefined || bytes[span[0]] !== openBracket) return undefined
  const end = beforeSpace(bytes, span[1] - 1)
  const isEmpty = bytes[end - 1] === openBracket && end - 1 === span[0]
  const text = items.map((item) => JSON.stringify(item)).join(',')
  return items.length === 0
    ? body
    : spliced(bytes, fields, end, end, Buffer.from(isEmpty ? text : `,${text}`))
}

/** The same for an object that is the value of a field. */
export function withObject(body: JsonBody, name: string, change: (object: JsonBody) => JsonBody): JsonBody {
  const fields = body.fields ?? fieldSpans(body.bytes)
  const span = fields?.get(name)
  if (fields === undefined || span === undefined) return body
  const object = withKnownFields(jsonBodyFromBytes(body.bytes.subarray(...span)))
  const changed = object && change(object)
  return changed === object || changed === undefined
    ? body
    : withFieldText(body.bytes, fields, name, changed.bytes)
}

/**
 * The same body with the places of its fields, so that {@link fieldOf} parses no more than one of them.
 * @returns undefined where the bytes are no object, or name a field twice
 */
export function withKnownFields(body: JsonBody): JsonBody | undefined {
  if (body.fields !== undefined) return body
  const fields = fieldSpans(body.bytes)
  return fields && jsonBodyFromBytes(body.bytes, fields)
}

const nothing = new Uint8Array(0)

interface Place {
  readonly fields: ReadonlyMap<string, FieldSpan>
  readonly span: FieldSpan
  /** Where the quote before the name is. */
  readonly nameStart: number
}

/** Undefined also where the name is written with escapes, which no client does. */
function placeOf(body: JsonBody, name: string): Place | undefined {
  const bytes = peekBytes(body)
  const fields = body.fields ?? fieldSpans(bytes)
  const span = fields?.get(name)
  if (fields === undefined || span === undefined) return undefined
  const nameEnd = beforeSpace(bytes, beforeSpace(bytes, span[0]) - 1)
  const text = quoted(name)
  const nameStart = nameEnd - text.length
  const isThere = nameStart > 0 && text.equals(bytes.subarray(nameStart, nameEnd))
  return isThere ? { fields, span, nameStart } : undefined
}

function includes(bytes: Uint8Array, text: Buffer): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text)
}

function quoted(name: string): Buffer {
  return Buffer.from(JSON.stringify(name))
}

function beforeSpace(bytes: Uint8Array, end: number): number {
  let at = end
  while (isSpace(bytes[at - 1])) at--
  return at
}

function spliced(
  bytes: Uint8Array,
  fields: ReadonlyMap<string, FieldSpan>,
  from: number,
  to: number,
  text: Uint8Array,
): JsonBody {
  const shift = text.length - (to - from)
  const moved = new Map<string, FieldSpan>()
  for (const [name, [start, end]] of fields) {
    moved.set(name, [start >= to ? start + shift : start, end >= to ? end + shift : end])
  }
  return jsonBodyFromBytes(Buffer.concat([bytes.subarray(0, from), text, bytes.subarray(to)]), moved)
}
