import { type Clock, systemClock } from '@spillway/middleware'

/** A circuit that one process has opened. */
export interface SharedOpening {
  /** The endpoint, by the breaker's option `name`. */
  readonly name: string
  readonly key: string
  /** How long it is open from now, in milliseconds. */
  readonly openForMs: number
  /** Whose opening it is. */
  readonly from: string
}

/**
 * Makes openings known between breakers, of one process or of many. No call waits for a store, and
 * what it fails with is dropped: without it each breaker uses only what it sees itself.
 */
export interface BreakerStore {
  /** Makes an opening known to all, and to those who ask while it lasts. */
  open(opening: SharedOpening): Promise<void>
  /** How long a circuit is still open, in milliseconds; 0 when it is not. */
  remaining(name: string, key: string): Promise<number>
  /**
   * Hears all openings from now on, also those of the same process.
   * @param missed called whenever openings may have gone unheard until now, as before a connection was there or while it was
   * broken: {@link remaining} tells of them
   * @returns what stops it
   */
  subscribe(listener: (opening: SharedOpening) => void, missed?: () => void): () => void
}

export interface MemoryBreakerStoreOptions {
  /** @default systemClock */
  readonly clock?: Clock
}

/** Shares openings among the breakers of one process. */
export function memoryBreakerStore({ clock = systemClock }: MemoryBreakerStoreOptions = {}): BreakerStore {
  const listeners = new Set<(opening: SharedOpening) => void>()
  const openings = new Map<string, number>()
  return {
    async open(opening) {
      const now = clock.now()
      for (const [id, until] of openings) if (until <= now) openings.delete(id)
      openings.set(openingId(opening.name, opening.key), now + opening.openForMs)
      for (const listener of [...listeners]) listener(opening)
    },
    async remaining(name, key) {
      return Math.max(0, (openings.get(openingId(name, key)) ?? 0) - clock.now())
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** One string for both, whatever either contains. */
export function openingId(name: string, key: string): string {
  return `${encodeURIComponent(name)}:${key}`
}
