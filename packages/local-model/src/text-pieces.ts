/**
 * The longest piece of a text that is tokenised at once, in UTF-16 units: llama.cpp's tokenizers take time that grows with
 * the square of a text's length, 15 s for 0.4 MB and about a millisecond for this.
 */
export const pieceLength = 4096

const space = 0x20
const newline = 0x0a

/**
 * Where the piece that begins at `from` ends. Preferably before a single space between two words, or after the end of a
 * line: no vocabulary that matters has tokens across these, so that the pieces come to the same tokens as the whole text.
 * Text without either is cut between two characters, which can cost a token or two for each cut.
 */
export function endOfPiece(text: string, from: number): number {
  const limit = from + pieceLength
  if (text.length <= limit) return text.length
  let line = 0
  for (let at = limit; at > from + pieceLength / 2; at--) {
    if (text.charCodeAt(at) === space && !isWhite(text, at - 1) && !isWhite(text, at + 1)) return at
    if (line === 0 && text.charCodeAt(at - 1) === newline && !isWhite(text, at)) line = at
  }
  if (line > 0) return line
  const code = text.charCodeAt(limit)
  return code >= 0xdc00 && code <= 0xdfff ? limit - 1 : limit
}

function isWhite(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === space || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000
}
