import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JsonLimits, type JsonListener, type JsonProblem, JsonScanner } from './json-scanner.ts'
import { escapedToken, longToken, tokenCode } from './token-code.ts'

const limitless: JsonLimits = {
  depth: 1_000,
  values: Infinity,
  shapes: Infinity,
  escapes: Infinity,
  loneHalves: Infinity,
}
const silent: JsonListener = { depth: -1, name() {}, begin() {}, end() {} }

function problemOf(
  pieces: readonly Uint8Array[],
  limits: Partial<JsonLimits> = {},
  listener = silent,
): JsonProblem | undefined {
  const scanner = new JsonScanner({ ...limitless, ...limits }, listener)
  for (const piece of pieces) scanner.write(piece)
  scanner.end()
  return scanner.problem
}

const accepts = (...pieces: Uint8Array[]): boolean => problemOf(pieces) === undefined

function parses(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes))
    return true
  } catch {
    return false
  }
}

/** The same bytes in pieces that end at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

/** Characters that a text can be spoilt with. */
const telling = '{}[]:,"\\/bfnrtu0123456789aAeE+-.truefalsn \n\t\r\0\u001f\u007fé日😀\ufeff'

/** JSON texts, laid out in one way or another, some of them with one place spoilt. */
const texts = fc
  .record({
    value: fc.jsonValue({ noUnicodeString: false }),
    space: fc.constantFrom('', ' ', '\n\t'),
    around: fc.constantFrom('', ' \r\n', '\ufeff'),
    spoilt: fc.option(fc.record({ at: fc.nat(), drop: fc.nat(2), put: fc.constantFrom(...telling, '') })),
  })
  .map(({ value, space, around, spoilt }) => {
    const text = around + JSON.stringify(value, undefined, space)
    if (spoilt === null) return text
    const at = spoilt.at % (text.length + 1)
    return text.slice(0, at) + spoilt.put + text.slice(at + spoilt.drop)
  })

describe('a text', () => {
  it('is taken where JSON.parse takes it, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 5 }), (text, places) => {
        const bytes = Buffer.from(text)
        expect(accepts(...cut(bytes, places))).toBe(parses(bytes))
      }),
      { numRuns: 3_000 },
    )
  })

  it('of any characters that matter is taken where JSON.parse takes it', () => {
    const tokens = fc.constantFrom(...telling, 'true', 'false', 'null', '\\u12', '""', '1e5', '-', '{"a":')
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 12 }), (parts) => {
        const bytes = Buffer.from(parts.join(''))
        expect(accepts(bytes)).toBe(parses(bytes))
      }),
      { numRuns: 20_000 },
    )
  })

  it.each([
    ...['0', '-0', '10', '1.5', '1e5', '1E+5', '1e-05', '-1.25e3', '9'.repeat(500), '1e999'],
    ...['', '-', '01', '1.', '.5', '1e', '1e+', '+1', '0x1', '1.e5', '--1', 'NaN', 'Infinity', '1 2', '1-'],
    ...['true', 'tru', 'truex', 'nul', 'null ', 'True'],
    ...['"a"', '"', '"\\"', '"\\x"', '"\\u00e"', '"\\u00eg"', '"\\ud800"', '"\t"', '"\u007f"', "'a'"],
    ...[
      '[]',
      '[',
      ']',
      '[1,]',
      '[,1]',
      '[1 2]',
      '[1}',
      '{}',
      '{',
      '}',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{a:1}',
    ],
    ...[
      '{"a":1 "b":2}',
      '{"a":1,,"b":2}',
      '{1:1}',
      '{"a":1]',
      '{}{}',
      '[]1',
      '/**/1',
      '\ufeff{}',
      '{\ufeff}',
    ],
  ])('as JSON.parse has it: %s', (text) => {
    expect(accepts(Buffer.from(text))).toBe(parses(Buffer.from(text)))
  })

  it.each([
    ['plain', (length: number) => 'a'.repeat(length)],
    ['of more bytes than characters', (length: number) => 'é'.repeat(length)],
    ['with an escape at its end', (length: number) => `${'a'.repeat(length)}\\n`],
    ['with an escape of six bytes', (length: number) => `${'a'.repeat(length)}\\u00e9b`],
  ])('is read right whatever its length and its place in memory: %s', (_, textOf) => {
    for (let length = 0; length < 70; length++) {
      for (const end of ['"', '', '\\', '\n"', '\x1f"', '\\x"']) {
        for (let offset = 0; offset < 8; offset++) {
          const text = `"${textOf(length)}${end}`
          // What is around it in memory is not its own. Longer ones are read by whole words.
          for (const before of ['', ' '.repeat(300)]) {
            const memory = Buffer.from(`${'"'.repeat(offset)}${before}${text}"${'a'.repeat(10)}`)
            const bytes = memory.subarray(offset, memory.length - 11)
            if (accepts(bytes) !== parses(bytes)) expect.fail(`offset ${offset}: ${text}`)
          }
        }
      }
    }
  })

  it('comes out the same wherever it is cut in two', () => {
    const text =
      '\ufeff { "a\\u00e9\\n" : [ 1.5e-7 , -0 , true , null , "日本" , "x\\\\" ] , "b" : { } , "c" : false }\n'
    const bytes = Buffer.from(text)
    for (let at = 0; at <= bytes.length; at++) {
      expect(accepts(bytes.subarray(0, at), bytes.subarray(at))).toBe(true)
      expect(accepts(bytes.subarray(0, at)), `cut off at ${at}`).toBe(at >= bytes.length - 1)
    }
    expect(accepts(...cut(bytes, [...bytes.keys()]))).toBe(true)
  })
})

