/** What an upload names of the vendor's stored things, found while it passes. */
export interface UploadedIds {
  /** The ids that are in what has passed so far and were not given before. */
  push(piece: Uint8Array): readonly string[]
  /** Whether it says of itself that it is the input of a batch: of OpenAI's, that is a file whose purpose says so. */
  readonly isBatchInput: boolean
}

/** As vendors write ids of files, responses, conversations, containers, vector stores, prompts and items. */
const valueOfId = /(?:"(\w*)":|[[,])"((?:file|cfile|resp|conv|cntr|container|vs|pmpt|rs)[-_][\w-]{8,128})"/g
/** Where an array has it, there is no name. What else a batch may call like that is its client's own. */
const names: ReadonlySet<string | undefined> = new Set([
  ...[undefined, 'file_id', 'id', 'container', 'container_id', 'previous_response_id', 'conversation'],
])
const purpose = /\n\r?\nbatch\r?\n--/
/** Longer than what is looked for. */
const tailLength = 400
/** More than that name nothing new: a batch of a hundred thousand calls names the same few. */
const mostIds = 10_000

/**
 * Reads JSON without parsing it: it has up to 256 MB, of any shape. Spaces are left out and letters in escapes are written out, so that no
 * way to write it hides an id.
 */
export function uploadedIds(): UploadedIds {
  const given = new Set<string>()
  /** An escape that is not whole yet; what may be the beginning of something looked for; the end of what was written. */
  let unfinished = ''
  let tail = ''
  let line = ''
  let isBatchInput = false
  return {
    get isBatchInput() {
      return isBatchInput
    },
    push(piece) {
      const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1')
      line = line.slice(-20) + text
      isBatchInput ||= purpose.test(line)
      const written = unfinished + text
      const cut = /\\(?:u[0-9a-f]{0,3})?$/i.exec(written.slice(-6))?.[0].length ?? 0
      unfinished = written.slice(written.length - cut)
      const plain = tail + plainly(written.slice(0, written.length - cut))
      tail = plain.slice(-tailLength)
      const found = [...plain.matchAll(valueOfId)].flatMap(([, name, id = '']) =>
        names.has(name) ? [id] : [],
      )
      const fresh = [...new Set(found)].filter((id) => !given.has(id))
      if (given.size < mostIds) for (const id of fresh) given.add(id)
      return fresh
    },
  }
}

const plainly = (text: string): string =>
  text.replace(/[ \t\r\n]+/g, '').replace(/\\u00([0-7][0-9a-f])/gi, (written, code: string) => {
    const letter = String.fromCharCode(Number.parseInt(code, 16))
    return /[\w-]/.test(letter) ? letter : written
  })
