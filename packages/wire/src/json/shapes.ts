/** So many are cheap whatever they are, and not told apart. */
const notTold = 4096

/**
 * Counts the different shapes of objects in a text, roughly: by hashes of their leading names, in order. A parser makes a
 * new hidden class for each, which takes it 0.5 µs where a field of a known shape takes 0.05 µs, so these are what makes a
 * short text slow.
 */
export class Shapes {
  readonly #most: number
  #count = 0
  /** For each depth, the names of the object so far. */
  readonly #hashes: number[] = []
  #seen: Set<number> | undefined

  constructor(most: number) {
    this.#most = most
  }

  begin(depth: number): void {
    this.#hashes[depth] = 0
  }

  /** Adds a name to the object at `depth`; false where there are too many shapes by now. */
  add(depth: number, name: number): boolean {
    const before = this.#hashes[depth] as number
    const shape = Math.imul(before ^ (before >>> 15) ^ name, 0x9e3779b1)
    this.#hashes[depth] = shape
    if (this.#count < notTold) {
      this.#count++
      return true
    }
    this.#seen ??= new Set()
    this.#seen.add(shape)
    return notTold + this.#seen.size <= this.#most
  }
}
