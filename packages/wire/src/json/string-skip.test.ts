import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonScanner } from './json-scanner.ts'
import { mostLoaded, openStringSkip, type StringSkip, stringSkip } from './string-skip.ts'

const skip = stringSkip() as StringSkip

/** What `skip` does, a byte after the other. Where it ends because there is no block left is its own affair. */
function skipped(bytes: Uint8Array, from: number, to: number): { at: number; escapes: number } {
  let at = from
  let escapes = 0
  while (at < to) {
    const byte = bytes[at] as number
    if (byte < 0x20 || byte === 0x22) break
    if (byte !== 0x5c) at++
    else if ('"\\/bfnrt'.includes(String.fromCharCode(bytes[at + 1] as number))) {
      at += 2
      escapes++
    } else break
  }
  return { at, escapes }
}

const parts = fc.constantFrom(
  ...['\\\\', '\\"', '\\n', '\\/', '\\b', '\\f', '\\r', '\\t', '\\u00e9', '\\ud83d', '\\x', '\\N', '\\\0'],
  ...[
    '"',
    '\\',
    '\n',
    '\0',
    '\x1f',
    '\x7f',
    'a',
    'n',
    'é',
    '日本',
    '😀',
    ' ',
    'x'.repeat(15),
    'y'.repeat(63),
  ],
)
/** Mostly such as go on for some blocks. */
const usualParts = fc.constantFrom(
  '\\\\',
  '\\"',
  '\\n',
  '\\t',
  'a',
  'é',
  '日',
  'n"'.slice(0, 1),
  'z'.repeat(40),
)

describe('strings by the block', () => {
  it('are read as they are a byte at a time', () => {
    const texts = fc.tuple(
      fc.array(usualParts, { maxLength: 80 }),
      fc.array(parts, { maxLength: 20 }),
      fc.array(usualParts, { maxLength: 80 }),
    )
    fc.assert(
      fc.property(texts, fc.nat(70), fc.nat(130), (text, from, cut) => {
        const bytes = Buffer.from('q'.repeat(from) + text.flat().join(''))
        const end = Math.max(from, bytes.length - cut)
        // What is behind the end is not looked at.
        skip.load(Buffer.concat([bytes, Buffer.alloc(200, 0x22)]))
        const at = skip.skip(from, end)
        const expected = skipped(bytes.subarray(0, at), from, at)
        expect({ at, escapes: skip.escapes() }).toEqual(expected)
        if (at + 64 < end) expect(skipped(bytes, at, at + 1).at).toBe(at)
        else expect(at).toBeLessThanOrEqual(Math.max(from, end))
      }),
      { numRuns: 20_000 },
    )
  })

  it('end at each byte that ends them, wherever it is in a block and however many backslashes are before it', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const slashes of [0, 1, 2, 3, 62, 63, 64, 65]) {
        for (const before of [0, 1, 15, 16, 17, 62, 63, 64]) {
          const bytes = Buffer.concat([
            Buffer.from('a'.repeat(before) + '\\'.repeat(slashes)),
            Buffer.from([byte]),
            Buffer.from('b'.repeat(200)),
          ])
          skip.load(bytes)
          const at = skip.skip(0, bytes.length)
          const expected = skipped(bytes, 0, bytes.length)
          const isOver = expected.at < bytes.length
          if (isOver ? at !== expected.at : at <= bytes.length - 64)
            expect.fail(`${byte} behind ${slashes} behind ${before}: ${at} and not ${expected.at}`)
          expect(skip.escapes()).toBe(skipped(bytes, 0, at).escapes)
        }
      }
    }
  })

  it('are read to the very end of what can be loaded', () => {
    skip.load(Buffer.alloc(mostLoaded, 'a'))
    expect(skip.skip(0, mostLoaded)).toBe(mostLoaded)
    skip.load(Buffer.from('\\"'.repeat(mostLoaded / 2)))
    expect(skip.skip(0, mostLoaded)).toBe(mostLoaded)
    expect(skip.escapes()).toBe(mostLoaded / 2)
    expect(skip.skip(1, mostLoaded)).toBe(1)
  })

  it.each([
    ['has no WebAssembly', {}],
    [
      'has none with vectors',
      {
        WebAssembly: {
          Module: class {
            constructor() {
              throw new SyntaxError('invalid opcode 0xfd')
            }
          },
          Instance: class {
            readonly exports = {}
          },
        },
      },
    ],
  ])('are read without it where the runtime %s', (_, runtime) => {
    expect(openStringSkip(runtime)).toBeUndefined()
  })
})

describe('a long text', () => {
  const limits = { depth: 9, values: Infinity, shapes: Infinity, escapes: Infinity, loneHalves: Infinity }

  interface Heard {
    readonly problem: unknown
    readonly values: (number | string)[][]
  }

  function heardOf(pieces: readonly Uint8Array[]): Heard {
    const values: (number | string)[][] = []
    const scanner = new JsonScanner(limits, {
      depth: 3,
      name: (...name) => values.push(['name', ...name]),
      begin: (...value) => values.push(['begin', ...value]),
      end: (...value) => values.push(['end', ...value]),
    })
    for (const piece of pieces) scanner.write(piece)
    scanner.end()
    return { problem: scanner.problem, values }
  }

  const strings = fc.array(fc.oneof({ weight: 30, arbitrary: usualParts }, parts), { maxLength: 60 })
  const texts = fc
    .array(strings, { minLength: 1, maxLength: 20 })
    .map((each) => `[${each.map((string) => `"${string.join('')}"`).join(',')}]`)

  it('is the same by the block and in small pieces, and taken where JSON.parse takes it', () => {
    fc.assert(
      fc.property(texts, fc.nat(3_000), (text, spaces) => {
        const bytes = Buffer.from(`${' '.repeat(2_100)}${text}${' '.repeat(spaces)}`)
        const pieces: Buffer[] = []
        for (let at = 0; at < bytes.length; at += 1_000) pieces.push(bytes.subarray(at, at + 1_000))
        const heard = heardOf([bytes])
        expect(heard).toEqual(heardOf(pieces))
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect(heard.problem === undefined).toBe(isJson)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is read in several loads where it is longer than one', () => {
    const bytes = Buffer.from(JSON.stringify(['"\\\n'.repeat(50_000), 'é'.repeat(100_000), { a: 'b' }]))
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; at += 1_999) pieces.push(bytes.subarray(at, at + 1_999))
    const heard = heardOf([bytes])
    expect(heard.problem).toBeUndefined()
    expect(heard).toEqual(heardOf(pieces))
  })
})
