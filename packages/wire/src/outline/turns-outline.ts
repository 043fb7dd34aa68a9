import { escapedToken, tokenCode } from '../json/token-code.ts'
import { openingMessages } from '../prompt-facts.ts'
import { BLOCKS, BODY, LIST, MESSAGE, OPEN_ARRAY, OPEN_OBJECT } from './depths.ts'
import type { TextSpan } from './text-span.ts'
import { TextsOutline } from './texts-outline.ts'

const ROLE = tokenCode('role')
const CONTENT = tokenCode('content')
const TYPE = tokenCode('type')
const USER = tokenCode('user')
const ASSISTANT = tokenCode('assistant')

/** A message of the opening. */
export interface TurnSpans {
  /** Undefined where it has none that is a string. */
  readonly role: TextSpan | undefined
  readonly texts: readonly (TextSpan | undefined)[]
}

/** Items without a role whose types are looked at, and how long such a type is at most, in bytes. */
const mostKinds = 64
const longestKind = 256

/** Where a list of messages, or of Responses' items, has what its conversation is recognised by. */
export class TurnsOutline {
  /** The first messages, up to the user's. */
  readonly opening: TurnSpans[] = []
  /** Types of items without a role; the first few. */
  readonly kinds: TextSpan[] = []
  /** How many messages and items there are. */
  count = 0
  hasAssistant = false
  isUnclear = false
  /** A text alone is one too. */
  text: TextSpan | undefined
  #isList = false
  #isOver = false
  #isTurn = false
  #inContent = false
  #name = 0
  #start = 0
  #role: TextSpan | undefined
  #roleCode = 0
  #kind: TextSpan | undefined
  readonly #content = new TextsOutline(BLOCKS)

  name(depth: number, code: number): void {
    if (depth === MESSAGE) {
      this.#name = code
      if (code === escapedToken) this.isUnclear = true
    } else if (this.#inContent) this.#content.name(depth, code)
  }

  begin(depth: number, start: number, first: number): void {
    if (depth > MESSAGE) {
      if (this.#inContent) this.#content.begin(depth, start, first)
      return
    }
    this.#start = start
    if (depth === BODY) this.#isList = first === OPEN_ARRAY
    else if (depth === LIST) {
      this.count++
      this.#isTurn = first === OPEN_OBJECT
      this.#name = 0
      this.#role = undefined
      this.#roleCode = 0
      this.#kind = undefined
      if (!this.#isOver) this.#content.texts = []
    } else {
      this.#inContent = this.#isTurn && !this.#isOver && this.#name === CONTENT
      if (this.#inContent) this.#content.begin(depth, start, first)
    }
  }

  end(depth: number, end: number, code: number, saved: number): void {
    if (depth > MESSAGE) {
      if (this.#inContent) this.#content.end(depth, end, code, saved)
    } else if (depth === MESSAGE) this.#endField(end, code, saved)
    else if (depth === LIST) {
      if (this.#isList) this.#endTurn()
    } else if (code !== 0) this.text = { start: this.#start, end, saved }
  }

  #endField(end: number, code: number, saved: number): void {
    if (this.#inContent) this.#content.end(MESSAGE, end, code, saved)
    this.#inContent = false
    if (!this.#isTurn || (this.#name !== ROLE && this.#name !== TYPE)) return
    const span = code !== 0 ? { start: this.#start, end, saved } : undefined
    if (code === escapedToken) this.isUnclear = true
    if (this.#name === TYPE) this.#kind = span
    else {
      this.#role = span
      this.#roleCode = code
    }
  }

  #endTurn(): void {
    if (this.#roleCode === ASSISTANT) this.hasAssistant = true
    if (this.#role === undefined && this.#kind !== undefined) this.#noteKind(this.#kind)
    if (this.#isOver) return
    if (this.#content.isUnclear) this.isUnclear = true
    if (this.#roleCode === ASSISTANT || this.opening.length === openingMessages) this.#isOver = true
    else this.opening.push({ role: this.#role, texts: this.#content.texts })
    if (this.#roleCode === USER) this.#isOver = true
  }

  #noteKind(kind: TextSpan): void {
    if (this.kinds.length < mostKinds && kind.end - kind.start <= longestKind) this.kinds.push(kind)
  }
}
