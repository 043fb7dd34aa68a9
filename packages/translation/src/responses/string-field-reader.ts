/** Characters before the string, within which it must begin. */
const longestBefore = 4096

/**
 * Reads one string of an object of JSON as it arrives in pieces: a custom tool's text out of the arguments of a function.
 * Nothing of what comes before or after the string is checked.
 */
export class StringFieldReader {
  readonly #opening: RegExp
  #state: 'before' | 'inside' | 'after' = 'before'
  #held = ''

  constructor(name: string) {
    this.#opening = new RegExp(`"${name}"\\s*:\\s*"`)
  }

  /** The next piece; returns what it adds to the string. */
  read(piece: string): string {
    if (this.#state === 'after') return ''
    this.#held += piece
    if (this.#state === 'before') {
      const opening = this.#opening.exec(this.#held)
      if (opening === null) {
        if (this.#held.length > longestBefore) this.#state = 'after'
        return ''
      }
      this.#held = this.#held.slice(opening.index + opening[0].length)
      this.#state = 'inside'
    }
    return this.#inside()
  }

  #inside(): string {
    let at = 0
    while (at < this.#held.length) {
      const char = this.#held[at]
      if (char === '"') {
        this.#state = 'after'
        break
      }
      const length = char === '\\' ? (this.#held[at + 1] === 'u' ? 6 : 2) : 1
      if (at + length > this.#held.length) break
      at += length
    }
    const whole = this.#held.slice(0, at)
    this.#held = this.#state === 'after' ? '' : this.#held.slice(at)
    return unescaped(whole)
  }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}
