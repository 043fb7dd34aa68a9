import fc from 'fast-check'
import { expect, it } from 'vitest'
import { GrowingBuffer } from './growing-buffer.ts'

function joined(pieces: readonly Buffer[], expected: number | undefined, ownsPieces = false): Buffer {
  const buffer = new GrowingBuffer(expected, ownsPieces)
  const length = pieces.reduce((sum, each) => sum + each.length, 0)
  for (const piece of pieces) buffer.push(piece)
  expect(buffer.length).toBe(length)
  return buffer.take()
}

it('all pieces come out in one, whatever was announced', () => {
  const pieces = fc.array(
    fc.uint8Array({ maxLength: 40_000 }).map((bytes) => Buffer.from(bytes)),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(
      pieces,
      fc.option(fc.nat(100_000), { nil: undefined }),
      fc.boolean(),
      fc.boolean(),
      (all, announced, right, owns) => {
        const bytes = Buffer.concat(all)
        expect(joined(all, right ? bytes.length : announced, owns).equals(bytes)).toBe(true)
      },
    ),
  )
})

it('a body that comes in one piece is not copied', () => {
  const piece = Buffer.from('{"model":"m"}')
  expect(joined([piece], piece.length).buffer).toBe(piece.buffer)
})

it('memory is taken for what has arrived, not for what was announced or for the number of pieces', () => {
  const one = Buffer.from('x')
  expect(joined([one], 32_000_000).buffer.byteLength).toBeLessThanOrEqual(65_536)
  const many = joined(
    Array.from({ length: 100_000 }, () => one),
    undefined,
  )
  expect(many).toHaveLength(100_000)
  expect(many.buffer.byteLength).toBeLessThan(150_000)
  const announced = joined(
    Array.from({ length: 100_000 }, () => one),
    100_000,
  )
  expect(announced.buffer.byteLength).toBe(100_000)
})

it('pieces of its own are given back as soon as they are copied, and parts of what is larger never', () => {
  const pieceOf = (length: number): Buffer => Buffer.allocUnsafeSlow(length).fill('x')
  const shared = pieceOf(40_000)
  const pieces = [pieceOf(20_000), pieceOf(20_000), shared.subarray(0, 20_000), pieceOf(100)]
  const bytes = Buffer.concat(pieces)
  expect(joined(pieces, bytes.length).equals(bytes)).toBe(true)
  expect(pieces.map(({ length }) => length)).toEqual([20_000, 20_000, 20_000, 100])
  expect(joined(pieces, bytes.length, true).equals(bytes)).toBe(true)
  expect(pieces.map(({ length }) => length)).toEqual([0, 0, 20_000, 100])
  const only = pieceOf(20_000)
  expect(joined([only], undefined, true)).toHaveLength(20_000)
})
