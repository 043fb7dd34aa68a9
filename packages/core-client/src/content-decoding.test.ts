import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Decoding, startDecoding, undecodable } from './content-decoding.ts'

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A decoding whose output is counted. */
function counted(onData: (decoding: Decoding, bytes: number) => void = () => {}) {
  const seen = { bytes: 0, ended: false, error: undefined as unknown }
  const decoding = startDecoding('gzip', {
    data: (chunk) => {
      seen.bytes += chunk.length
      onData(decoding, seen.bytes)
    },
    end: () => {
      seen.ended = true
    },
    error: (error) => {
      seen.error = error
    },
  }) as Decoding
  return { seen, decoding }
}

const large = 50_000_000
const bomb = gzipSync(Buffer.alloc(large))

describe('a body that is much more than its bytes', () => {
  it('stands still while nobody takes it, and goes on from there', async () => {
    const { seen, decoding } = counted((own, bytes) => {
      if (bytes < 100_000) own.pause()
    })
    decoding.write(bomb)
    decoding.end()
    await turns(20)
    const waiting = seen.bytes
    expect(waiting).toBeLessThan(100_000)
    await turns(20)
    expect(seen.bytes).toBe(waiting)
    while (!seen.ended) {
      decoding.resume()
      await turns(1)
    }
    expect(seen.bytes).toBe(large)
  })

  it('ends with its first bytes where these are too many already', async () => {
    const { seen, decoding } = counted((own) => own.destroy())
    decoding.write(bomb)
    await turns(20)
    expect(seen.bytes).toBeLessThan(100_000)
    expect(seen).toMatchObject({ ended: false, error: undefined })
  })
})

it.each([
  ['is none of the encoding', Buffer.from('no gzip'), true],
  ['is cut short', gzipSync('a'.repeat(1_000)).subarray(0, 20), true],
  ['is whole', gzipSync('a'), false],
])('a body that %s fails with a code where it must', async (_what, bytes, fails) => {
  const { seen, decoding } = counted()
  decoding.write(bytes)
  decoding.end()
  await turns(20)
  expect(seen.ended).toBe(!fails)
  if (fails) expect(seen.error).toMatchObject({ code: undecodable })
})
