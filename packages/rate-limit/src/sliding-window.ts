/** How finely a window is divided. One slot more than that is kept, so that no window ever holds too much. */
export const slots = 600

/** A page is 32 slots. */
const pageBits = 5
const pageMask = (1 << pageBits) - 1

/**
 * Counts what was spent in the last `windowMs`, in a fixed amount of memory: exact to one slot of 600, and on the safe
 * side. A limit of N therefore holds in every window, wherever it begins, and at least 599/600 of N can be spent for ever.
 */
export class SlidingWindow {
  readonly windowMs: number
  readonly #slotMs: number
  /** Slots by pages, made where something is spent: callers can make up keys, and each has windows of its own. */
  readonly #pages: (Float64Array | undefined)[] = []
  /** The newest slot, counted from time 0. */
  #newest = 0
  #total = 0

  constructor(windowMs: number) {
    this.windowMs = windowMs
    this.#slotMs = windowMs / slots
  }

  /** What counts against the limit at `now`. */
  spent(now: number): number {
    this.#advance(now)
    return this.#total
  }

  /** Spends, or with a negative amount gives back, at `now`; returns the slot, for a correction later. */
  spend(amount: number, now: number): number {
    this.#advance(now)
    this.#add(this.#newest, amount)
    return this.#newest
  }

  /** Corrects what was spent in a slot, if it still counts. A slot never goes below nothing. */
  correct(slot: number, amount: number, now: number): void {
    this.#advance(now)
    if (slot <= this.#newest - slots - 1) return
    this.#add(slot, Math.max(amount, -this.#at(this.#place(slot))))
  }

  /** Milliseconds until no more than `allowed` counts, if nothing else is spent; 0 when that is so already. */
  timeUntil(allowed: number, now: number): number {
    this.#advance(now)
    let left = this.#total
    if (left <= allowed) return 0
    for (let slot = this.#newest - slots; slot <= this.#newest; slot++) {
      left -= this.#at(this.#place(slot))
      if (left <= allowed) return (slot + slots + 1) * this.#slotMs - now
    }
    return this.windowMs
  }

  /** The slot that `at` falls into. */
  slotAt(at: number): number {
    return Math.floor(at / this.#slotMs)
  }

  /** Makes the window hold `total` at `now`: what is missing is spent now, what is too much was never spent lately. */
  fit(total: number, now: number): void {
    this.#advance(now)
    if (total > this.#total) this.#add(this.#newest, total - this.#total)
    for (let slot = this.#newest; this.#total > total && slot >= this.#newest - slots; slot--) {
      this.#add(slot, -Math.min(this.#at(this.#place(slot)), this.#total - total))
    }
  }

  /** What was spent in each slot that still counts, oldest first. */
  entries(now: number): [slot: number, amount: number][] {
    this.#advance(now)
    const entries: [number, number][] = []
    for (let slot = this.#newest - slots; slot <= this.#newest; slot++) {
      const amount = this.#at(this.#place(slot))
      if (amount > 0) entries.push([slot, amount])
    }
    return entries
  }

  #advance(now: number): void {
    const current = Math.floor(now / this.#slotMs)
    if (current <= this.#newest) return
    if (current - this.#newest > slots) {
      this.#pages.length = 0
      this.#total = 0
    } else {
      for (let slot = this.#newest + 1; slot <= current; slot++) {
        const place = this.#place(slot)
        const page = this.#pages[place >> pageBits]
        if (page === undefined) continue
        this.#total -= page[place & pageMask] as number
        page[place & pageMask] = 0
      }
      // Sums of fractions drift; an empty window is empty.
      if (this.#total < 1e-6) this.#total = 0
    }
    this.#newest = current
  }

  #add(slot: number, amount: number): void {
    const place = this.#place(slot)
    let page = this.#pages[place >> pageBits]
    if (page === undefined) {
      page = new Float64Array(1 << pageBits)
      this.#pages[place >> pageBits] = page
    }
    page[place & pageMask] = (page[place & pageMask] as number) + amount
    this.#total += amount
  }

  #at(place: number): number {
    return this.#pages[place >> pageBits]?.[place & pageMask] ?? 0
  }

  #place(slot: number): number {
    const place = slot % (slots + 1)
    return place < 0 ? place + slots + 1 : place
  }
}
