import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SseScanner } from './sse-scanner.ts'

interface ReadEvent {
  readonly name: string
  readonly data: string
}

const utf8 = (text: string): Buffer => Buffer.from(text)
const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes)

/** Scans chunks; returns all that can be observed. */
function scan(chunks: readonly Uint8Array[]) {
  const events: (ReadEvent & { readonly start: number; readonly end: number })[] = []
  let returnedBefore = 0
  const scanner = new SseScanner(({ name, data, start, end }) => {
    events.push({ name, data, start: returnedBefore + start, end: returnedBefore + end })
  })
  const returned: Uint8Array[] = []
  const asReturned: Uint8Array[] = []
  for (const chunk of chunks) {
    const bytes = scanner.push(chunk)
    returned.push(bytes)
    asReturned.push(copy(bytes))
    returnedBefore += bytes.length
  }
  return { events, returned, asReturned, rest: scanner.rest() }
}

function eventsOf(...chunks: (string | Uint8Array)[]): ReadEvent[] {
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? utf8(chunk) : chunk))
  return scan(bytes).events.map(({ name, data }) => ({ name, data }))
}

const dataOf = (...chunks: (string | Uint8Array)[]): string[] => eventsOf(...chunks).map(({ data }) => data)

/** Parses a whole stream in the most obvious way. */
function parseWhole(bytes: Uint8Array): ReadEvent[] {
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
  const lines = text.split(/\r\n|\r|\n/)
  lines.pop()
  const events: ReadEvent[] = []
  let name = ''
  let data: string[] = []
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push({ name, data: data.join('\n') })
      name = ''
      data = []
      continue
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) as RegExpExecArray
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
  }
  return events
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const borders = [...at.map((position) => position % (bytes.length + 1)), 0, bytes.length].sort(
    (a, b) => a - b,
  )
  return borders.slice(1).map((border, i) => bytes.slice(borders[i], border))
}

const oneByOne = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Uint8Array.of(byte))

const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, '')),
  fc.constantFrom('', ' ', 'déjà 🥌', '\uFEFF', ':', '{"type":"ping"}', 'data: x', '\0'),
)
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('data:', 'data: ', 'data'), value).map((parts) => parts.join('')),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('event:', 'event: ', 'event'), value).map((parts) => parts.join('')),
  },
  { weight: 3, arbitrary: fc.constant('') },
  fc
    .tuple(fc.constantFrom(':', 'id: ', 'retry:', 'Data:', ' data:', 'dat', 'e', '\uFEFFdata:'), value)
    .map((parts) => parts.join('')),
)
const ending = fc.constantFrom('\n', '\r', '\r\n')
const stream = fc
  .tuple(
    fc.constantFrom('', '\uFEFF', '\uFEFF\uFEFF'),
    fc.array(fc.tuple(line, ending), { maxLength: 25 }),
    fc.constantFrom('', 'data: cut', 'da', 'data: x\n'),
  )
  .map(([mark, lines, tail]) => utf8(mark + lines.flat().join('') + tail))
const chunked = fc
  .tuple(stream, fc.oneof(fc.array(fc.nat(2000), { maxLength: 30 }), fc.constant('bytes' as const)))
  .map(([bytes, at]) => ({ bytes, chunks: at === 'bytes' ? oneByOne(bytes) : cut(bytes, at) }))

