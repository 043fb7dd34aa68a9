import type { Api } from '@spillway/middleware'
import { fieldOf, type JsonBody, peekBytes } from '@spillway/middleware/kit'
import { sightingsIn } from '@spillway/wire/internal'

/** Something at the vendor that a call names, and that belongs to whoever has made it. */
export interface NamedId {
  readonly id: string
  readonly what:
    | 'file'
    | 'container'
    | 'response'
    | 'item'
    | 'conversation'
    | 'prompt'
    | 'vector store'
    | 'batch'
}

/** Of a call that names more, the first of them are looked at, and it is refused. */
export const mostNamed = 500

/** What a body that was not scanned has somewhere that names something; letters may be written as escapes. */
const marks = [
  ...['"file_id', '"item_reference"', '"reasoning"', '"container', '"vector_store_id'],
  ...['\\u005', '\\u006', '\\u007'],
]

function mayName(body: JsonBody): boolean {
  const sightings = sightingsIn(body)
  if (sightings !== undefined)
    return sightings.ids || sightings.kinds.some((kind) => kind === 'item_reference' || kind === 'reasoning')
  const bytes = peekBytes(body)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return marks.some((mark) => text.includes(mark))
}

/**
 * What a call names of the vendor's stored things. Most name nothing, which their scan tells; the others are parsed.
 */
export function namedIds(body: JsonBody, api: Api): readonly NamedId[] {
  const found: NamedId[] = []
  const add = (what: NamedId['what'], id: unknown): void => {
    if (typeof id === 'string' && id !== '' && found.length <= mostNamed) found.push({ id, what })
  }
  if (api === 'responses') {
    add('response', fieldOf(body, 'previous_response_id'))
    add('conversation', idOf(fieldOf(body, 'conversation')))
    add('prompt', idOf(fieldOf(body, 'prompt')))
  }
  if (!mayName(body)) return found
  if (api === 'anthropic') add('container', idOf(fieldOf(body, 'container')))
  for (const field of ['messages', 'system', 'input']) {
    const value = fieldOf(body, field)
    // A text is one, whatever is in it.
    if (typeof value === 'object') inPrompt(value, api, add)
  }
  inTools(fieldOf(body, 'tools'), add)
  return found
}

const idOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : value

type Add = (what: NamedId['what'], id: unknown) => void

/** What a vendor's tool has made is told in its result, which nothing is read from. */
const results = /^(?:\w*code_execution\w*|\w*_citation|\w*_call_output)$/

function inPrompt(value: unknown, api: Api, add: Add): void {
  if (Array.isArray(value)) {
    for (const each of value) inPrompt(each, api, add)
    return
  }
  if (typeof value !== 'object' || value === null) return
  const block = value as Readonly<Record<string, unknown>>
  const kind = typeof block.type === 'string' ? block.type : ''
  if (!results.test(kind)) add('file', block.file_id)
  if (api === 'responses') {
    if (kind === 'item_reference') add('item', block.id)
    // One without its content is read from where it is stored.
    if (kind === 'reasoning' && !block.encrypted_content) add('item', block.id)
    if (kind.endsWith('_call')) add('container', block.container_id)
  }
  // Arguments of tools are the client's own words.
  for (const [name, inner] of Object.entries(block))
    if (typeof inner === 'object' && !(name === 'input' && /(?:^|_)tool_use$/.test(kind)))
      inPrompt(inner, api, add)
}

/** OpenAI's tools read files, containers and vector stores. */
function inTools(tools: unknown, add: Add): void {
  for (const tool of [tools].flat()) {
    if (typeof tool !== 'object' || tool === null) continue
    const {
      type,
      container,
      environment,
      vector_store_ids: stores,
    } = tool as Readonly<Record<string, unknown>>
    if (type === 'function' || type === 'custom' || type === undefined) continue
    for (const store of [stores].flat()) add('vector store', store)
    if (typeof container === 'string') add('container', container)
    for (const place of [container, environment]) {
      if (typeof place !== 'object' || place === null) continue
      const { container_id: id, file_ids: files } = place as Readonly<Record<string, unknown>>
      add('container', id)
      for (const file of [files].flat()) add('file', file)
    }
  }
}