describe('the limits', () => {
  const nested = (depth: number): Buffer =>
    Buffer.from('[{"a":'.repeat(depth / 2) + 1 + '}]'.repeat(depth / 2))

  it.each<[string, Partial<JsonLimits>, Buffer, Buffer, JsonProblem]>([
    ['depth', { depth: 8 }, nested(8), nested(10), { reason: 'depth', at: 24 }],
    [
      'values',
      { values: 4 },
      Buffer.from('[1,"a",{}]'),
      Buffer.from('[1,"a",{},2]'),
      { reason: 'values', at: 10 },
    ],
  ])('on %s hold to one', (_, limits, most, more, problem) => {
    expect(problemOf([most], limits)).toBeUndefined()
    expect(problemOf([more], limits)).toEqual(problem)
    expect(problemOf(cut(more, [...more.keys()]), limits)).toEqual(problem)
  })

  describe('on shapes', () => {
    const limits = { shapes: 10_000 }
    /** So many objects with these names each. */
    const objects = (count: number, namesOf: (index: number) => readonly (string | number)[]): Buffer =>
      Buffer.from(
        `[${Array.from({ length: count }, (_, index) => `{${namesOf(index).map((name) => `"n${name}":1`)}}`)}]`,
      )

    it.each<[string, Buffer]>([
      ['the same in all objects', objects(50_000, () => ['a', 'b', 'c'])],
      ['some names over and over', objects(100_000, (index) => [index % 5_000])],
      ['names in few orders', objects(50_000, (index) => [index % 50, index % 7, index % 3])],
    ])('count each once: %s', (_, text) => {
      expect(problemOf([text], limits)).toBeUndefined()
    })

    it.each<[string, Buffer]>([
      ['a name of its own for each object', objects(20_000, (index) => [index])],
      ['one object with many names', objects(1, () => [...Array(20_000).keys()])],
      ['long names that differ at their ends', objects(20_000, (index) => [`${'x'.repeat(99)}${index}`])],
      ['few names in many orders', objects(20_000, (index) => [index % 30, index % 31, index % 37])],
    ])('count what differs: %s', (_, text) => {
      expect(problemOf([text], limits)).toMatchObject({ reason: 'shapes' })
    })
  })

  it.each<[string, string, number, number]>([
    ['"\\n\\u00e9"', 'any', 2, 0],
    ['{"\\n":"\\""}', 'in names', 2, 0],
    ['"\\ud83d\\ude00"', 'a whole character', 2, 0],
    ['"\\ud83d"', 'a first half', 1, 1],
    ['"\\ude00"', 'a second half', 1, 1],
    ['"\\ude00\\ud83d"', 'halves in the wrong order', 2, 2],
    ['"\\ud83d\\ud83d\\ude00"', 'a half before a character', 3, 1],
    ['"\\ud83dx\\ude00"', 'halves apart', 2, 2],
    ['["\\ud83d","\\ude00"]', 'halves in different texts', 2, 2],
    ['"\\ud83d\\n\\ude00"', 'halves with another escape between', 3, 2],
  ])('on escapes count %s: %s', (text, _, escapes, loneHalves) => {
    const bytes = Buffer.from(text)
    for (const pieces of [[bytes], cut(bytes, [...bytes.keys()]), cut(bytes, [5, 9]), cut(bytes, [3, 8])]) {
      // One more, since a first half stands alone until the second has come.
      expect(problemOf(pieces, { escapes, loneHalves: loneHalves + 1 })).toBeUndefined()
      if (escapes > 0) expect(problemOf(pieces, { escapes: escapes - 1 })?.reason).toBe('escapes')
      if (loneHalves > 0) expect(problemOf(pieces, { loneHalves: loneHalves - 1 })?.reason).toBe('loneHalves')
    }
  })

  it('stop the reading: nothing is looked at afterwards', () => {
    const scanner = new JsonScanner({ ...limitless, depth: 1 }, silent)
    scanner.write(Buffer.from('[[['))
    scanner.write(Buffer.from('???'))
    scanner.end()
    expect(scanner.problem).toEqual({ reason: 'depth', at: 1 })
  })
})