describe('in any chunking', () => {
  const runs = { numRuns: 1500 }

  it('finds the events that a parser of the whole text finds', () => {
    fc.assert(
      fc.property(chunked, ({ bytes, chunks }) => {
        expect(scan(chunks).events.map(({ name, data }) => ({ name, data }))).toEqual(parseWhole(bytes))
      }),
      runs,
    )
  })

  it('gives back every byte, in order', () => {
    fc.assert(
      fc.property(chunked, ({ bytes, chunks }) => {
        const { returned, rest } = scan(chunks)
        expect(Buffer.concat([...returned, rest]).equals(bytes)).toBe(true)
      }),
      runs,
    )
  })

  it('never changes bytes that it has handed out', () => {
    fc.assert(
      fc.property(chunked, ({ chunks }) => {
        const { returned, asReturned } = scan(chunks)
        expect(returned.map(copy)).toEqual(asReturned)
      }),
      runs,
    )
  })

  it('leaves the chunks as they were, and keeps no hold of them', () => {
    fc.assert(
      fc.property(chunked, ({ bytes, chunks }) => {
        const expected = parseWhole(bytes)
        const events: ReadEvent[] = []
        const scanner = new SseScanner(({ name, data }) => events.push({ name, data }))
        for (const chunk of chunks.map(copy)) {
          const before = copy(chunk)
          scanner.push(chunk)
          expect(copy(chunk)).toEqual(before)
          chunk.fill(0x2a)
        }
        expect(events).toEqual(expected)
      }),
      runs,
    )
  })

  it('tells where an event begins and ends: its bytes alone make that event', () => {
    fc.assert(
      fc.property(chunked, ({ bytes, chunks }) => {
        const { events, returned } = scan(chunks)
        const all = Buffer.concat(returned)
        let last = 0
        for (const { name, data, start, end } of events) {
          expect(start).toBeGreaterThanOrEqual(last)
          const before = start === 0 ? '' : '\n' // so that a mark in the middle is not taken for a leading one
          expect(parseWhole(Buffer.concat([utf8(before), all.subarray(start, end)]))).toEqual([
            { name, data },
          ])
          last = end
        }
        expect(last).toBeLessThanOrEqual(bytes.length)
      }),
      runs,
    )
  })

  it('returns an event with the chunk that completes it, and not before', () => {
    const scanner = new SseScanner(() => {})
    const returned = ['event: a\nda', 'ta: 1\n', '\n: c\n', 'data: 2\n\nx'].map((text) =>
      Buffer.from(scanner.push(utf8(text))).toString(),
    )
    expect(returned).toEqual(['', '', 'event: a\ndata: 1\n\n', ': c\ndata: 2\n\n'])
    expect(Buffer.from(scanner.rest()).toString()).toBe('x')
  })
})

