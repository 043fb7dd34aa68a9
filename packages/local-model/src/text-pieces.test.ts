import { describe, expect, it } from 'vitest'
import { endOfPiece, pieceLength } from './text-pieces.ts'

function piecesOf(text: string): string[] {
  const pieces: string[] = []
  for (let from = 0, end = 0; from < text.length; from = end) {
    end = endOfPiece(text, from)
    pieces.push(text.slice(from, end))
  }
  return pieces
}

const prose = 'The quick brown fox jumps over the lazy dog. '.repeat(1000)
const code = 'if (a) {\n    return  b;\n}\n\n'.repeat(1000)

describe('pieces of a text', () => {
  it('are the text itself up to the longest piece', () => {
    expect(piecesOf('')).toEqual([])
    expect(piecesOf('x'.repeat(pieceLength))).toHaveLength(1)
    expect(piecesOf('x'.repeat(pieceLength + 1))).toHaveLength(2)
  })

  it.each([
    ['prose', prose],
    ['code', code],
    ['one long word', 'x'.repeat(50_000)],
    ['spaces', ' '.repeat(50_000)],
    ['line breaks', '\n'.repeat(50_000)],
    ['Chinese', '我们在这里说话'.repeat(5000)],
    ['emoji', '🎉'.repeat(20_000)],
    ['an emoji on the border', `x${'🎉'.repeat(20_000)}`],
  ])('of %s come to the whole again, none empty, none too long, no character cut', (_what, text) => {
    const pieces = piecesOf(text)
    expect(pieces.join('')).toBe(text)
    for (const piece of pieces) {
      expect(piece.length).toBeLessThanOrEqual(pieceLength)
      expect(piece.isWellFormed()).toBe(true)
    }
    for (const piece of pieces.slice(0, -1)) expect(piece.length).toBeGreaterThanOrEqual(pieceLength / 2)
  })

  it('begin with the space before a word', () => {
    for (const piece of piecesOf(prose).slice(1)) expect(piece).toMatch(/^ \S/)
  })

  it('begin with a line where words are not parted by single spaces', () => {
    for (const piece of piecesOf('word\n'.repeat(5000)).slice(1)) expect(piece).toMatch(/^word\n/)
  })
})
