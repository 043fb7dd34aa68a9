import type { Endpoint } from './endpoint.ts'

/** Where conversations live: a table of the last `size` that were heard of. */
export class Conversations {
  readonly #size: number
  readonly #endpoints = new Map<string, Endpoint>()

  constructor(size: number) {
    this.#size = size
  }

  get(key: string): Endpoint | undefined {
    return this.#endpoints.get(key)
  }

  set(key: string, endpoint: Endpoint): void {
    // The order of the map is that of the last use.
    this.#endpoints.delete(key)
    this.#endpoints.set(key, endpoint)
    if (this.#endpoints.size <= this.#size) return
    const oldest = this.#endpoints.keys().next()
    if (!oldest.done) this.#endpoints.delete(oldest.value)
  }

  clear(): void {
    this.#endpoints.clear()
  }

  get size(): number {
    return this.#endpoints.size
  }
}
