import type { Circuit } from './circuit.ts'

/** A bounded number of circuits by their keys. Its order is that of the last use. */
export class CircuitMap {
  readonly #most: number
  readonly #create: (key: string) => Circuit
  readonly #circuits = new Map<string, Circuit>()

  constructor(most: number, create: (key: string) => Circuit) {
    this.#most = most
    this.#create = create
  }

  /** A circuit that is there, now used last. */
  find(key: string): Circuit | undefined {
    const circuit = this.#circuits.get(key)
    if (circuit !== undefined && this.#circuits.size > 1) {
      this.#circuits.delete(key)
      this.#circuits.set(key, circuit)
    }
    return circuit
  }

  /** The same, made where it is not there; that may forget another one. */
  at(key: string): Circuit {
    const known = this.find(key)
    if (known !== undefined) return known
    const circuit = this.#create(key)
    if (this.#circuits.size >= this.#most) this.#forgetIdlest()
    this.#circuits.set(key, circuit)
    return circuit
  }

  entries(): IterableIterator<[string, Circuit]> {
    return this.#circuits.entries()
  }

  values(): IterableIterator<Circuit> {
    return this.#circuits.values()
  }

  /** The keys of those that are closed or half-open. */
  notOpen(): string[] {
    return [...this.#circuits].flatMap(([key, { state }]) => (state === 'open' ? [] : [key]))
  }

  /** A circuit that is closed has the least to remember. */
  #forgetIdlest(): void {
    let idlest: string | undefined
    for (const [key, { state, isForced }] of this.#circuits) {
      idlest ??= key
      if (state !== 'closed' || isForced) continue
      idlest = key
      break
    }
    if (idlest === undefined) return
    this.#circuits.get(idlest)?.retire()
    this.#circuits.delete(idlest)
  }
}
