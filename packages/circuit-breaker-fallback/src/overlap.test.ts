import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OverlapFilter, overlapOf } from './overlap.ts'

/** What comes out when `after` arrives in pieces of so many characters. */
function filtered(before: string, after: string, size = 3): string {
  const filter = new OverlapFilter(before)
  let text = ''
  for (let start = 0; start < after.length; start += size)
    text += filter.push(after.slice(start, start + size))
  return text + filter.flush()
}

const before = 'A spillway carries water safely around a dam that is full, so that'

describe('a continuation', () => {
  it.each([
    ['that repeats nothing passes', ' nobody drowns.', ' nobody drowns.'],
    ['that repeats the last words loses them', 'dam that is full, so that nobody drowns.', ' nobody drowns.'],
    ['that repeats everything loses it all', `${before} nobody drowns.`, ' nobody drowns.'],
    ['that only repeats is empty', 'that is full, so that', ''],
    ['keeps a short likeness, which is chance', 'that nobody', 'that nobody'],
    ['that begins like the text and turns away is kept whole', 'A spillway is', 'A spillway is'],
  ])('%s', (_name, after, expected) => {
    for (const size of [1, 2, 5, 100]) expect(filtered(before, after, size)).toBe(expected)
  })

  it('has no white space twice at the seam', () => {
    expect(filtered('so that ', ' nobody')).toBe('nobody')
    expect(filtered('so that', ' nobody')).toBe(' nobody')
  })

  it('comes out as soon as it cannot be a repetition', () => {
    const filter = new OverlapFilter(before)
    expect(filter.push('xyz')).toBe('xyz')
    expect(filter.push('A spillway')).toBe('A spillway')
  })

  it('loses exactly the overlap, in any pieces', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 60 }),
        fc.string({ maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (text, after, size) => {
          expect(filtered(text, after, size)).toBe(after.slice(overlapOf(text, after)))
        },
      ),
    )
  })
})

it('is found in time, whatever two upstreams say', { retry: 2 }, () => {
  const begun = performance.now()
  const same = 'a'.repeat(1_000_000)
  expect(overlapOf(`${same}b`, `${same}c`)).toBe(0)
  expect(filtered(`${same}b`, `${same}c`, 10)).toBe(`${same}c`)
  expect(filtered(`${'ab'.repeat(500_000)}c`, 'ab'.repeat(600_000), 10)).toBe('ab'.repeat(600_000))
  expect(performance.now() - begun).toBeLessThan(3_000)
})