describe('a listener', () => {
  interface Heard {
    readonly path: string
    readonly text: string
    readonly code: number
  }

  /** All values down to a depth, each with its names. */
  function heardOf(bytes: Uint8Array, depth: number, pieces: readonly Uint8Array[]): Heard[] {
    const heard: Heard[] = []
    const names: string[] = []
    const starts: number[] = []
    const textOf = (start: number, end: number): string => Buffer.from(bytes.subarray(start, end)).toString()
    problemOf(
      pieces,
      {},
      {
        depth,
        name: (at, start, end) => {
          names[at] = textOf(start, end)
        },
        begin: (at, start, first) => {
          expect(first).toBe(bytes[start])
          starts[at] = start
          names.length = at + 1
          names[at + 1] = '[]'
        },
        end: (at, end, code) =>
          void heard.push({
            path: names.slice(1, at + 1).join(),
            text: textOf(starts[at] as number, end),
            code,
          }),
      },
    )
    return heard
  }

  function valuesOf(
    value: unknown,
    depth: number,
    path: readonly string[] = [],
  ): { path: string; value: unknown }[] {
    const inner =
      typeof value !== 'object' || value === null || depth === 0
        ? []
        : Object.entries(value).flatMap(([name, each]) =>
            valuesOf(each, depth - 1, [...path, Array.isArray(value) ? '[]' : JSON.stringify(name)]),
          )
    return [...inner, { path: path.join(), value }]
  }

  it('hears of each value down to its depth, in whatever pieces they come', () => {
    const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'))
    fc.assert(
      fc.property(plain, fc.nat(4), fc.array(fc.nat(), { maxLength: 5 }), (value, depth, places) => {
        const bytes = Buffer.from(JSON.stringify(value, undefined, 1))
        const heard = heardOf(bytes, depth, cut(bytes, places))
        const parsed = heard.map(({ path, text }) => ({ path, value: JSON.parse(text) }))
        expect(parsed).toEqual(valuesOf(JSON.parse(bytes.toString()), depth))
      }),
      { numRuns: 500 },
    )
  })

  it('recognises short strings, in whatever pieces they come', () => {
    const bytes = Buffer.from(`["role","r\\u006fle","${'x'.repeat(24)}","${'x'.repeat(25)}","",7]`)
    const codes = [tokenCode('role'), escapedToken, tokenCode('x'.repeat(24)), longToken, tokenCode(''), 0, 0]
    for (const pieces of [[bytes], cut(bytes, [...bytes.keys()]), cut(bytes, [4, 20])]) {
      expect(heardOf(bytes, 1, pieces).map(({ code }) => code)).toEqual(codes)
    }
    expect(
      new Set([0, escapedToken, longToken, tokenCode('role'), tokenCode('rolf'), tokenCode('')]).size,
    ).toBe(6)
  })
})
