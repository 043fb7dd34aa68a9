import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SlidingWindow } from './sliding-window.ts'

/** Admits as much as a limit allows, at the given times; returns when. */
function admit(limit: number, offers: readonly number[]): number[] {
  const window = new SlidingWindow(60_000)
  return offers.filter((now) => {
    if (window.spent(now) + 1 > limit) return false
    window.spend(1, now)
    return true
  })
}

/** The most that any window of 60 s holds, wherever it begins. */
function most(times: readonly number[]): number {
  let largest = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] as number) - (times[first] as number) >= 60_000) first++
    largest = Math.max(largest, last - first + 1)
  }
  return largest
}

describe('a limit of N a minute', () => {
  it('is never exceeded in any window, however calls arrive', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.oneof(fc.nat(50), fc.nat(30_000)), { minLength: 1, maxLength: 600 }),
        (limit, gaps) => {
          let now = 0
          const offers = gaps.map((gap) => {
            now += gap
            return now
          })
          expect(most(admit(limit, offers))).toBeLessThanOrEqual(limit)
        },
      ),
    )
  })

  it.each([1, 7, 60, 600, 4_000])(
    'lets at least 0.98 N through under sustained load, from the first minute (%i)',
    (limit) => {
      const perMinute = limit * 5
      const offers = Array.from({ length: perMinute * 5 }, (_, index) => (index * 60_000) / perMinute)
      const admitted = admit(limit, offers)
      for (let minute = 1; minute <= 5; minute++) {
        const until = admitted.filter((at) => at < minute * 60_000).length
        expect(until).toBeGreaterThanOrEqual(Math.floor(0.98 * limit * minute))
      }
      expect(most(admitted)).toBeLessThanOrEqual(limit)
    },
  )

  it('admits a burst up to it at once', () => {
    expect(admit(50, Array(80).fill(1_000))).toHaveLength(50)
  })
})

describe('a correction', () => {
  it('gives back what was not needed, and takes what was', () => {
    const window = new SlidingWindow(60_000)
    const slot = window.spend(100, 1_000)
    window.correct(slot, -70, 5_000)
    expect(window.spent(5_000)).toBe(30)
    window.correct(slot, 20, 6_000)
    expect([window.spent(6_000), window.spent(61_200)]).toEqual([50, 0])
  })

  it('that comes after the window has passed changes nothing', () => {
    const window = new SlidingWindow(60_000)
    const slot = window.spend(100, 0)
    window.correct(slot, -100, 200_000)
    window.correct(slot, 500, 200_000)
    expect(window.spent(200_000)).toBe(0)
  })
})

it('tells when there will be room, and there is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(5_000), fc.integer({ min: 1, max: 100 })), { minLength: 1, maxLength: 100 }),
      fc.nat(2_000),
      (spendings, allowed) => {
        const window = new SlidingWindow(60_000)
        let now = 0
        for (const [gap, amount] of spendings) {
          now += gap
          window.spend(amount, now)
        }
        const wait = window.timeUntil(allowed, now)
        if (wait > 0) expect(window.spent(now + wait - 1)).toBeGreaterThan(allowed)
        expect(window.spent(now + wait + 0.001)).toBeLessThanOrEqual(allowed)
      },
    ),
  )
})

it('can spend until a given moment', () => {
  const window = new SlidingWindow(60_000)
  window.spendUntil(10, 50_000, 30_000)
  expect([window.spent(49_000), window.spent(50_100)]).toEqual([10, 0])
})

it('forgets everything after a long silence', () => {
  const window = new SlidingWindow(60_000)
  window.spend(10, 0)
  expect(window.spent(10_000_000)).toBe(0)
})
