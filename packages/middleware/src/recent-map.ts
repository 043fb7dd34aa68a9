/** A map with a bound: beyond it, the entries that were set longest ago are forgotten. For keys that callers choose. */
export class RecentMap<V, K extends string | number = string> {
  readonly #most: number
  readonly #values = new Map<K, V>()

  /** @param most entries at most, 1 or more */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#values.size
  }

  /** Leaves the entry where it is in the order: set it again to keep it. */
  get(key: K): V | undefined {
    return this.#values.get(key)
  }

  /** Makes this the newest entry. */
  set(key: K, value: V): void {
    // The usual case of a single key costs no change of the map.
    if (this.#values.size === 1 && this.#values.get(key) === value) return
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#most) return
    const oldest = this.#values.keys().next()
    if (!oldest.done) this.#values.delete(oldest.value)
  }

  delete(key: K): void {
    this.#values.delete(key)
  }

  clear(): void {
    this.#values.clear()
  }
}
