import type { ModelRequest } from '@spillway/middleware'
import { guardHook, RecentMap } from '@spillway/middleware/kit'
import { type Key, newKey } from './endpoint.ts'
import type { KeyOptions } from './options.ts'

/**
 * What is known of keys that callers bring themselves, by the name of each. Only those are remembered that the vendor
 * has refused or paced: anybody can make up any number of others.
 */
export class CallersKeys {
  readonly #nameOf: (request: ModelRequest) => string
  readonly #options: KeyOptions
  readonly #keys: RecentMap<Key>

  constructor(nameOf: (request: ModelRequest) => string, options: KeyOptions) {
    // Callers whose names cannot be told share a key.
    this.#nameOf = guardHook(
      'routing.caller',
      nameOf,
      () => '',
      (answer) => typeof answer === 'string',
    )
    this.#options = options
    this.#keys = new RecentMap(options.maxCallers)
  }

  nameOf(request: ModelRequest): string {
    return this.#nameOf(request)
  }

  /** Undefined while the vendor has said nothing against it. */
  find(request: ModelRequest): Key | undefined {
    return this.#keys.size === 0 ? undefined : this.#keys.get(this.#nameOf(request))
  }

  /** The same, to be written to. */
  at(request: ModelRequest): Key {
    const name = this.#nameOf(request)
    const key = this.#keys.get(name) ?? newKey('caller', true, this.#options)
    this.#keys.set(name, key)
    return key
  }

  get size(): number {
    return this.#keys.size
  }

  clear(): void {
    this.#keys.clear()
  }
}
