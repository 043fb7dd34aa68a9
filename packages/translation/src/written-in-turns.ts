import { type FieldSpan, type JsonBody, type JsonObject, jsonBodyFromBytes } from '@spillway/middleware/kit'
import { writeJson } from '@spillway/wire/internal'
import type { FieldWriter } from './carried-numbers.ts'

const encoder = new TextEncoder()

/** Characters that are written at a time, which takes 20 ms. */
const pieceLength = 4 * 1024 * 1024

/** Lets other calls have their turn. */
export type Turn = () => Promise<void>

/** A body of an object. Its long lists are written in pieces, with a turn for others between them. */
export async function bodyInTurns(json: JsonObject, write: FieldWriter, turn: Turn): Promise<JsonBody> {
  const fields = new Map<string, FieldSpan>()
  const pieces: Uint8Array[] = []
  let length = 0
  const put = (text: string): void => {
    const bytes = encoder.encode(text)
    pieces.push(bytes)
    length += bytes.length
  }
  for (const [name, value] of Object.entries(json)) {
    if (value === undefined) continue
    put(`${fields.size === 0 ? '{' : ','}${JSON.stringify(name)}:`)
    const start = length
    if (!Array.isArray(value) || value.length === 0) put(write(name, value))
    else
      for (const piece of piecesOf(value)) {
        put(piece)
        await turn()
      }
    fields.set(name, [start, length])
  }
  put(fields.size === 0 ? '{}' : '}')
  return jsonBodyFromBytes(Buffer.concat(pieces), fields)
}

/** A list as JSON, as `writeJson` has it. */
function* piecesOf(items: readonly unknown[]): Generator<string, void, void> {
  let texts: string[] = []
  let length = 0
  for (const [index, item] of items.entries()) {
    const text = writeJson(item)
    texts.push(index === 0 ? '[' : ',', text)
    length += text.length
    if (length < pieceLength) continue
    yield texts.join('')
    texts = []
    length = 0
  }
  texts.push(']')
  yield texts.join('')
}
