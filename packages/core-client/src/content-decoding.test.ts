import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Decoding, startDecoding, undecodable } from './content-decoding.ts'

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A decoding whose output is counted. */
function counted(
  onData: (decoding: Decoding, bytes: number) => void = () => {},
  encoding: string | undefined = 'gzip',
) {
  const seen = { bytes: 0, ended: false, error: undefined as unknown }
  const decoding = startDecoding(encoding, {
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
/** A stage of its own makes 50 MB of a few hundred bytes; what comes of it must not wait in front of the next. */
const bombs: readonly [encoding: string, body: Buffer][] = [
  ['gzip', bomb],
  ['gzip, gzip', gzipSync(bomb)],
  ['deflate, gzip', gzipSync(deflateRawSync(Buffer.alloc(large)))],
]

it.each([
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['deflate, br', (bytes: Buffer) => brotliCompressSync(deflateRawSync(bytes))],
  ['br, gzip, gzip', (bytes: Buffer) => gzipSync(gzipSync(brotliCompressSync(bytes)))],
])('comes out as it was, in whatever pieces, of %s', async (encoding, encode) => {
  const whole = Buffer.from('Dams leak. '.repeat(2_000))
  for (const size of [1, 7, 100_000]) {
    const chunks: Uint8Array[] = []
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const decoding = startDecoding(encoding, {
      data: (chunk) => chunks.push(chunk),
      end: resolve,
      error: reject,
    }) as Decoding
    const bytes = encode(whole)
    decoding.write(new Uint8Array(0))
    for (let at = 0; at < bytes.length; at += size) decoding.write(bytes.subarray(at, at + size))
    decoding.end()
    await promise
    expect(Buffer.concat(chunks).equals(whole)).toBe(true)
  }
})

it.each(['gzip', 'gzip, br', 'identity'])('an empty body of %s is empty', async (encoding) => {
  const { seen, decoding } = counted(undefined, encoding)
  decoding.end()
  await expect.poll(() => seen.ended || seen.error !== undefined, { interval: 2 }).toBe(true)
  expect(seen).toEqual({ bytes: 0, ended: true, error: undefined })
})

describe('a body that is much more than its bytes', () => {
  it.each(bombs)('stands still while nobody takes it, and goes on from there: %s', async (encoding, body) => {
    const { seen, decoding } = counted((own, bytes) => {
      if (bytes < 100_000) own.pause()
    }, encoding)
    decoding.write(body)
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
  await expect.poll(() => seen.ended || seen.error !== undefined, { interval: 2 }).toBe(true)
  expect(seen.ended).toBe(!fails)
  if (fails) expect(seen.error).toMatchObject({ code: undecodable })
})
