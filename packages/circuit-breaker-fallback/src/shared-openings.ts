import type { BreakerStore } from './breaker-store.ts'
import type { ChangeReason } from './circuit.ts'

/** One breaker's part in a shared store. Nothing waits for it, and its failures are dropped. */
export class SharedOpenings {
  readonly #store: BreakerStore
  readonly #name: string
  readonly #onOpening: (key: string, ms: number) => void
  readonly #from = crypto.randomUUID()
  readonly #stop: () => void
  #isClosed = false

  /** @param known the circuits that are there, and not open: asked for again when openings may have gone unheard */
  constructor(
    store: BreakerStore,
    name: string,
    onOpening: (key: string, ms: number) => void,
    known: () => Iterable<string>,
  ) {
    this.#store = store
    this.#name = name
    this.#onOpening = onOpening
    this.#stop = store.subscribe(
      (opening) => {
        if (opening.name === name && opening.from !== this.#from) onOpening(opening.key, opening.openForMs)
      },
      () => {
        for (const key of known()) this.ask(key)
      },
    )
  }

  /** A circuit has opened here, by its own judgement or by that of another. */
  tell({ key, reason }: { readonly key: string; readonly reason: ChangeReason }, openForMs: number): void {
    if (this.#isClosed || reason === 'shared' || reason === 'forced') return
    const opening = { name: this.#name, key, openForMs, from: this.#from }
    quietly(() => this.#store.open(opening))
  }

  /** Asks for an opening that may have begun unheard, such as before this circuit was known here. */
  ask(key: string): void {
    quietly(async () => {
      const ms = await this.#store.remaining(this.#name, key)
      if (ms > 0 && !this.#isClosed) this.#onOpening(key, ms)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#stop()
  }
}

function quietly(act: () => Promise<void>): void {
  Promise.resolve()
    .then(act)
    .catch(() => {})
}
