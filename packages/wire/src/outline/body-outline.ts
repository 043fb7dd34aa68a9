import type { FieldSpan } from '@spillway/middleware/kit'
import { isForeignSignature, longestForeignSignature, spillwayMark } from '../foreign-signature.ts'
import type { JsonListener } from '../json/json-scanner.ts'
import { escapedToken, tokenCode } from '../json/token-code.ts'
import { hasLeftovers, type Leftovers } from '../leftovers.ts'
import type { PromptFacts } from '../prompt-facts.ts'
import { BLOCK, BLOCKS, BODY, LIST, MESSAGE, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './depths.ts'
import { OpeningOutline, type PromptOpening } from './opening-outline.ts'
import { type ContentSightings, Sightings } from './sightings.ts'

const MESSAGES = tokenCode('messages')
const ROLE = tokenCode('role')
const CONTENT = tokenCode('content')
const TYPE = tokenCode('type')
const SIGNATURE = tokenCode('signature')
const ASSISTANT = tokenCode('assistant')
const THINKING = tokenCode('thinking')
const IMAGE = tokenCode('image')
const IMAGE_URL = tokenCode('image_url')
const TEXT = tokenCode('text')
const ID = tokenCode('id')
const TOOL_USE = tokenCode('tool_use')
const TOOL_RESULT = tokenCode('tool_result')
const TOOL_USE_ID = tokenCode('tool_use_id')
const REDACTED_THINKING = tokenCode('redacted_thinking')

function isId(name: number): boolean {
  return name === ID || name === TOOL_USE_ID
}

/** What a body looks like from above, put together while it is scanned: places in its bytes, nothing of the bytes. */
export class BodyOutline implements JsonListener {
  readonly depth: number = BLOCK
  readonly sighted: number = TYPE
  /** For each field at the top: where its name begins and ends, where its value begins and ends. */
  readonly places: number[] = []
  /** Whether there is an object at the top. */
  isObject = false
  /** Where the list of messages begins; -1 where there is none. */
  #listStart = -1
  #hasUnsigned = false
  #hasRedacted = false
  #images = 0
  /** Where the signatures of thinking begin and end. */
  readonly #signatures: number[] = []
  /** What other models may have left: texts that begin and end here, ids of calls, ids of results. */
  readonly #leftovers: Leftovers = { texts: [], calls: [], results: [] }
  readonly #opening = new OpeningOutline()
  readonly #sightings = new Sightings()
  /** Whether something in the messages is said twice or in escapes, so that it takes a parser to tell what is meant. */
  #isUnclear = false

  #inMessages = false
  #inContent = false
  #inBlock = false
  #nameInBody = 0
  #nameInMessage = 0
  #nameInBlock = 0
  /** How many places of texts there were before the message. */
  #messageTexts = 0
  /** Codes of what the message and the block say so far; 0 where nothing. */
  #role = 0
  #type = 0
  /** Where the block's signature begins, and where it ends. */
  #signature = 0
  #signatureEnd = 0
  /** The same for its text and its id, and for a message's content that is a text. */
  #text = 0
  #textEnd = 0
  #id = 0
  #idEnd = 0
  #content = 0
  #contentEnd = 0

  name(depth: number, start: number, end: number, code: number): void {
    this.#sightings.name(code)
    this.#opening.name(depth, code)
    if (depth === BODY) {
      this.places.push(start, end)
      this.#nameInBody = code
    } else if (depth === MESSAGE) this.#nameInMessage = code
    else if (depth === BLOCK) this.#nameInBlock = code
    if (code === escapedToken && depth > BODY && this.#inMessages) this.#isUnclear = true
  }

  begin(depth: number, start: number, first: number): void {
    if (depth === 0) {
      this.isObject = first === OPEN_OBJECT
      return
    }
    this.#opening.begin(depth, start, first)
    if (depth === BODY) {
      this.places.push(start)
      this.#inMessages = this.#nameInBody === MESSAGES && first === OPEN_ARRAY
      if (this.#inMessages) this.#listStart = start
    } else if (!this.#inMessages) return
    else if (depth === LIST) {
      this.#role = 0
      this.#nameInMessage = 0
      this.#content = 0
      this.#messageTexts = this.#leftovers.texts.length
    } else if (depth === MESSAGE) {
      this.#inContent = this.#nameInMessage === CONTENT && first === OPEN_ARRAY
      if (this.#nameInMessage === CONTENT) this.#content = first === QUOTE ? start : 0
    } else if (depth === BLOCKS) {
      this.#inBlock = this.#inContent && first === OPEN_OBJECT
      this.#type = 0
      this.#signature = 0
      this.#text = 0
      this.#id = 0
      this.#nameInBlock = 0
    } else if (this.#inBlock && first === QUOTE && this.#nameInBlock === TEXT) this.#text = start
    else if (this.#inBlock && first === QUOTE && isId(this.#nameInBlock)) this.#id = start
    else if (this.#inBlock && this.#nameInBlock === SIGNATURE) {
      if (this.#signature > 0) this.#isUnclear = true
      this.#signature = first === QUOTE ? start : 0
    }
  }

  deepName(code: number): void {
    this.#sightings.name(code)
  }

  sight(start: number, end: number, code: number): void {
    this.#sightings.kind(start, end, code)
  }

  end(depth: number, end: number, code: number, saved: number): void {
    this.#opening.end(depth, end, code, saved)
    if (depth === BODY) {
      this.places.push(end)
      this.#inMessages = false
    } else if (!this.#inMessages) return
    else if (depth === LIST) this.#endMessage()
    else if (depth === MESSAGE) {
      if (this.#nameInMessage === ROLE) {
        if (this.#role !== 0 || code === escapedToken) this.#isUnclear = true
        this.#role = code
      } else if (this.#nameInMessage === CONTENT) this.#contentEnd = end
    } else if (depth === BLOCKS) this.#endBlock()
    else if (this.#inBlock && this.#nameInBlock === TYPE) {
      if (this.#type !== 0 || code === escapedToken) this.#isUnclear = true
      this.#type = code
    } else if (this.#inBlock && this.#nameInBlock === SIGNATURE) this.#signatureEnd = end
    else if (this.#inBlock && this.#nameInBlock === TEXT) this.#textEnd = end
    else if (this.#inBlock && isId(this.#nameInBlock)) this.#idEnd = end
  }

  #endMessage(): void {
    const { texts } = this.#leftovers
    // Blank texts of the user's are the caller's own.
    if (this.#role !== ASSISTANT) texts.length = this.#messageTexts
    else if (this.#content > 0) texts.push(this.#content, this.#contentEnd)
  }

  #endBlock(): void {
    if (!this.#inBlock) return
    this.#inBlock = false
    if (this.#type === REDACTED_THINKING) this.#hasRedacted = true
    if (this.#type === IMAGE || this.#type === IMAGE_URL) this.#images++
    if (this.#type === TEXT && this.#text > 0) this.#leftovers.texts.push(this.#text, this.#textEnd)
    if (this.#type === TOOL_USE && this.#id > 0) this.#leftovers.calls.push(this.#id, this.#idEnd)
    if (this.#type === TOOL_RESULT && this.#id > 0) this.#leftovers.results.push(this.#id, this.#idEnd)
    if (this.#type !== THINKING) return
    if (this.#signature === 0 || this.#signatureEnd - this.#signature === 2) this.#hasUnsigned = true
    else this.#signatures.push(this.#signature, this.#signatureEnd)
  }

  /** What was found out about the prompt of the whole body; undefined where that takes a parser. */
  promptFacts(bytes: Uint8Array, fields: ReadonlyMap<string, FieldSpan>): PromptFacts | undefined {
    const span = fields.get('messages')
    const list = span !== undefined && bytes[span[0]] === OPEN_ARRAY ? span : undefined
    // A name in escapes is `messages` too, and another one may happen to have its code.
    if (this.#isUnclear || (list?.[0] ?? -1) !== this.#listStart) return undefined
    const signed = { ofClaude: false, ofOthers: this.#hasUnsigned }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at < this.#signatures.length; at += 2) {
      const start = (this.#signatures[at] as number) + 1
      const end = Math.min((this.#signatures[at + 1] as number) - 1, start + longestForeignSignature + 1)
      const signature = text.toString('latin1', start, end)
      if (signature.slice(0, spillwayMark.length).includes('\\')) return undefined
      if (isForeignSignature(signature)) signed.ofOthers = true
      else signed.ofClaude = true
    }
    return {
      images: this.#images,
      thinking: { ...signed, redacted: this.#hasRedacted },
      isForeign: hasLeftovers(text, this.#leftovers),
    }
  }

  /** What its conversation is recognised by; undefined where that takes a parser. */
  promptOpening(fields: ReadonlyMap<string, FieldSpan>): PromptOpening | undefined {
    return this.#opening.result(fields)
  }

  /** What is sighted in it, at any depth; undefined where that takes a parser. */
  contentSightings(bytes: Uint8Array): ContentSightings | undefined {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    return this.#sightings.sightings(text, this.#opening.tools)
  }
}
