import { isUtf8 } from 'node:buffer'
import type { FieldSpan, JsonBody, LentBytes } from '@spillway/middleware/kit'
import { isDeciding, mistakenFor } from './deciding-names.ts'
import { type JsonLimits, type JsonProblem, JsonScanner } from './json/json-scanner.ts'
import { BodyOutline } from './outline/body-outline.ts'
import { ScannedBody } from './prompt-facts.ts'

/** What a request body may have at most. */
export interface BodyLimits extends JsonLimits {
  /** Fields of the object at the top. */
  readonly fields: number
  /** Bytes of the name of such a field, as it is written. */
  readonly fieldName: number
}

/**
 * The limits of {@link BodyScanner}: more than any model takes, and little enough that a body can be parsed without
 * holding up other calls. `JSON.parse` takes up to 80 ms for a body with all of it. 100,000 messages, which is the most
 * that Anthropic takes, have 300,000 values; 32 MiB of nothing but `\\uXXXX` have 5.6 million escapes.
 */
export const bodyLimits: BodyLimits = {
  depth: 256,
  values: 320_000,
  shapes: 32_768,
  escapes: 6_000_000,
  loneHalves: 65_536,
  fields: 1_000,
  fieldName: 1_024,
}

/**
 * Reads the body of a model call while it arrives: checks that it is a JSON object within the limits, and finds where its
 * fields lie and what its prompt is like, so that nothing has to be parsed to decide where the call goes.
 *
 * `write` each piece, then `end`. Once there is a `problem`, the rest need not be read.
 */
export class BodyScanner {
  readonly #limits: BodyLimits
  readonly #outline = new BodyOutline()
  readonly #scanner: JsonScanner
  #length = 0
  #problem: string | undefined

  /** @param limits where they are other than {@link bodyLimits} */
  constructor(limits: Partial<BodyLimits> = {}) {
    this.#limits = { ...bodyLimits, ...limits }
    this.#scanner = new JsonScanner(this.#limits, this.#outline)
  }

  /** What is wrong with the body so far, in words for its sender; undefined while nothing is. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Reads the next piece, whose bytes are not kept. */
  write(piece: Uint8Array): void {
    if (this.#problem !== undefined) return
    this.#scanner.write(piece)
    const { problem, values } = this.#scanner
    if (problem !== undefined) this.#problem = this.#describe(problem, piece[problem.at - this.#length])
    else if (values > 0 && !this.#outline.isObject) this.#problem = notAnObject
    this.#length += piece.length
  }

  /**
   * The body, once it is whole.
   * @param bytes all that was written, in one piece, which becomes the body's
   * @param lent the same, where their memory is given back when the call is over
   * @returns the body, or what is wrong with it in words for its sender
   */
  end(bytes: Uint8Array, lent?: LentBytes): JsonBody | string {
    if (this.#problem !== undefined) return this.#problem
    this.#scanner.end()
    if (this.#scanner.problem !== undefined) return `${notAnObject}: it ends after ${bytes.length} bytes`
    if (!isUtf8(bytes)) return notUtf8
    const fields = this.#readFields(bytes)
    if (typeof fields === 'string') return fields
    const scan = {
      fields,
      promptFacts: this.#outline.promptFacts(bytes, fields),
      opening: this.#outline.promptOpening(fields),
      sightings: this.#outline.contentSightings(bytes),
      values: this.#scanner.values,
    }
    return new ScannedBody(bytes, scan, lent)
  }

  #describe({ reason, at }: JsonProblem, byte = 0): string {
    const { depth, values, shapes, escapes, loneHalves } = this.#limits
    switch (reason) {
      case 'depth':
        return `the body nests lists and objects more than ${depth} levels deep`
      case 'values':
        return `the body has more than ${values} JSON values`
      case 'shapes':
        return `the body has objects of more than ${shapes} different shapes`
      case 'escapes':
        return `the body has more than ${escapes} escapes (such as \\n) in its texts`
      case 'loneHalves':
        return `the body has more than ${loneHalves} halves of characters (lone surrogates)`
      case 'syntax':
        // No character begins with such a byte.
        if ((byte >= 0x80 && byte < 0xc2) || byte >= 0xf5) return notUtf8
        return `${notAnObject}: unexpected byte at position ${at}`
    }
  }

  /** Where each field lies, or why it cannot be told what one of them says. */
  #readFields(bytes: Uint8Array): ReadonlyMap<string, FieldSpan> | string {
    const { places } = this.#outline
    const { fields: most, fieldName: longest } = this.#limits
    const fields = new Map<string, FieldSpan>()
    if (places.length > 4 * most) return `the body has more than ${most} fields at its top level`
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at < places.length; at += 4) {
      const start = places[at] as number
      const end = places[at + 1] as number
      if (end - start > longest) return `a field name of the body has more than ${longest} bytes`
      const name = unescaped(text.toString('utf8', start + 1, end - 1))
      if (isDeciding(name) && fields.has(name)) {
        return `${name}: given more than once, which leaves open what is meant`
      }
      const meant = mistakenFor(name)
      if (meant !== undefined)
        return `${JSON.stringify(name)}: some servers take it for ${meant}; write ${meant}`
      fields.set(name, [places[at + 2] as number, places[at + 3] as number])
    }
    return fields
  }
}

const notAnObject = 'the body is not a JSON object'
const notUtf8 = 'the body is not valid UTF-8'

function unescaped(name: string): string {
  return name.includes('\\') ? JSON.parse(`"${name}"`) : name
}
