import type { FieldSpan } from '@spillway/middleware'
import type { JsonListener } from './json/json-scanner.ts'
import { escapedToken, tokenCode } from './json/token-code.ts'
import { openingMessages, type PromptFacts } from './prompt-facts.ts'
import { spillwayMark } from './translation/spillway-signature.ts'

const MESSAGES = tokenCode('messages')
const ROLE = tokenCode('role')
const CONTENT = tokenCode('content')
const TYPE = tokenCode('type')
const SIGNATURE = tokenCode('signature')
const USER = tokenCode('user')
const ASSISTANT = tokenCode('assistant')
const THINKING = tokenCode('thinking')
const IMAGE = tokenCode('image')
const IMAGE_URL = tokenCode('image_url')
const REDACTED_THINKING = tokenCode('redacted_thinking')

const QUOTE = 0x22
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

// How deep things are: the object, its messages, a message, its content, a block of it.
const BODY = 1
const LIST = 2
const MESSAGE = 3
const BLOCKS = 4
const BLOCK = 5

/** What a body looks like from above, put together while it is scanned: places in its bytes, nothing of the bytes. */
export class BodyOutline implements JsonListener {
  readonly depth: number = BLOCK
  /** For each field at the top: where its name begins and ends, where its value begins and ends. */
  readonly places: number[] = []
  /** Whether there is an object at the top. */
  isObject = false
  /** Where the list of messages begins; -1 where there is none. */
  #listStart = -1
  #messages = 0
  #hasAnswer = false
  /** Where the first message of the user or the assistant ends, or the last that counts; 0 before that. */
  #openingEnd = 0
  #hasUnsigned = false
  #hasRedacted = false
  #images = 0
  /** Where the signatures of thinking begin. */
  readonly #signatures: number[] = []
  /** Whether something in the messages is said twice or in escapes, so that it takes a parser to tell what is meant. */
  #isUnclear = false

  #inMessages = false
  #inContent = false
  #inBlock = false
  #nameInBody = 0
  #nameInMessage = 0
  #nameInBlock = 0
  /** Codes of what the message and the block say so far; 0 where nothing. */
  #role = 0
  #type = 0
  /** Where the block's signature begins, and where it ends. */
  #signature = 0
  #signatureEnd = 0

  name(depth: number, start: number, end: number, code: number): void {
    if (depth === BODY) {
      this.places.push(start, end)
      this.#nameInBody = code
    } else if (depth === MESSAGE) this.#nameInMessage = code
    else if (depth === BLOCK) this.#nameInBlock = code
    if (code === escapedToken && depth > BODY && this.#inMessages) this.#isUnclear = true
  }

  begin(depth: number, start: number, first: number): void {
    if (depth === 0) this.isObject = first === OPEN_OBJECT
    else if (depth === BODY) {
      this.places.push(start)
      this.#inMessages = this.#nameInBody === MESSAGES && first === OPEN_ARRAY
      if (this.#inMessages) this.#listStart = start
    } else if (!this.#inMessages) return
    else if (depth === LIST) {
      this.#messages++
      this.#role = 0
      this.#nameInMessage = 0
    } else if (depth === MESSAGE) this.#inContent = this.#nameInMessage === CONTENT && first === OPEN_ARRAY
    else if (depth === BLOCKS) {
      this.#inBlock = this.#inContent && first === OPEN_OBJECT
      this.#type = 0
      this.#signature = 0
      this.#nameInBlock = 0
    } else if (this.#inBlock && this.#nameInBlock === SIGNATURE) {
      if (this.#signature > 0) this.#isUnclear = true
      this.#signature = first === QUOTE ? start : 0
    }
  }

  end(depth: number, end: number, code: number): void {
    if (depth === BODY) {
      this.places.push(end)
      this.#inMessages = false
    } else if (!this.#inMessages) return
    else if (depth === LIST) this.#endMessage(end)
    else if (depth === MESSAGE) {
      if (this.#nameInMessage === ROLE) {
        if (this.#role !== 0 || code === escapedToken) this.#isUnclear = true
        this.#role = code
      }
    } else if (depth === BLOCKS) this.#endBlock()
    else if (this.#inBlock && this.#nameInBlock === TYPE) {
      if (this.#type !== 0 || code === escapedToken) this.#isUnclear = true
      this.#type = code
    } else if (this.#inBlock && this.#nameInBlock === SIGNATURE) this.#signatureEnd = end
  }

  #endMessage(end: number): void {
    if (this.#role === ASSISTANT) this.#hasAnswer = true
    else if (this.#role !== USER && this.#messages < openingMessages) return
    if (this.#openingEnd === 0) this.#openingEnd = end
  }

  #endBlock(): void {
    if (!this.#inBlock) return
    this.#inBlock = false
    if (this.#type === REDACTED_THINKING) this.#hasRedacted = true
    if (this.#type === IMAGE || this.#type === IMAGE_URL) this.#images++
    if (this.#type !== THINKING) return
    if (this.#signature === 0 || this.#signatureEnd - this.#signature === 2) this.#hasUnsigned = true
    else this.#signatures.push(this.#signature)
  }

  /** What was found out about the prompt of the whole body; undefined where that takes a parser. */
  promptFacts(bytes: Uint8Array, fields: ReadonlyMap<string, FieldSpan>): PromptFacts | undefined {
    const span = fields.get('messages')
    const list = span !== undefined && bytes[span[0]] === OPEN_ARRAY ? span : undefined
    // A name in escapes is `messages` too, and another one may happen to have its code.
    if (this.#isUnclear || (list?.[0] ?? -1) !== this.#listStart) return undefined
    const signed = { ofClaude: false, ofOthers: this.#hasUnsigned }
    for (const start of this.#signatures) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start + 1, spillwayMark.length).toString(
        'latin1',
      )
      if (text.includes('\\')) return undefined
      if (text === spillwayMark) signed.ofOthers = true
      else signed.ofClaude = true
    }
    return {
      hasMessages: this.#messages > 0,
      hasAnswer: this.#hasAnswer,
      opening: list && [list[0], this.#openingEnd || list[1] - 1],
      images: this.#images,
      thinking: { ...signed, redacted: this.#hasRedacted },
    }
  }
}
