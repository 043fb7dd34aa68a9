import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Latencies } from './latencies.ts'

/** What was added last, at times 0, 1, 2, …, by the book. */
function expected(added: readonly number[], size: number, share: number, least: number, since: number) {
  const recent = added
    .map((value, time) => ({ value, time }))
    .slice(-size)
    .filter(({ time }) => time >= since)
    .map(({ value }) => value)
    .sort((a, b) => a - b)
  if (recent.length === 0 || recent.length < least) return undefined
  return recent[Math.max(0, Math.ceil(share * recent.length) - 1)]
}

describe('the quantiles of latencies', () => {
  it('are those of the last ones, whenever they are asked for', () => {
    const step = fc.record({
      value: fc.nat(20),
      asks: fc.boolean(),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      least: fc.nat(3),
      age: fc.oneof(fc.constant(Infinity), fc.nat(12)),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 40 }), (size, steps) => {
        const latencies = new Latencies(size)
        const added: number[] = []
        for (const { value, asks, share, least, age } of steps) {
          latencies.add(value, added.length)
          added.push(value)
          const since = added.length - 1 - age
          if (asks)
            expect(latencies.quantile(share, least, since)).toBe(expected(added, size, share, least, since))
        }
      }),
    )
  })

  it('are of nothing that was cleared', () => {
    const latencies = new Latencies(4)
    for (const value of [1, 2, 3]) latencies.add(value, 0)
    expect(latencies.quantile(0.5, 1)).toBe(2)
    latencies.clear()
    expect(latencies.quantile(0.5, 1)).toBeUndefined()
    latencies.add(7, 1)
    expect(latencies.quantile(0.5, 1)).toBe(7)
  })
})
