/** A model that goes on rarely repeats more than this. */
const window = 4_000

/** Fewer characters than this are as likely the beginning of the next word as a repetition. */
const shortest = 8

/**
 * Takes out of a continuation what it repeats of the text before it. Models asked to go on from a text like to begin
 * with its last words, or with all of it. Pieces go in as they arrive; they come out as soon as they cannot be a
 * repetition.
 */
export class OverlapFilter {
  readonly #before: string
  #held = ''
  /** Whether all that is held back is the beginning of the text before. */
  #isBeginning = true
  #isDecided = false

  /** @param before the text that is there already */
  constructor(before: string) {
    this.#before = before
  }

  /** The part of the text so far that is new; empty while that is not known. */
  push(piece: string): string {
    if (this.#isDecided) return piece
    this.#isBeginning &&= this.#before.startsWith(piece, this.#held.length)
    this.#held += piece
    return this.#mayRepeat() ? '' : this.flush()
  }

  /** What is held back, less the repetition: for the end of the text. */
  flush(): string {
    if (this.#isDecided) return ''
    this.#isDecided = true
    return this.#held.slice(overlapOf(this.#before, this.#held))
  }

  #mayRepeat(): boolean {
    if (this.#isBeginning) return true
    return this.#held.length <= window && this.#before.slice(-window).includes(this.#held)
  }
}

/** How many characters at the beginning of `after` repeat the end of `before`, or all of it. */
export function overlapOf(before: string, after: string): number {
  if (before.length >= shortest && after.startsWith(before)) return before.length
  for (let length = Math.min(before.length, after.length, window); length >= shortest; length--) {
    if (before.endsWith(after.slice(0, length))) return length
  }
  // White space at the seam is never wanted twice.
  const space = /^\s+/.exec(after)?.[0].length ?? 0
  return /\s$/.test(before) ? space : 0
}
