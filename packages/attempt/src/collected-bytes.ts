/** Pieces below this are copied together: a view of one byte takes a hundred. */
const smallPiece = 4096

/** Bytes that are kept until a reader takes them. Their memory is in proportion to them, however they were cut. */
export class CollectedBytes {
  readonly #pieces: Uint8Array[] = []
  /** Small pieces that follow the last of `#pieces`. */
  #small: Buffer | undefined
  #smallLength = 0
  #smallSize = smallPiece

  /** Keeps a piece, which must not be written to afterwards. */
  push(piece: Uint8Array): void {
    if (piece.length >= smallPiece || (this.#pieces.length === 0 && this.#smallLength === 0)) {
      this.#closeSmall()
      this.#pieces.push(piece)
      return
    }
    if (this.#small === undefined || this.#smallLength + piece.length > this.#small.length) {
      this.#closeSmall()
      this.#small = Buffer.allocUnsafe(this.#smallSize)
      this.#smallSize = Math.min(16 * smallPiece, 2 * this.#smallSize)
    }
    this.#small.set(piece, this.#smallLength)
    this.#smallLength += piece.length
  }

  /** All that was kept, in one piece; nothing is kept any longer. A single piece is returned as it is. */
  take(): Uint8Array {
    this.#closeSmall()
    const pieces = this.#pieces.splice(0)
    const [first] = pieces
    return first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces)
  }

  #closeSmall(): void {
    if (this.#small !== undefined && this.#smallLength > 0) {
      this.#pieces.push(this.#small.subarray(0, this.#smallLength))
    }
    this.#small = undefined
    this.#smallLength = 0
  }
}
