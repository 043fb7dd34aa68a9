import type { JsonObject } from '@spillway/middleware/kit'
import { isBounded, textLimits } from '../bounded-json.ts'
import { type JsonListener, JsonScanner } from './json-scanner.ts'
import { escapedToken } from './token-code.ts'

/** What protocols only carry: the inputs of tools, and schemas. No one on the way changes it. */
const carried: ReadonlySet<string> = new Set(['input', 'arguments', 'input_schema', 'parameters', 'schema'])
const carriedNames = [...carried].map((name) => Buffer.from(`"${name}"`))

/** By the parsed object, the text that it was parsed from. An object that is changed is another one, and has none. */
const sources = new WeakMap<object, string>()
/** Roots whose text has been looked through. */
const known = new WeakSet<object>()

const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

/**
 * Remembers the text of those values of a parsed JSON text that protocols only carry, so that {@link writeJson} writes them as
 * they were: numbers of any length and form, the order of names, names that come twice, white space.
 * @param json what `bytes` say, as `JSON.parse` has read it
 * @returns the same object
 */
export function withSources<T extends object>(json: T, bytes: Uint8Array): T {
  for (const _ of findSources(json, bytes));
  return json
}

/** Bytes that are looked through at a time, which takes 20 ms. */
const pieceLength = 8 * 1024 * 1024

/** {@link withSources} in pieces, for large bodies: other calls may have their turn after each. */
export function* findSources(json: object, bytes: Uint8Array): Generator<void, void, void> {
  if (known.has(json)) return
  known.add(json)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!carriedNames.some((name) => text.includes(name))) return
  const scanner = new JsonScanner(textLimits, new SourceFinder(json, text))
  for (let at = 0; at < text.length; at += pieceLength) {
    scanner.write(text.subarray(at, at + pieceLength))
    yield
  }
  scanner.end()
}

/** Says that an object was made of one with its sources, so that no text has to be looked through for it. */
export function keepSources<T extends object>(json: T): T {
  known.add(json)
  return json
}

/** Texts of this length have no more levels than {@link textLimits}. */
const flatLength = 2 * textLimits.depth

/**
 * Says that an object is to be written as this text, which it was parsed from. A text that UTF-8 cannot hold, or that has more
 * in it than anybody should have to parse, is not kept.
 */
export function setSource<T extends object>(value: T, text: string): T {
  if (text.isWellFormed() && (text.length <= flatLength || isBounded(text))) sources.set(value, text)
  return value
}

/** An object with fields before its own, which has none of these names; the rest of its text stays as it is. */
export function prependFields(object: JsonObject, fields: JsonObject): JsonObject {
  const changed = { ...fields, ...object }
  const source = sources.get(object)
  const first = writeJson(fields).slice(1, -1)
  if (source === undefined || first === '') return source === undefined ? changed : object
  const rest = source.slice(1)
  return setSource(changed, `{${first}${rest.trimStart() === '}' ? '' : ','}${rest}`)
}

/** A JSON value as text: what has been carried through unchanged as the text that it was, all else as `JSON.stringify` has it. */
export function writeJson(value: unknown): string {
  const pieces: string[] = []
  write(value, pieces)
  return pieces.join('')
}

function write(value: unknown, pieces: string[]): void {
  const source = typeof value === 'object' && value !== null ? sources.get(value) : undefined
  if (source !== undefined || typeof value !== 'object' || value === null || !hasSource(value)) {
    pieces.push(source ?? JSON.stringify(value) ?? 'null')
    return
  }
  if (Array.isArray(value)) {
    value.forEach((each, index) => {
      pieces.push(index === 0 ? '[' : ',')
      write(each, pieces)
    })
    pieces.push(']')
    return
  }
  let before = '{'
  for (const [name, each] of Object.entries(value)) {
    if (each === undefined) continue
    pieces.push(before, JSON.stringify(name), ':')
    write(each, pieces)
    before = ','
  }
  pieces.push('}')
}

/** Whether there is anything in it that `JSON.stringify` would not write as it was: most of a conversation has none. */
function hasSource(value: object): boolean {
  // What `JSON.parse` makes has no inherited names, and `for in` makes no list of them.
  for (const name in value) {
    const each = (value as JsonObject)[name]
    if (typeof each === 'object' && each !== null && (sources.has(each) || hasSource(each))) return true
  }
  return false
}

/** Walks along the parsed tree while the scanner reads the text that it came from. */
class SourceFinder implements JsonListener {
  /** The deepest is a call's `arguments` in the choice of a chat completion. */
  readonly depth: number = 7
  readonly #text: Buffer
  /** The parsed container at each depth, and which item of a list comes next. */
  readonly #nodes: unknown[]
  readonly #items: number[] = []
  #nameStart = 0
  #nameEnd = 0
  #isEscaped = false
  /** Depth, place and object of the carried value that is being read. */
  #open = -1
  #start = 0
  #value: object | undefined

  constructor(json: object, text: Buffer) {
    this.#text = text
    this.#nodes = [{ json }]
  }

  name(_depth: number, start: number, end: number, code: number): void {
    this.#nameStart = start
    this.#nameEnd = end
    this.#isEscaped = code === escapedToken
  }

  begin(depth: number, start: number, first: number): void {
    if (this.#open >= 0) return
    const parent = this.#nodes[depth]
    const isInList = Array.isArray(parent)
    const item = this.#items[depth] ?? 0
    if (isInList) this.#items[depth] = item + 1
    if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return
    const name = depth === 0 ? 'json' : isInList ? item : this.#name()
    // A name that comes twice has the last value in the tree; the text of the last is found last.
    const isThere = typeof parent === 'object' && parent !== null && Object.hasOwn(parent, name)
    const node: unknown = isThere ? (parent as Record<string | number, unknown>)[name] : undefined
    this.#nodes[depth + 1] = node
    this.#items[depth + 1] = 0
    if (first !== OPEN_OBJECT || isInList || !carried.has(name as string)) return
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return
    this.#open = depth
    this.#start = start
    this.#value = node
  }

  end(depth: number, end: number): void {
    if (depth !== this.#open) return
    this.#open = -1
    const text = this.#text.toString('utf8', this.#start, end)
    if (text.isWellFormed()) sources.set(this.#value as object, text)
  }

  #name(): string {
    if (this.#isEscaped) return JSON.parse(this.#text.toString('utf8', this.#nameStart, this.#nameEnd))
    return this.#text.toString('utf8', this.#nameStart + 1, this.#nameEnd - 1)
  }
}
