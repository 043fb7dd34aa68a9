import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stopFilter } from './stop-filter.ts'

function run(
  pieces: readonly string[],
  stops: readonly string[],
): { text: string; found: string | undefined } {
  let text = ''
  const filter = stopFilter(stops, (piece) => {
    text += piece
  })
  let found: string | undefined
  for (const piece of pieces) found ??= filter.push(piece)
  filter.end()
  return { text, found }
}

describe('stop sequences', () => {
  it('are found across pieces, and held back until they cannot come any more', () => {
    const passed: string[] = []
    const filter = stopFilter(['###'], (piece) => passed.push(piece))
    filter.push('a#')
    filter.push('#')
    expect(passed).toEqual(['a'])
    filter.push('b#')
    expect(passed).toEqual(['a', '##b'])
    expect(filter.push('##c')).toBe('###')
    filter.end()
    expect(passed).toEqual(['a', '##b'])
  })

  it('the earliest wins, and empty ones never match', () => {
    expect(run(['one two three'], ['', 'three', 'two'])).toEqual({ text: 'one ', found: 'two' })
    expect(run(['one'], [''])).toEqual({ text: 'one', found: undefined })
  })

  it('do not depend on how the text is cut into pieces', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 1 }), {
      maxLength: 2,
    })
    const longer = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 2, maxLength: 4 }), {
      maxLength: 1,
    })
    fc.assert(
      fc.property(fc.array(letters), fc.oneof(stops, longer), (pieces, sequences) => {
        expect(run(pieces, sequences)).toEqual(run([pieces.join('')], sequences))
      }),
    )
  })
})
