import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AdaptiveConcurrencyOptions, Gradient } from './gradient.ts'

/** Goes through rounds with as many calls under way as the limit lets, each `firstContentMs(calls)` long. */
function run(
  gradient: Gradient,
  firstContentMs: (calls: number) => number | undefined,
  { rounds = 100, from = 0 } = {},
): { limits: number[]; now: number } {
  const limits: number[] = []
  let now = from
  for (let round = 0; round < rounds; round++) {
    const inFlight = gradient.limit
    const ms = firstContentMs(inFlight)
    for (let call = 0; call < Math.max(10, inFlight); call++) {
      gradient.sample({ admittedAt: now, inFlight, firstContentMs: ms }, now + 1_000)
    }
    now += 1_000
    limits.push(gradient.limit)
  }
  return { limits, now }
}

/** An upstream with `places`: whoever has none waits until one of those that generate for 5 s has ended. */
const withPlaces =
  (places: number, unloaded = 500) =>
  (calls: number): number =>
    unloaded + (Math.max(0, calls - places) / places) * 5_000

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value) / values.length

describe('the limit', () => {
  it('is a number where first tokens come in no time', () => {
    const gradient = new Gradient({ initial: 20 })
    for (let call = 0; call < 200; call++)
      gradient.sample({ admittedAt: 0, inFlight: 20, firstContentMs: 0 }, 0)
    expect(gradient.limit).toBeGreaterThan(20)
  })

  it('stays within its bounds, whatever the samples', () => {
    const options = fc.record({
      min: fc.integer({ min: 1, max: 20 }),
      more: fc.integer({ min: 0, max: 200 }),
    })
    const step = fc.record({
      ms: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
      isDrop: fc.boolean(),
      calls: fc.integer({ min: 1, max: 30 }),
      after: fc.integer({ min: 0, max: 100_000 }),
      load: fc.double({ min: 0, max: 2, noNaN: true }),
    })
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 100 }), ({ min, more }, steps) => {
        const max = min + more
        const gradient = new Gradient({ initial: max, min, max })
        let now = 0
        for (const { ms, isDrop, calls, after, load } of steps) {
          now += after
          const inFlight = Math.ceil(gradient.limit * load)
          for (let call = 0; call < calls; call++) {
            if (isDrop) gradient.drop(now, now)
            else gradient.sample({ admittedAt: now, inFlight, firstContentMs: ms }, now)
          }
          expect(gradient.limit).toBeGreaterThanOrEqual(min)
          expect(gradient.limit).toBeLessThanOrEqual(max)
          expect(Number.isInteger(gradient.limit)).toBe(true)
        }
      }),
    )
  })

  it.each([4, 10, 40, 120])('settles where the first token begins to take longer: %d places', (places) => {
    const { limits } = run(new Gradient(), withPlaces(places), { rounds: 400 })
    const settled = average(limits.slice(-100))
    expect(settled).toBeGreaterThan(0.8 * places)
    expect(settled).toBeLessThan(1.25 * places + 1)
  })

  it('shrinks when the first token takes longer under load, and grows back afterwards', () => {
    const gradient = new Gradient()
    const before = run(gradient, withPlaces(50))
    const during = run(gradient, withPlaces(10), { from: before.now })
    const after = run(gradient, withPlaces(50), { from: during.now })
    expect(average(before.limits.slice(-30))).toBeGreaterThan(40)
    expect(average(during.limits.slice(-30))).toBeLessThan(14)
    expect(average(after.limits.slice(-30))).toBeGreaterThan(40)
  })

  it('does not take overload for normal where it lasts', () => {
    const { limits } = run(new Gradient(), withPlaces(10), { rounds: 3_000 })
    expect(Math.max(...limits.slice(-1_000))).toBeLessThan(16)
  })

  it('gets over an upstream that has become slower for all loads', () => {
    const gradient = new Gradient()
    const before = run(gradient, withPlaces(50))
    const after = run(gradient, withPlaces(50, 2_000), { rounds: 300, from: before.now })
    expect(average(after.limits.slice(-30))).toBeGreaterThan(40)
  })

  it('grows without a time to learn from, up to its bound', () => {
    expect(run(new Gradient({ max: 64 }), () => undefined).limits.at(-1)).toBe(64)
  })

  it('does not move while less than half of it is in use', () => {
    const gradient = new Gradient({ initial: 20 })
    for (let call = 0; call < 500; call++) {
      gradient.sample({ admittedAt: call, inFlight: 5, firstContentMs: 100 + call }, call)
    }
    expect(gradient.limit).toBe(20)
  })

  it('halves for a round, to measure, when the unloaded time is old', () => {
    const gradient = new Gradient({ initial: 40, max: 40, measureEvery: 30_000 })
    // An unloaded time that no loaded round reaches again.
    run(gradient, () => 100, { rounds: 1 })
    const { limits } = run(gradient, (calls) => 100 + calls / 100, { rounds: 90, from: 1_000 })
    const halved = limits.filter((limit) => limit <= 20)
    expect(halved.length).toBeGreaterThanOrEqual(2)
    expect(halved.length).toBeLessThanOrEqual(3)
  })
})

describe('a sign of overload', () => {
  it('takes a fifth of the limit', () => {
    const gradient = new Gradient({ initial: 100 })
    gradient.drop(5, 10)
    expect(gradient.limit).toBe(80)
  })

  it('counts once for all calls that were under way then', () => {
    const gradient = new Gradient({ initial: 100 })
    for (let call = 0; call < 50; call++) gradient.drop(call, 100 + call)
    expect(gradient.limit).toBe(80)
    gradient.drop(200, 300)
    expect(gradient.limit).toBe(64)
  })

  it('makes nothing of calls that were admitted before it', () => {
    const gradient = new Gradient({ initial: 20 })
    gradient.drop(0, 10)
    for (let call = 0; call < 100; call++) {
      gradient.sample({ admittedAt: 9, inFlight: 20, firstContentMs: 1 }, 50)
    }
    expect(gradient.limit).toBe(16)
  })
})

it.each<AdaptiveConcurrencyOptions>([
  { min: 0 },
  { max: 0 },
  { max: Infinity },
  { initial: 500 },
  { min: 30, max: 40 },
  { tolerance: 0.9 },
  { measureEvery: Number.NaN },
])('refuses %o', (options) => {
  expect(() => new Gradient(options)).toThrow(/^rateLimit\.adaptiveConcurrency\.\w+ must be/)
})
