import { describe, expect, it } from 'vitest'
import { HttpReader } from './read-http.ts'

function read(text: string, isHead = false): HttpReader {
  const reader = new HttpReader(isHead)
  // Byte by byte: nothing may depend on how the bytes come.
  for (const byte of Buffer.from(text, 'latin1')) reader.push(Buffer.from([byte]))
  reader.end()
  return reader
}

describe('what a server may send', () => {
  it('answers with a length, in chunks, and up to the end of the connection', () => {
    const { answers, problem } = read(
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}' +
        'HTTP/1.1 100 Continue\r\n\r\n' +
        'HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n' +
        'HTTP/1.1 500 x\r\nX-A: 1\r\nx-a: 2\r\n\r\nrest',
    )
    expect(problem).toBeUndefined()
    expect(answers.map(({ status, body, isWhole }) => [status, String(body), isWhole])).toEqual([
      [200, '{}', true],
      [200, 'ab0123456789', true],
      [500, 'rest', true],
    ])
    expect(answers[2]?.headers.get('x-a')).toEqual(['1', '2'])
  })

  it('no body for HEAD, 204 and 304, whatever the length says', () => {
    expect(read('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', true).answers).toHaveLength(1)
    expect(read('HTTP/1.1 304 x\r\ncontent-length: 5\r\n\r\n').answers).toHaveLength(1)
  })

  it('an answer that breaks off is told from a whole one', () => {
    expect(read('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab').answers[0]?.isWhole).toBe(false)
    expect(read('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n').answers[0]?.isWhole).toBe(
      false,
    )
  })
})

describe('what it may not', () => {
  it.each([
    ['a status line without a number', 'HTTP/1.1 abc\r\n\r\n'],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nx\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nx: 1\r\n y\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nx : 1\r\n\r\n'],
    ['a control character', 'HTTP/1.1 200 OK\r\nx: \u0007\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'a chunk with a wrong size',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n',
    ],
    ['an unfinished head', 'HTTP/1.1 200 OK\r\nx: '],
  ])('%s', (_, text) => {
    expect(read(text).problem).toBeDefined()
  })
})
