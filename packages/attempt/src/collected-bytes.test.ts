import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CollectedBytes } from './collected-bytes.ts'

it('are what came, in whatever pieces', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 10 }),
    fc.nat(20_000).map((length) => new Uint8Array(length).fill(length)),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const collected = new CollectedBytes()
      for (const each of pieces) collected.push(each)
      expect(Buffer.from(collected.take()).equals(Buffer.concat(pieces))).toBe(true)
      expect(collected.take()).toHaveLength(0)
    }),
  )
})

it('are the very piece where there is only one', () => {
  const piece = Buffer.from('a')
  const collected = new CollectedBytes()
  collected.push(piece)
  expect(collected.take()).toBe(piece)
})

it('take little more than themselves, though they come one by one', () => {
  const collected = new CollectedBytes()
  const before = process.memoryUsage()
  const chunk = Buffer.alloc(65_536)
  for (let byte = 0; byte < 4_000_000; byte++)
    collected.push(chunk.subarray(byte % 65_536, (byte % 65_536) + 1))
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  expect(collected.take()).toHaveLength(4_000_000)
  // Views of one byte each would take 400 MB.
  expect(arrayBuffers - before.arrayBuffers + heapUsed - before.heapUsed).toBeLessThan(150_000_000)
})
