import { type FieldSpan, type JsonBody, type JsonObject, jsonBodyFromBytes } from '@spillway/middleware'

/** Messages at most in which a conversation's beginning is looked for. */
export const openingMessages = 64

/** What a scan has found out about the messages of a body. */
export interface PromptFacts {
  /** Whether there is a list of messages with something in it. */
  readonly hasMessages: boolean
  /** Whether the assistant has said something in it. */
  readonly hasAnswer: boolean
  /**
   * Where the list begins, up to its first message of the user or the assistant, without its closing bracket; undefined
   * where there is no list.
   */
  readonly opening: FieldSpan | undefined
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

/** A body whose fields and prompt are known without parsing it. */
export class ScannedBody implements JsonBody {
  readonly bytes: Uint8Array
  readonly fields: ReadonlyMap<string, FieldSpan>
  /** Undefined where it takes a parser to tell. */
  readonly promptFacts: PromptFacts | undefined
  /** JSON values of any kind in it. */
  readonly values: number
  readonly #body: JsonBody

  constructor(
    bytes: Uint8Array,
    fields: ReadonlyMap<string, FieldSpan>,
    promptFacts: PromptFacts | undefined,
    values: number,
  ) {
    this.values = values
    this.bytes = bytes
    this.fields = fields
    this.promptFacts = promptFacts
    this.#body = jsonBodyFromBytes(bytes)
  }

  get json(): JsonObject {
    return this.#body.json
  }
}

/** The facts that were found when the body was scanned; undefined for bodies that were not, and where it took a parser. */
export function promptFactsOf(body: JsonBody): PromptFacts | undefined {
  return body instanceof ScannedBody ? body.promptFacts : undefined
}

/** How many JSON values a body has; undefined where nobody has scanned it. */
export function countJsonValues(body: JsonBody): number | undefined {
  return body instanceof ScannedBody ? body.values : undefined
}
