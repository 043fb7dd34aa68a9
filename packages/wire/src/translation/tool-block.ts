import { parseObject } from './json.ts'

/** A tool call as it grows out of deltas. */
export class ToolBlock {
  readonly type = 'tool'
  id: string | undefined
  name = ''
  /** Arguments that have come and not yet been sent on. */
  pending = ''
  #received = ''
  /** What was last found incomplete, so that the same text is not parsed again. */
  #incompleteAt = -1

  add(text: string): void {
    this.#received += text
    this.pending += text
  }

  /** Whether the arguments are a whole JSON object, so that nothing more can come. */
  get isComplete(): boolean {
    if (this.#incompleteAt === this.#received.length) return false
    const text = this.#received.trimEnd()
    if (text.endsWith('}') && parseObject(text) !== undefined) return true
    this.#incompleteAt = this.#received.length
    return false
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
