import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SlidingWindow, slots } from './sliding-window.ts'

const windowMs = 60_000
const slotMs = windowMs / slots

/** The same as a list of all slots, without any bound on memory. */
class PlainWindow {
  readonly #spent = new Map<number, number>()
  #newest = 0

  advance(now: number): void {
    this.#newest = Math.max(this.#newest, Math.floor(now / slotMs))
    for (const slot of this.#spent.keys()) if (slot < this.#newest - slots) this.#spent.delete(slot)
  }

  entries(): [number, number][] {
    return [...this.#spent].filter(([, amount]) => amount > 0).sort(([one], [other]) => one - other)
  }

  get spent(): number {
    return this.#sum(this.#newest)
  }

  #sum(newest: number, givenBack?: ReadonlyMap<number, number>): number {
    let sum = 0
    for (const [slot, amount] of this.#spent)
      if (slot >= newest - slots) sum += amount - (givenBack?.get(slot) ?? 0)
    return sum
  }

  add(amount: number, slot = this.#newest): void {
    if (slot < this.#newest - slots) return
    const before = this.#spent.get(slot) ?? 0
    this.#spent.set(slot, Math.max(0, before + amount))
  }

  fit(total: number): void {
    if (total > this.spent) this.add(total - this.spent)
    for (const [slot, amount] of this.entries().reverse())
      if (this.spent > total) this.add(-Math.min(amount, this.spent - total), slot)
  }

  spentBy(at: number, givenBack?: ReadonlyMap<number, number>): number {
    return this.#sum(Math.max(this.#newest, Math.floor(at / slotMs)), givenBack)
  }

  timeUntil(allowed: number, now: number, givenBack?: ReadonlyMap<number, number>): number {
    if (this.#sum(this.#newest, givenBack) <= allowed) return 0
    for (let slot = this.#newest - slots; slot <= this.#newest; slot++)
      if (this.#sum(slot + slots + 1, givenBack) <= allowed) return (slot + slots + 1) * slotMs - now
    return windowMs
  }
}

const gap = fc.oneof(fc.nat(150), fc.nat(3_000), fc.nat(40_000), fc.constant(60_000), fc.constant(60_100))
const step = fc.record({
  gap,
  what: fc.constantFrom('spend', 'spend', 'spend', 'correct', 'fit', 'set back'),
  amount: fc.integer({ min: -60, max: 60 }),
  which: fc.nat(20),
  ahead: fc.oneof(gap, fc.integer({ min: 59_700, max: 60_300 })),
  allowed: fc.integer({ min: -1, max: 120 }),
})

it('counts as a list of all that was spent would, whatever is spent, corrected and asked', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const window = new SlidingWindow(windowMs)
      const plain = new PlainWindow()
      const used: number[] = []
      let now = 0
      for (const { gap, what, amount, which, ahead, allowed } of steps) {
        now = Math.max(0, what === 'set back' ? now - gap : now + gap)
        plain.advance(now)
        // What is asked next moves the window on by itself, whichever that is.
        const questions = [
          () => expect(window.spent(now)).toBe(plain.spent),
          () => expect(window.entries(now)).toEqual(plain.entries()),
          () => expect(window.timeUntil(allowed, now)).toBe(plain.timeUntil(allowed, now)),
          () => expect(window.spentBy(now + ahead, now)).toBe(plain.spentBy(now + ahead)),
        ]
        questions[which % questions.length]?.()
        if (what === 'correct' && used.length > 0) {
          const slot = used[which % used.length] as number
          window.correct(slot, amount, now)
          plain.add(amount, slot)
        } else if (what === 'fit') {
          window.fit(Math.abs(amount), now)
          plain.fit(Math.abs(amount))
        } else if (what === 'spend') {
          used.unshift(window.spend(Math.abs(amount), now))
          plain.add(Math.abs(amount))
        }
        for (const question of questions) question()
        // Calls in flight may give back a part of each slot, and of slots that have left the window, whatever they had.
        const givenBack = new Map(plain.entries().map(([slot, spent]) => [slot, Math.min(spent, which)]))
        givenBack.set(Math.floor(now / slotMs) - slots - 1 - which, 50)
        expect(window.timeUntil(allowed, now, givenBack)).toBe(plain.timeUntil(allowed, now, givenBack))
        expect(window.spentBy(now + ahead, now, givenBack)).toBe(plain.spentBy(now + ahead, givenBack))
      }
    }),
  )
})

it('fits, corrects and spends at a time when nobody has asked before', () => {
  const moved = (): SlidingWindow => {
    const window = new SlidingWindow(windowMs)
    window.spend(10, 0)
    return window
  }
  const [fitted, corrected, spent] = [moved(), moved(), moved()]
  fitted.fit(4, 60_100)
  corrected.correct(0, 5, 60_100)
  spent.spend(5, 60_100)
  expect([fitted, corrected, spent].map((window) => window.entries(60_100))).toEqual([
    [[601, 4]],
    [],
    [[601, 5]],
  ])
})

it('tells whether what is spent now still counts then', () => {
  const window = new SlidingWindow(windowMs)
  expect([1_000, 60_050, 60_099, 60_100].map((at) => window.lasts(50, at))).toEqual([true, true, true, false])
})
