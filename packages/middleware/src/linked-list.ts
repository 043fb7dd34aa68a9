/** The place of a value in a {@link LinkedList}. */
export interface ListPlace<T> {
  readonly value: T
}

interface Place<T> extends ListPlace<T> {
  before: Place<T> | undefined
  after: Place<T> | undefined
  isIn: boolean
}

/**
 * What comes and goes with each call: a `Set` from which values are taken by their places.
 *
 * For speed. Under entries that come and go, a `Set` or a `Map` is copied to a new table every few calls, and each old table points
 * to the next. Once one of them is in the old generation of V8's heap, all that follow stay there with what they held, until the
 * next collection of the whole heap: every third call with its request and its answer, and pauses of 10 to 40 ms to copy them.
 */
export class LinkedList<T> implements Iterable<T> {
  #first: Place<T> | undefined
  #last: Place<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a value at the end. */
  add(value: T): ListPlace<T> {
    const place: Place<T> = { value, before: this.#last, after: undefined, isIn: true }
    if (this.#last === undefined) this.#first = place
    else this.#last.after = place
    this.#last = place
    this.#size++
    return place
  }

  /** Takes a value out. Harmless when repeated. */
  delete(added: ListPlace<T>): void {
    const place = added as Place<T>
    if (!place.isIn) return
    const { before, after } = place
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    // What is gone must not hold on to what follows it.
    place.before = undefined
    place.after = undefined
    place.isIn = false
    this.#size--
  }

  /** The values that are in it now, in the order in which they were added. */
  [Symbol.iterator](): IterableIterator<T> {
    const values: T[] = []
    for (let place = this.#first; place !== undefined; place = place.after) values.push(place.value)
    return values.values()
  }
}
