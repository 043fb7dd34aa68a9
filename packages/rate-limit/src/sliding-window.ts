/** How finely a window is divided. One slot more than that is kept, so that no window ever holds too much. */
export const slots = 600

/** A page is 32 slots. */
const pageBits = 5
const pageMask = (1 << pageBits) - 1

/** So many slots are kept in a short list; pages are made where more are used. */
const few = 6

/**
 * Counts what was spent in the last `windowMs`, in a fixed amount of memory: exact to one slot of 600, and on the safe
 * side. A limit of N therefore holds in every window, wherever it begins, and at least 599/600 of N can be spent for ever.
 */
export class SlidingWindow {
  readonly windowMs: number
  readonly #slotMs: number
  /** How many slots before the newest one count. */
  readonly #kept: number
  /** Slots by pages, made where something is spent; undefined while {@link few} slots are used at most. */
  #pages: (Float64Array | undefined)[] | undefined = undefined
  /**
   * Those few, each followed by what was spent in it; undefined where there are none. Callers can make up keys, each has
   * its own windows, and most spend once.
   */
  #few: number[] | undefined = undefined
  /** The newest slot, counted from time 0. */
  #newest = 0
  #total = 0

  /** @param kept how many slots before the newest one count, where that is more than the window has */
  constructor(windowMs: number, kept: number = slots) {
    this.windowMs = windowMs
    this.#slotMs = windowMs / slots
    this.#kept = kept
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
    if (slot <= this.#newest - this.#kept - 1) return
    this.#add(slot, Math.max(amount, -this.#at(slot)))
  }

  /**
   * Milliseconds until no more than `allowed` counts, if nothing else is spent; 0 when that is so already.
   * @param givenBack what is not counted of what was spent in a slot
   */
  timeUntil(allowed: number, now: number, givenBack?: ReadonlyMap<number, number>): number {
    this.#advance(now)
    let left = this.#total - this.#counted(givenBack, this.#newest)
    if (left <= allowed) return 0
    for (let slot = this.#newest - this.#kept; slot <= this.#newest; slot++) {
      left -= this.#at(slot) - (givenBack?.get(slot) ?? 0)
      if (left <= allowed) return (slot + this.#kept + 1) * this.#slotMs - now
    }
    return this.windowMs
  }

  /**
   * What still counts at `at`, which is `now` or later, of what has been spent up to `now`.
   * @param givenBack what is not counted of what was spent in a slot
   */
  spentBy(at: number, now: number, givenBack?: ReadonlyMap<number, number>): number {
    this.#advance(now)
    const then = Math.max(this.#newest, this.slotAt(at))
    let left = this.#total - this.#counted(givenBack, then)
    const last = Math.min(this.#newest, then - this.#kept - 1)
    for (let slot = this.#newest - this.#kept; slot <= last; slot++) left -= this.#at(slot)
    return left
  }

  /** Whether what is spent at `now` still counts at `at`. */
  lasts(now: number, at: number): boolean {
    return this.slotAt(at) - this.#kept <= this.slotAt(now)
  }

  /** The sum of those slots that count while `newest` is the newest. */
  #counted(amounts: ReadonlyMap<number, number> | undefined, newest: number): number {
    let sum = 0
    for (const [slot, amount] of amounts ?? []) if (slot >= newest - this.#kept) sum += amount
    return sum
  }

  /** The slot that `at` falls into. */
  slotAt(at: number): number {
    return Math.floor(at / this.#slotMs)
  }

  /** Makes the window hold `total` at `now`: what is missing is spent now, what is too much was never spent lately. */
  fit(total: number, now: number): void {
    this.#advance(now)
    const missing = total - this.#total
    if (missing >= 0) return this.#add(this.#newest, missing)
    for (const [slot, amount] of this.entries(now).reverse())
      this.#add(slot, -Math.min(amount, Math.max(0, this.#total - total)))
  }

  /** What was spent in each slot that still counts, oldest first. */
  entries(now: number): [slot: number, amount: number][] {
    this.#advance(now)
    const entries: [number, number][] = []
    for (let slot = this.#newest - this.#kept; slot <= this.#newest; slot++) {
      const amount = this.#at(slot)
      if (amount > 0) entries.push([slot, amount])
    }
    return entries
  }

  #advance(now: number): void {
    const current = Math.floor(now / this.#slotMs)
    if (current <= this.#newest) return
    if (current - this.#newest > this.#kept) {
      this.#pages = undefined
      this.#few = undefined
      this.#total = 0
    } else if (this.#pages === undefined) this.#dropBefore(current - this.#kept)
    else {
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

  /** Of the few slots, keeps those from `oldest` on. */
  #dropBefore(oldest: number): void {
    const list = this.#few
    if (list === undefined) return
    let kept = 0
    for (let at = 0; at < list.length; at += 2) {
      const [slot, amount] = [list[at] as number, list[at + 1] as number]
      if (slot < oldest) this.#total -= amount
      else {
        list[kept++] = slot
        list[kept++] = amount
      }
    }
    if (kept === 0) {
      this.#few = undefined
      this.#total = 0
    } else list.length = kept
  }

  #add(slot: number, amount: number): void {
    this.#total += amount
    if (this.#pages === undefined) {
      const list = this.#few
      if (list === undefined) {
        this.#few = [slot, amount]
        return
      }
      for (let at = 0; at < list.length; at += 2) {
        if (list[at] !== slot) continue
        list[at + 1] = (list[at + 1] as number) + amount
        return
      }
      if (list.length < 2 * few) {
        list.push(slot, amount)
        return
      }
      this.#pages = []
      this.#few = undefined
      for (let at = 0; at < list.length; at += 2)
        this.#addToPage(this.#pages, list[at] as number, list[at + 1] as number)
    }
    this.#addToPage(this.#pages, slot, amount)
  }

  #addToPage(pages: (Float64Array | undefined)[], slot: number, amount: number): void {
    const place = this.#place(slot)
    let page = pages[place >> pageBits]
    if (page === undefined) {
      page = new Float64Array(1 << pageBits)
      pages[place >> pageBits] = page
    }
    page[place & pageMask] = (page[place & pageMask] as number) + amount
  }

  /** What was spent in a slot that still counts. */
  #at(slot: number): number {
    if (this.#pages !== undefined) {
      const place = this.#place(slot)
      return this.#pages[place >> pageBits]?.[place & pageMask] ?? 0
    }
    const list = this.#few
    if (list === undefined) return 0
    for (let at = 0; at < list.length; at += 2) if (list[at] === slot) return list[at + 1] as number
    return 0
  }

  /** Slots that count go back to one window before time 0. */
  #place(slot: number): number {
    return (slot + this.#kept + 1) % (this.#kept + 1)
  }
}
