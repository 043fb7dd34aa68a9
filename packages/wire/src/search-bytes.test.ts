import fc from 'fast-check'
import { expect, it } from 'vitest'
import { indexIn } from './search-bytes.ts'

it('finds what Buffer finds, in short and in long bytes, and nothing outside of its borders', () => {
  // Few letters, so that a needle nearly occurs again and again.
  const text = (most: number) => fc.string({ unit: fc.constantFrom('a', 'b', '"', ':'), maxLength: most })
  fc.assert(
    fc.property(
      text(40),
      text(7).filter((needle) => needle !== ''),
      fc.nat(40),
      fc.nat(40),
      fc.constantFrom(0, 600),
      (around, needle, start, length, padding) => {
        const bytes = Buffer.from(`${needle}${around}${'b'.repeat(padding)}${around}${needle}`)
        const from = Math.min(start, bytes.length)
        const end = Math.min(bytes.length, from + padding + length)
        const found = bytes.subarray(from, end).indexOf(needle)
        expect(indexIn(bytes, Buffer.from(needle), from, end)).toBe(found < 0 ? -1 : from + found)
      },
    ),
  )
})

it('a needle may be longer than a byte counts', () => {
  const needle = Buffer.from(`x${'a'.repeat(300)}`)
  const bytes = Buffer.from(`y${'a'.repeat(300)}${needle}`)
  expect(indexIn(bytes.subarray(100), needle, 0, bytes.length - 100)).toBe(201)
  expect(indexIn(bytes, needle, 200, bytes.length)).toBe(301)
})
