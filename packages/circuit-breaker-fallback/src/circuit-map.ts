import type { Circuit } from './circuit.ts'

interface Entry {
  readonly circuit: Circuit
  /** Clock time of its last use, in milliseconds. */
  usedAt: number
}

/** So many circuits are kept however long they have been idle: the models and keys that a program has by configuration. */
const kept = 50

export interface CircuitMapOptions {
  /** How many there are at most. */
  readonly most: number
  /** How long a closed circuit remembers a call, in milliseconds. */
  readonly window: number
  readonly now: () => number
  readonly create: (key: string) => Circuit
}

/**
 * A bounded number of circuits by their keys, in the order of their last use. Callers make up names of models, and a circuit
 * takes 10 kB: a closed one that has been idle for its whole window has nothing to remember, and goes when another comes.
 */
export class CircuitMap {
  readonly #options: CircuitMapOptions
  readonly #entries = new Map<string, Entry>()
  /** The key that was used last. */
  #latest: string | undefined

  constructor(options: CircuitMapOptions) {
    this.#options = options
  }

  /** A circuit that is there, now used last. */
  find(key: string): Circuit | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    entry.usedAt = this.#options.now()
    // For speed: a map from which each call takes and to which it adds is copied again and again.
    if (key === this.#latest) return entry.circuit
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    this.#latest = key
    return entry.circuit
  }

  /** The same, made where it is not there; that may forget others. */
  at(key: string): Circuit {
    const known = this.find(key)
    if (known !== undefined) return known
    const circuit = this.#options.create(key)
    this.#forgetIdle()
    if (this.#entries.size >= this.#options.most) this.#forgetIdlest()
    this.#entries.set(key, { circuit, usedAt: this.#options.now() })
    this.#latest = key
    return circuit
  }

  *entries(): IterableIterator<[string, Circuit]> {
    for (const [key, { circuit }] of this.#entries) yield [key, circuit]
  }

  *values(): IterableIterator<Circuit> {
    for (const { circuit } of this.#entries.values()) yield circuit
  }

  /** The keys of those that are closed or half-open. */
  notOpen(): string[] {
    return [...this.entries()].flatMap(([key, { state }]) => (state === 'open' ? [] : [key]))
  }

  /** Those that were used longest ago, as far as they have nothing to remember. */
  #forgetIdle(): void {
    const { now, window } = this.#options
    const before = now() - window
    for (const [key, { circuit, usedAt }] of this.#entries) {
      if (this.#entries.size <= kept || usedAt > before) return
      if (isUsual(circuit)) this.#forget(key, circuit)
    }
  }

  /** A circuit that is closed has the least to remember. */
  #forgetIdlest(): void {
    let idlest: [string, Circuit] | undefined
    for (const [key, circuit] of this.entries()) {
      idlest ??= [key, circuit]
      if (!isUsual(circuit)) continue
      idlest = [key, circuit]
      break
    }
    if (idlest !== undefined) this.#forget(...idlest)
  }

  #forget(key: string, circuit: Circuit): void {
    circuit.retire()
    this.#entries.delete(key)
  }
}

/** Whether a circuit is in the state in which a new one begins. */
function isUsual({ state, isForced }: Circuit): boolean {
  return state === 'closed' && !isForced
}
