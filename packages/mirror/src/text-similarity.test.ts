import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textSimilarity } from './text-similarity.ts'

describe('the similarity of two texts', () => {
  it.each<[string, string, number]>([
    ['The dam is full.', 'The dam is full.', 1],
    ['The dam is full.', 'the DAM, is full', 1],
    ['yes', 'Yes.', 1],
    ['yes', 'no', 0],
    ['water', '', 0],
    // ^the, the dam, dam is, is full, full$ against ^the, the dam, dam was, was full, full$: three of five in common.
    ['the dam is full', 'the dam was full', 0.6],
    // A pair that comes twice counts twice: ^a, a a, a a, a$ against ^a, a a, a$.
    ['a a a', 'a a', (2 * 3) / (4 + 3)],
    // The same words in another order.
    ['water flows down', 'down flows water', 0],
    ['水が流れる', '水が流れた', (2 * 4) / 12],
    ['水', '水', 1],
    ['Überlauf läuft', 'überlauf läuft', 1],
  ])('of %j and %j is %d', (a, b, expected) => {
    expect(textSimilarity(a, b)).toBeCloseTo(expected, 10)
  })

  it.each([
    ['', ''],
    [' \n', '...'],
  ])('of %j and %j, which have no words, is unknown', (a, b) => {
    expect(textSimilarity(a, b)).toBeUndefined()
  })

  it('is symmetric, from 0 to 1, and 1 for a text and itself', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'water', '水', '.')).map((list) => list.join(' '))
    fc.assert(
      fc.property(text, text, (a, b) => {
        const similarity = textSimilarity(a, b)
        expect(textSimilarity(b, a)).toBe(similarity)
        if (similarity !== undefined) {
          expect(similarity).toBeGreaterThanOrEqual(0)
          expect(similarity).toBeLessThanOrEqual(1)
        }
        expect(textSimilarity(a, a) ?? 1).toBe(1)
      }),
    )
  })

  it('looks at the beginning of long texts alone', () => {
    const long = 'water flows '.repeat(100_000)
    expect(textSimilarity(`${long} and ends`, `${long} and never ends`)).toBe(1)
  })
})
