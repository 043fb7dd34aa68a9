import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ExponentialOptions, exponential, type Jitter } from './backoff.ts'
import { tenacity } from './presets.ts'

const plain: ExponentialOptions = {
  baseDelay: 1_000,
  maxDelay: Infinity,
  multiplier: 2,
  minDelay: 0,
  jitter: 'none',
}

/** The waits before the first retries, in seconds. */
function seconds(
  options: Partial<ExponentialOptions>,
  retries: number,
  random: () => number = () => 1,
): number[] {
  const backoff = exponential({ ...plain, ...options })
  let previous = 0
  return Array.from({ length: retries }, (_, index) => {
    previous = backoff({ retry: index + 1, previous, random })
    return previous / 1000
  })
}

/** Cases of tenacity's own tests of `wait_exponential`. */
describe('waits as tenacity does', () => {
  it.each([
    ['without bounds', {}, [1, 2, 4, 8, 16, 32, 64, 128]],
    ['with a maximum', { maxDelay: 50_000 }, [1, 2, 4, 8, 16, 32, 50, 50]],
    ['with a minimum', { minDelay: 20_000 }, [20, 20, 20, 20, 20, 32, 64, 128]],
    [
      'with a minimum and a maximum',
      { minDelay: 20_000, maxDelay: 50_000 },
      [20, 20, 20, 20, 20, 32, 50, 50],
    ],
    ['with a multiplier', { baseDelay: 2_000 }, [2, 4, 8, 16, 32, 64, 128, 256]],
    ['with another base', { multiplier: 3 }, [1, 3, 9, 27, 81]],
  ] as const)('%s', (_name, options, expected) => {
    expect(seconds(options, expected.length)).toEqual(expected)
  })

  it('in the preset: 2, 2, 4, 8, 10, 10 s', () => {
    expect(seconds(tenacity as Partial<ExponentialOptions>, 6)).toEqual([2, 2, 4, 8, 10, 10])
  })

  it('and does not overflow after a thousand retries', () => {
    const backoff = exponential({ ...plain, maxDelay: 60_000 })
    expect(backoff({ retry: 5_000, previous: 60_000, random: () => 0.5 })).toBe(60_000)
    expect(exponential({ ...plain, baseDelay: 0 })({ retry: 5_000, previous: 0, random: () => 0.5 })).toBe(0)
  })
})

describe('jitter', () => {
  it('full: anywhere from nothing to the whole wait', () => {
    expect(seconds({ jitter: 'full' }, 4, () => 0)).toEqual([0, 0, 0, 0])
    expect(seconds({ jitter: 'full' }, 4, () => 0.5)).toEqual([0.5, 1, 2, 4])
  })

  it('equal: at least half of the wait', () => {
    expect(seconds({ jitter: 'equal' }, 3, () => 0)).toEqual([0.5, 1, 2])
    expect(seconds({ jitter: 'equal' }, 3, () => 1)).toEqual([1, 2, 4])
  })

  it('decorrelated: from the base to three times the previous wait', () => {
    expect(seconds({ jitter: 'decorrelated' }, 4, () => 0)).toEqual([1, 1, 1, 1])
    expect(seconds({ jitter: 'decorrelated', maxDelay: 20_000 }, 4, () => 1)).toEqual([1, 3, 9, 20])
  })

  it('of any kind stays within the bounds', () => {
    const jitters: Jitter[] = ['full', 'equal', 'decorrelated', 'none']
    fc.assert(
      fc.property(
        fc.constantFrom(...jitters),
        fc.nat(60_000),
        fc.nat(60_000),
        fc.nat(60_000),
        fc.double({ min: 1, max: 10, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
          minLength: 1,
          maxLength: 50,
        }),
        (jitter, baseDelay, a, b, multiplier, chances) => {
          const [minDelay, maxDelay] = [Math.min(a, b), Math.max(a, b)]
          const backoff = exponential({ baseDelay, minDelay, maxDelay, multiplier, jitter })
          let previous = 0
          chances.forEach((chance, index) => {
            previous = backoff({ retry: index + 1, previous, random: () => chance })
            expect(previous).toBeGreaterThanOrEqual(minDelay)
            expect(previous).toBeLessThanOrEqual(maxDelay)
          })
        },
      ),
    )
  })
})
