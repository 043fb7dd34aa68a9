/** What a body begins with that comes in several pieces. */
const smallest = 16 * 1024

/**
 * Joins pieces while they arrive, so that none of them is kept: a thousand pieces of a byte take a thousand bytes. Memory
 * is taken for what has arrived and not for what was announced; what is not written to costs nothing.
 */
export class GrowingBuffer {
  readonly #expected: number | undefined
  readonly #ownsPieces: boolean
  #bytes: Buffer = Buffer.alloc(0)
  #length = 0
  /** Whether the bytes are not the first piece itself. */
  #isOwn = false

  /**
   * @param expected how many bytes are announced, where that is known
   * @param ownsPieces whether no other code reads the memory of the pieces, so that it can be given back when they are copied
   */
  constructor(expected: number | undefined, ownsPieces = false) {
    this.#expected = expected
    this.#ownsPieces = ownsPieces
  }

  get length(): number {
    return this.#length
  }

  /** Whether no other code has a view of the memory that {@link take} returned. */
  get isOwn(): boolean {
    return this.#isOwn
  }

  /** Adds a piece. The first is kept as it is, since it is often the only one. */
  push(piece: Buffer): void {
    if (this.#length === 0) {
      this.#bytes = piece
      this.#length = piece.length
      return
    }
    const needed = this.#length + piece.length
    if (needed > this.#bytes.length) this.#grow(needed)
    this.#bytes.set(piece, this.#length)
    this.#length = needed
    if (this.#ownsPieces) freeBytes(piece)
  }

  /** All that was added, in one piece without much around it. Nothing may be added afterwards. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length)
    const isTight = this.#length * 4 >= this.#bytes.length * 3
    return isTight ? bytes : Buffer.from(bytes)
  }

  #grow(needed: number): void {
    const size = Math.max(smallest, needed, 2 * this.#bytes.length)
    const expected = this.#expected ?? 0
    // To the very size at once, when a good part has come. Pages that are not written to are not there.
    const larger = Buffer.allocUnsafeSlow(needed <= expected && size * 4 > expected ? expected : size)
    larger.set(this.#bytes.subarray(0, this.#length))
    if (this.#isOwn || this.#ownsPieces) freeBytes(this.#bytes)
    this.#bytes = larger
    this.#isOwn = true
  }
}

/** Smaller ones cost less where the garbage collector finds them. */
const worthFreeing = 8 * 1024

/**
 * Gives memory back at once that nobody looks at any more; whoever does finds it empty. Done for speed: V8 learns of what lies outside
 * of its heap only by collections of all of it. See decision 0219.
 */
function freeBytes({ buffer, byteLength }: Buffer): void {
  // What is a part of a larger one may be shared, too.
  if (byteLength < worthFreeing || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer))
    return
  buffer.transfer(0)
}
