/**
 * Bytes whose memory is given back when their owner and all who hold them are done, instead of being left to the garbage collector. No view
 * of that memory may be with anyone else. Done for speed: V8 finds what lies outside of its heap by collections of all of it. See decision 0228.
 *
 * Whoever is late gets an error: memory is never used again for other bytes, and views of it are empty from then on.
 */
export class LentBytes {
  readonly length: number
  readonly #bytes: Uint8Array<ArrayBuffer>
  /** The owner is one of them. */
  #holders = 1
  #isKept = false

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.length = bytes.length
    this.#bytes = bytes
  }

  /**
   * For a reader that has no view of them any more when it returns.
   * @throws Error when they have been given back
   */
  peek(): Uint8Array {
    if (this.#holders === 0 && !this.#isKept)
      throw new Error(
        'the bytes of this body were given back when its call was over: hold it to read it later',
      )
    return this.#bytes
  }

  /**
   * For a reader that may have a view of them for any time: from then on they are left to the garbage collector.
   * @throws Error when they have been given back
   */
  keep(): Uint8Array {
    const bytes = this.peek()
    this.#isKept = true
    return bytes
  }

  /**
   * For a reader of which it is known when it is done; one that never says so leaves them to the garbage collector.
   * @returns says that it is done; harmless when repeated
   * @throws Error when they have been given back
   */
  hold(): () => void {
    this.peek()
    this.#holders++
    let isDone = false
    return () => {
      if (isDone) return
      isDone = true
      this.#leave()
    }
  }

  /** The owner is done. To be called once. */
  giveBack(): void {
    this.#leave()
  }

  #leave(): void {
    if (--this.#holders === 0 && !this.#isKept) this.#bytes.buffer.transfer(0)
  }
}
