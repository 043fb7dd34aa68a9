const QUOTE = 0x22
const BACKSLASH = 0x5c
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/** A tool call as it grows out of deltas. */
export class ToolBlock {
  readonly type = 'tool'
  id: string | undefined
  name = ''
  /** Arguments that have come and not yet been sent on. */
  pending = ''
  /** Brackets open in what has come, and where in a string that is. Read once, as it comes. */
  #depth = 0
  #isInString = false
  #isEscaped = false
  #hasBegun = false

  add(text: string): void {
    this.pending += text
    for (let at = 0; at < text.length; at++) this.#read(text.charCodeAt(at))
  }

  #read(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (this.#isInString) {
      if (code === QUOTE) this.#isInString = false
      else if (code === BACKSLASH) this.#isEscaped = true
    } else if (code === QUOTE) this.#isInString = true
    else if (code === openObject || code === openArray) {
      this.#depth++
      this.#hasBegun = true
    } else if (code === closeObject || code === closeArray) this.#depth--
  }

  /** Whether every bracket of the arguments is closed, so that nothing more can come. */
  get isComplete(): boolean {
    return this.#hasBegun && this.#depth <= 0 && !this.#isInString
  }
}

/** A text, or a train of thought, as it grows out of deltas. */
export class TextBlock {
  readonly type: 'text' | 'thinking'
  pending = ''

  constructor(type: 'text' | 'thinking') {
    this.type = type
  }

  /** It is over as soon as something else begins. */
  readonly isComplete = true
}
