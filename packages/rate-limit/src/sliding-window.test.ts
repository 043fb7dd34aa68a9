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

it('corrects a slot for as long as it counts, and not the one that has its place afterwards', () => {
  const window = new SlidingWindow(60_000)
  const slot = window.spend(10, 0)
  window.correct(slot, -4, 60_000)
  expect(window.spent(60_000)).toBe(6)
  window.spend(7, 60_100)
  window.correct(slot, 5, 60_100)
  window.correct(slot, -5, 60_100)
  expect(window.spent(60_100)).toBe(7)
})

it('a clock that is set back gives nothing back', () => {
  const window = new SlidingWindow(60_000)
  window.spend(10, 50_000)
  window.spend(5, 20_000)
  expect([20_000, 50_000, 110_000, 110_100].map((now) => window.spent(now))).toEqual([15, 15, 15, 0])
})

it('has capacity at once for what is exactly free', () => {
  const window = new SlidingWindow(60_000)
  window.spend(10, 0)
  expect([window.timeUntil(10, 0), window.timeUntil(9, 0)]).toEqual([0, 60_100])
})

it('is empty when all has left it, whatever fractions were spent', () => {
  const window = new SlidingWindow(60_000)
  for (const [index, amount] of [0.1, 0.2, 0.3].entries()) window.spend(amount, index * 100)
  expect(window.spent(60_100)).toBeCloseTo(0.5)
  expect(window.spent(60_300)).toBe(0)
})

it('is empty when all of many fractions has left it', () => {
  const window = new SlidingWindow(60_000)
  for (let index = 0; index < 50; index++) window.spend(0.1 + index / 7, index * 100)
  expect(window.spent(60_000)).toBeGreaterThan(0)
  for (let index = 1; index < 50; index++) window.spent(60_000 + index * 100)
  expect([window.spent(65_000), window.timeUntil(0, 65_000)]).toEqual([0, 0])
})

describe('a total that others know', () => {
  const spentBefore = (): SlidingWindow => {
    const window = new SlidingWindow(60_000)
    window.spend(10, 0)
    window.spend(20, 1_000)
    return window
  }
  const seen = (window: SlidingWindow): number[] => [1_000, 60_100, 61_100].map((now) => window.spent(now))

  it.each([
    [50, [50, 40, 0]],
    [30, [30, 20, 0]],
    [15, [15, 5, 0]],
    [4, [4, 0, 0]],
    [0, [0, 0, 0]],
  ])('of %i: what is missing is spent now, what is too much was not spent lately', (total, expected) => {
    const window = spentBefore()
    window.fit(total, 1_000)
    expect(seen(window)).toEqual(expected)
  })

  it('reaches back to the oldest slot that counts', () => {
    const window = new SlidingWindow(60_000)
    window.spend(10, 0)
    window.fit(3, 60_000)
    expect([window.spent(60_000), window.spent(60_100)]).toEqual([3, 0])
  })

  it('can be told slot by slot, the oldest first', () => {
    const window = spentBefore()
    expect(window.entries(1_000)).toEqual([
      [0, 10],
      [10, 20],
    ])
    expect(window.entries(60_000)[0]).toEqual([0, 10])
    expect(window.entries(60_100)).toEqual([[10, 20]])
    expect([window.slotAt(999), window.slotAt(1_000)]).toEqual([9, 10])
  })
})

it('forgets everything after a long silence', () => {
  const window = new SlidingWindow(60_000)
  window.spend(10, 0)
  expect(window.spent(10_000_000)).toBe(0)
})

it('does so at once, however long the silence was and however much came before it', () => {
  const window = new SlidingWindow(60_000)
  for (let slot = 0; slot < 20; slot++) window.spend(10, slot * 100)
  expect(window.spent(1e13)).toBe(0)
})
