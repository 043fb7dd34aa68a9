/** Where a value lies in the bytes of a body: from `start`, before `end`. */
export type FieldSpan = readonly [start: number, end: number]

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * Finds the values of an object's own fields in its bytes, without parsing them. For JSON that some parser takes: values
 * are not checked. The body scan of `@spillway/wire` finds them too, while a body arrives; this is for bodies without one.
 * @returns undefined where the bytes are no object, or name a field twice, so that parsers may disagree on it
 */
export function fieldSpans(bytes: Uint8Array): ReadonlyMap<string, FieldSpan> | undefined {
  const fields = new Map<string, FieldSpan>()
  let at = afterSpace(bytes, 0)
  if (bytes[at] !== openBrace) return undefined
  at = afterSpace(bytes, at + 1)
  if (bytes[at] === closeBrace) return isEnd(bytes, at + 1) ? fields : undefined
  for (;;) {
    const nameEnd = bytes[at] === quote ? afterString(bytes, at) : undefined
    if (nameEnd === undefined) return undefined
    const name = textOf(bytes.subarray(at, nameEnd))
    const between = afterSpace(bytes, nameEnd)
    if (name === undefined || fields.has(name) || bytes[between] !== colon) return undefined
    const start = afterSpace(bytes, between + 1)
    const end = afterValue(bytes, start)
    if (end === undefined || end === start) return undefined
    fields.set(name, [start, end])
    at = afterSpace(bytes, end)
    if (bytes[at] === closeBrace) return isEnd(bytes, at + 1) ? fields : undefined
    if (bytes[at] !== comma) return undefined
    at = afterSpace(bytes, at + 1)
  }
}

/**
 * Where the items of an array lie in its bytes; see {@link fieldSpans}.
 * @returns undefined where the bytes are no array
 */
export function itemSpans(bytes: Uint8Array): readonly FieldSpan[] | undefined {
  const items: FieldSpan[] = []
  let at = afterSpace(bytes, 0)
  if (bytes[at] !== openBracket) return undefined
  at = afterSpace(bytes, at + 1)
  if (bytes[at] === closeBracket) return isEnd(bytes, at + 1) ? items : undefined
  for (;;) {
    const end = afterValue(bytes, at)
    if (end === undefined || end === at) return undefined
    items.push([at, end])
    at = afterSpace(bytes, end)
    if (bytes[at] === closeBracket) return isEnd(bytes, at + 1) ? items : undefined
    if (bytes[at] !== comma) return undefined
    at = afterSpace(bytes, at + 1)
  }
}

function isEnd(bytes: Uint8Array, from: number): boolean {
  return afterSpace(bytes, from) === bytes.length
}

function afterSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

/** Behind the closing quote of the string that begins at `from`. */
function afterString(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(quote, from + 1); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let slashes = at
    while (bytes[slashes - 1] === backslash) slashes--
    if ((at - slashes) % 2 === 0) return at + 1
  }
  return undefined
}

/** Behind the value that begins at `from`; its trailing space is not part of it. */
function afterValue(bytes: Uint8Array, from: number): number | undefined {
  let depth = 0
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === quote) {
      const end = afterString(bytes, at)
      if (end === undefined) return undefined
      if (depth === 0) return end
      at = end - 1
    } else if (byte === openBrace || byte === openBracket) {
      depth++
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (depth === 0 && (byte === comma || isSpace(byte))) {
      return at
    }
  }
  return undefined
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return JSON.parse(decoder.decode(bytes)) as string
  } catch {
    return undefined
  }
}