describe('what the standard says', () => {
  it('joins the data lines of an event by line feeds', () => {
    expect(dataOf('data: YHOO\ndata: +2\ndata: 10\n\n')).toEqual(['YHOO\n+2\n10'])
  })

  it('takes an empty data line for empty data, with a colon and without', () => {
    expect(dataOf('data:\n\ndata\ndata\n\ndata:test\n\n')).toEqual(['', '\n', 'test'])
  })

  it('removes one space behind the colon and no more', () => {
    expect(dataOf('data:test\n\ndata: test\n\ndata:  test\n\ndata:\ttest\n\n')).toEqual([
      'test',
      'test',
      ' test',
      '\ttest',
    ])
  })

  it('keeps a colon that belongs to the value', () => {
    expect(dataOf('data:: a:b\n\n')).toEqual([': a:b'])
  })

  it('knows fields by their exact name only', () => {
    const text =
      'data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n'
    expect(dataOf(text)).toEqual(['\0\n 2\n1\n3\n\n4'])
  })

  it('ignores unknown fields', () => {
    expect(
      dataOf('data:abc\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:123\n\n'),
    ).toEqual(['abc\n\n123'])
  })

  it('ignores ids and retry times, sound or not', () => {
    expect(dataOf('id: 1\nretry: 500\ndata: a\n\nid\nretry:2000x\ndata: b\n\n')).toEqual(['a', 'b'])
  })

  it('ignores comments, however long and however torn', () => {
    const long = 'x'.repeat(2049)
    expect(
      dataOf(
        'data:1\r\r:\0\n:\r\ndata:2\n\n:',
        long,
        '\rdata:3\n\n:data:fail\r:',
        long,
        '\ndata:4\n\n',
        'data:5',
      ),
    ).toEqual(['1', '2', '3', '4'])
  })

  it('mixes line ends', () => {
    expect(dataOf('data:test\r\ndata\ndata:test\r\n\r')).toEqual(['test\n\ntest'])
  })

  it.each([
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('ends lines with %s', (_, end) => {
    expect(dataOf(`data: sheep${end}data: bleat${end}${end}data: pig${end}${end}`)).toEqual([
      'sheep\nbleat',
      'pig',
    ])
  })

  it('names an event by its last event field, and the next one anew', () => {
    expect(eventsOf('event: a\nevent: b\ndata: 1\n\ndata: 2\n\nevent: c\nevent\ndata: 3\n\n')).toEqual([
      { name: 'b', data: '1' },
      { name: '', data: '2' },
      { name: '', data: '3' },
    ])
  })

  it('takes an empty event field for no name', () => {
    expect(eventsOf('event: \ndata: data\n\n')).toEqual([{ name: '', data: 'data' }])
  })

  it('dispatches no event without data, and forgets its name', () => {
    expect(eventsOf('event: lost\n\ndata: 1\n\n')).toEqual([{ name: '', data: '1' }])
  })

  it('dispatches nothing that no blank line ends', () => {
    expect(dataOf('retry:1000\ndata:test1\n\nid:test\ndata:test2')).toEqual(['test1'])
    expect(dataOf('data:test1\n')).toEqual([])
  })

  it('skips blank lines before the first event', () => {
    expect(dataOf('\n\n\n\nid: 1\ndata: 我現在都看實況不玩遊戲\n\n')).toEqual(['我現在都看實況不玩遊戲'])
  })

  it('skips one leading byte order mark', () => {
    expect(dataOf('\uFEFFdata:1\n\n\uFEFFdata:2\n\ndata:3\n\n')).toEqual(['1', '3'])
    expect(dataOf('\uFEFF\uFEFFdata:1\n\ndata:2\n\n')).toEqual(['2'])
  })

  it('reads bytes that are not UTF-8 as replacement characters', () => {
    expect(dataOf(Buffer.concat([utf8('data: ok'), Buffer.from([0xe2, 0x98]), utf8('\n\n')]))).toEqual([
      'ok\uFFFD',
    ])
  })
})

describe('what is torn between chunks', () => {
  it('takes CR at a chunk end and LF at the next start for one line end', () => {
    expect(dataOf('data: A\r\n', 'data: B\r', '\n', 'data: C\r\n', '\n')).toEqual(['A\nB\nC'])
    expect(dataOf('data: A\r', '', '\ndata: B\r\n\r', '\ndata: C\n\n')).toEqual(['A\nB', 'C'])
  })

  it('does not wait for a line feed that may never come', () => {
    const scanner = new SseScanner(() => {})
    expect(scanner.push(utf8('data: A\r\r'))).toHaveLength(9)
  })

  it('passes on the line feed of a torn CRLF', () => {
    const scanner = new SseScanner(() => {})
    scanner.push(utf8('data: A\r\n\r'))
    expect(copy(scanner.push(utf8('\n')))).toEqual(Uint8Array.of(10))
  })

  it('joins a torn byte order mark', () => {
    expect(dataOf(Buffer.from([0xef]), Buffer.from([0xbb]), Buffer.from([0xbf]), 'data: 1\n\n')).toEqual([
      '1',
    ])
  })

  it('does not take the first byte of a mark for a mark', () => {
    expect(dataOf(Buffer.from([0xef]), '\n', 'data: 1\n\n')).toEqual(['1'])
  })

  it('joins a torn name', () => {
    expect(eventsOf('ev', 'ent: content_bl', 'ock_delta', '\ndata: 1\n\n')).toEqual([
      { name: 'content_block_delta', data: '1' },
    ])
  })

  it('joins torn data of several lines behind another event', () => {
    expect(eventsOf('data: 0\n\nevent: e\ndata: one\ndata: tw', 'o\ndat', 'a: three\n', '\n')).toEqual([
      { name: '', data: '0' },
      { name: 'e', data: 'one\ntwo\nthree' },
    ])
  })

  it('joins a torn character', () => {
    expect(dataOf(...oneByOne(utf8('data: 🥌é我\n\n')))).toEqual(['🥌é我'])
  })
})

describe('passing on', () => {
  it('hands over the very chunk that ends with an event', () => {
    const scanner = new SseScanner(() => {})
    for (const text of ['data: 1\n\n', ': c\n\ndata: 2\n\n']) {
      const chunk = utf8(text)
      expect(scanner.push(chunk)).toBe(chunk)
    }
  })

  it.each([
    ['a line end', '\n'],
    ['two', '\r\n'],
    ['what only begins like a byte order mark', Uint8Array.of(0xef, 10, 10)],
  ])('holds back nothing of %s at the beginning', (_, text) => {
    const scanner = new SseScanner(() => {})
    const chunk = typeof text === 'string' ? utf8(text) : text
    expect(copy(scanner.push(chunk))).toEqual(copy(chunk))
    expect(scanner.rest()).toHaveLength(0)
  })

  it('joins an event whose first part is large already', () => {
    const long = 'x'.repeat(5_000)
    expect(dataOf(`data: 0\n\ndata: ${long}`, long, '\n\n')).toEqual(['0', long + long])
  })
})

describe('without decoding', () => {
  function probe<T>(
    text: string,
    look: (event: Parameters<ConstructorParameters<typeof SseScanner>[0]>[0]) => T,
  ): T {
    const seen: T[] = []
    new SseScanner((event) => seen.push(look(event))).push(utf8(text))
    return seen[0] as T
  }

  it('tells length and bytes of the name', () => {
    expect(
      probe('event: ping\ndata: 1\n\n', (event) => [event.nameLength, event.nameByte(0), event.nameByte(4)]),
    ).toEqual([4, 'p'.charCodeAt(0), -1])
  })

  it('tells the length of the first data line', () => {
    expect(probe('data: é\ndata: more\n\n', (event) => event.dataLength)).toBe(2)
  })

  it('finds bytes in any data line, and nowhere else', () => {
    const includes = (needle: string): boolean =>
      probe('event: name\ndata: one\ndata: two\n\ndata: three\n\n', (event) =>
        event.dataIncludes([{ bytes: utf8(needle) }]),
      )
    expect(['one', 'two', 'name', 'three', 'ne\n'].map(includes)).toEqual([true, true, false, false, false])
  })

  it('finds bytes that do not begin an exception', () => {
    const includes = (text: string): boolean =>
      probe(`data: ${text}\n\n`, (event) =>
        event.dataIncludes([{ bytes: utf8('"u"'), except: utf8('"u":null') }]),
      )
    expect(['{"u":null}', '{"u":1}', '[{"u":null},{"u":1}]', '{"u":nul'].map(includes)).toEqual([
      false,
      true,
      true,
      true,
    ])
  })
})

describe('very long events', () => {
  function scanLong(line: string, end: string): { length: number; ms: number } {
    let length = 0
    const scanner = new SseScanner((event) => {
      length = event.data.length
    })
    const chunk = utf8(line.repeat(Math.ceil(16_384 / line.length))).subarray(0, 16_384)
    // Of the processor, not of the clock: other programs' work does not count.
    const before = process.cpuUsage()
    scanner.push(utf8('data: '))
    for (let bytes = 0; bytes < 20 * 1024 * 1024; bytes += chunk.length) scanner.push(chunk)
    scanner.push(utf8(end + end))
    const { user, system } = process.cpuUsage(before)
    return { length, ms: (user + system) / 1000 }
  }

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('reads 20 MB in 16 KB chunks in linear time, with %s', (_, end) => {
    const { length, ms } = scanLong('x', end)
    expect(length).toBe(20 * 1024 * 1024)
    expect(ms).toBeLessThan(2000)
  })

  it('reads 20 MB of data lines in one event in linear time', { retry: 2 }, () => {
    expect(scanLong('data: 0123456789\n', '\n').ms).toBeLessThan(4000)
  })

  it('refuses a single event beyond 32 MiB', () => {
    const scanner = new SseScanner(() => {})
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    expect(() => {
      for (let i = 0; i < 40; i++) scanner.push(chunk)
    }).toThrow(RangeError)
  })
})

it.each([
  [0xef, 0xbb, 0x41],
  [0xef, 0x41, 0xbf],
])('takes only the whole byte order mark for one: %i %i %i', (...bytes) => {
  const events: string[] = []
  const scanner = new SseScanner(({ data }) => events.push(data))
  scanner.push(Buffer.concat([Buffer.from(bytes), Buffer.from('data: of no field\n\ndata: x\n\n')]))
  expect(events).toEqual(['x'])
})

it('says why it gives up an event that is too long', () => {
  const scanner = new SseScanner(() => {})
  scanner.push(Buffer.from('data: '))
  expect(() => scanner.push(Buffer.alloc(32 * 1024 * 1024))).toThrow(
    'a single server-sent event exceeds 32 MiB',
  )
})
