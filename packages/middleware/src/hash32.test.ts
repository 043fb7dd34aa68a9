import { expect, it } from 'vitest'
import { hash32, mix32 } from './hash32.ts'

it('gives signed integers of 32 bits, spread over all of them, and hardly the same one twice', () => {
  const hashes = Array.from({ length: 20_000 }, (_, index) => hash32(`key-${index}`))
  expect(hashes.every((hash) => hash === (hash | 0))).toBe(true)
  expect(new Set(hashes).size).toBeGreaterThan(19_995)
  for (const bit of [0, 7, 16, 31])
    expect(hashes.filter((hash) => ((hash >>> bit) & 1) === 1).length / hashes.length).toBeCloseTo(1 / 2, 1.5)
})

it('stays what it is: the homes of conversations follow from it, in each process and release', () => {
  expect(['', 'a', 'key-1', 'Grüße'].map(hash32)).toMatchInlineSnapshot(`
    [
      -1421968373,
      444641715,
      1675941015,
      837503086,
    ]
  `)
  expect(mix32(1)).toMatchInlineSnapshot(`1364076727`)
})
