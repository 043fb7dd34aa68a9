import { escapedToken, tokenCode } from '../json/token-code.ts'
import { openingMessages } from '../prompt-facts.ts'
import { OPEN_ARRAY, OPEN_OBJECT } from './depths.ts'
import type { TextSpan } from './text-span.ts'

const TEXT = tokenCode('text')
const TYPE = tokenCode('type')

/** Where the texts of a content lie, which is a string or a list of blocks: of each block its text, or its type where it has none. */
export class TextsOutline {
  /** Undefined for a block with neither. */
  texts: (TextSpan | undefined)[] = []
  /** Whether a name is written with escapes, so that it takes a parser to tell what is meant. */
  isUnclear = false
  /** How deep the list of blocks lies. */
  readonly #blocks: number
  #isList = false
  #isBlock = false
  #name = 0
  #start = 0
  #text: TextSpan | undefined
  #type: TextSpan | undefined

  constructor(blocks: number) {
    this.#blocks = blocks
  }

  name(depth: number, code: number): void {
    if (depth !== this.#blocks + 1) return
    this.#name = code
    if (code === escapedToken) this.isUnclear = true
  }

  begin(depth: number, start: number, first: number): void {
    if (depth === this.#blocks - 1) {
      this.texts = []
      this.#isList = first === OPEN_ARRAY
    } else if (depth === this.#blocks) {
      this.#isBlock = this.#isList && first === OPEN_OBJECT
      this.#text = undefined
      this.#type = undefined
    } else if (depth > this.#blocks + 1) return
    this.#start = start
  }

  end(depth: number, end: number, code: number, saved: number): void {
    if (depth === this.#blocks - 1) {
      if (code !== 0) this.texts.push({ start: this.#start, end, saved })
    } else if (depth === this.#blocks) {
      if (this.#isList && this.texts.length < openingMessages) this.texts.push(this.#text ?? this.#type)
    } else if (depth === this.#blocks + 1 && this.#isBlock) {
      // The last one counts, as it does for a parser.
      const span = code !== 0 ? { start: this.#start, end, saved } : undefined
      if (this.#name === TEXT) this.#text = span
      else if (this.#name === TYPE) this.#type = span
    }
  }
}
