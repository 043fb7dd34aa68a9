const QUOTE = 0x22
const BACKSLASH = 0x5c
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/** No tool has a longer name. */
const longestName = 1024

/** A tool call as it grows out of deltas. */
export class ToolBlock {
  readonly type = 'tool'
  id: string | undefined
  name = ''
  /** Arguments that have come and not yet been sent on. */
  pending = ''
  /** Whether any arguments have come, so that the name is whole. */
  hasArguments = false
  /** Whether what comes is free text, which is sent on as the one argument `input`. */
  readonly #isCustom: boolean
  /** Brackets open in what has come, and where in a string that is. Read once, as it comes. */
  #depth = 0
  #isInString = false
  #isEscaped = false
  #hasBegun = false

  constructor(isCustom = false) {
    this.#isCustom = isCustom
  }

  /** Most servers send the name once, some in pieces, some again with each piece of the arguments. */
  addName(text: string): void {
    if (this.hasArguments || this.name.length > longestName) return
    this.name = text.startsWith(this.name) ? text : this.name + text
  }

  add(text: string): void {
    if (text === '') return
    const opening = this.hasArguments ? '' : '{"input":"'
    this.hasArguments = true
    if (this.#isCustom) this.pending += opening + JSON.stringify(text).slice(1, -1)
    else {
      this.pending += text
      for (let at = 0; at < text.length; at++) this.#read(text.charCodeAt(at))
    }
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

  /** Whether it can be opened, given its whole name. */
  canOpen(isOver: boolean): boolean {
    return isOver ? this.name !== '' || this.hasArguments : this.name !== '' && this.hasArguments
  }

  /** What ends the arguments, where the server does not end them itself. */
  get ending(): string {
    if (!this.#isCustom) return ''
    return this.hasArguments ? '"}' : '{"input":""}'
  }
}

/** A text, or a train of thought, as it grows out of deltas. */
export class TextBlock {
  readonly type: 'text' | 'thinking'
  pending = ''
  /** Whether there is nothing but white space so far. */
  #isBlank = true

  constructor(type: 'text' | 'thinking') {
    this.type = type
  }

  add(text: string): void {
    this.pending += text
    this.#isBlank &&= text.trim() === ''
  }

  /** It is over as soon as something else begins. */
  readonly isComplete = true

  /** A text of white space alone is none: Claude refuses it when the conversation comes back. */
  canOpen(): boolean {
    return this.type === 'thinking' || !this.#isBlank
  }

  readonly ending = ''
}
