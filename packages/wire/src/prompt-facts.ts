import {
  type FieldSpan,
  type JsonBody,
  type JsonObject,
  jsonBodyFromBytes,
  jsonBodyFromLent,
  type LentBytes,
} from '@spillway/middleware/kit'
import type { PromptOpening } from './outline/opening-outline.ts'
import type { ContentSightings } from './outline/sightings.ts'

/** Messages at most in which a conversation's beginning is looked for. */
export const openingMessages = 64

/** What a scan has found out about the messages of a body. */
export interface PromptFacts {
  /** How many blocks of the messages are images. Those in the results of tools are not among them. */
  readonly images: number
  /** Whether there are blocks of thinking, and whose. Those of messages that are not the assistant's count too. */
  readonly thinking: {
    readonly ofClaude: boolean
    readonly ofOthers: boolean
    readonly redacted: boolean
  }
  /** Whether there is something that Claude refuses and other models leave: ids of tool calls, blank texts. */
  readonly isForeign: boolean
}

/** What a scan has found out about a body. Undefined is what takes a parser to tell. */
export interface Scan {
  readonly fields: ReadonlyMap<string, FieldSpan>
  readonly promptFacts: PromptFacts | undefined
  readonly opening: PromptOpening | undefined
  readonly sightings: ContentSightings | undefined
  /** JSON values of any kind in it. */
  readonly values: number
}

/** A body whose fields and prompt are known without parsing it. */
export class ScannedBody implements JsonBody {
  readonly lent: LentBytes | undefined
  readonly scan: Scan
  readonly #body: JsonBody

  constructor(bytes: Uint8Array, scan: Scan, lent?: LentBytes) {
    this.lent = lent
    this.scan = scan
    this.#body = lent === undefined ? jsonBodyFromBytes(bytes) : jsonBodyFromLent(lent)
  }

  get bytes(): Uint8Array {
    return this.#body.bytes
  }

  get fields(): ReadonlyMap<string, FieldSpan> {
    return this.scan.fields
  }

  get json(): JsonObject {
    return this.#body.json
  }
}

/** What was found out about a body when it was scanned; undefined for bodies that were not. */
export function scanOf(body: JsonBody): Scan | undefined {
  return body instanceof ScannedBody ? body.scan : undefined
}

/** The facts that were found when the body was scanned; undefined for bodies that were not, and where it took a parser. */
export function promptFactsOf(body: JsonBody): PromptFacts | undefined {
  return scanOf(body)?.promptFacts
}

/** What was sighted in a body when it was scanned; undefined for bodies that were not, and where it takes a parser. */
export function sightingsIn(body: JsonBody): ContentSightings | undefined {
  return scanOf(body)?.sightings
}

/** How many JSON values a body has; undefined where it was not scanned. */
export function countJsonValues(body: JsonBody): number | undefined {
  return scanOf(body)?.values
}
