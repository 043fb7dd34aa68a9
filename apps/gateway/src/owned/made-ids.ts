import { isObject, parseBounded } from '@spillway/wire/internal'

/** Ids of one answer that are remembered. */
const mostMade = 200
/** Characters of one event, and of an answer as a whole: longer events repeat what others have said. */
const longest = { event: 1024 * 1024, answer: 8 * 1024 * 1024 }

/** Reads what an answer makes at the vendor that a later call may name: responses, their items, containers, files of containers. */
export interface MadeIds {
  push(chunk: Uint8Array): void
  /** To be asked when all has passed, also where it has broken off. */
  end(): void
}

/**
 * Only from where vendors put what is theirs: an answer repeats fields of its request, in which a caller may write the id of another's.
 * @param isStream whether it is server-sent events, else one JSON object
 */
export function madeIds(isStream: boolean, onMade: (id: string) => void): MadeIds {
  let left = mostMade
  const made = (id: unknown): void => {
    if (typeof id === 'string' && /^[\w-]{8,200}$/.test(id) && left-- > 0) onMade(id)
  }
  const read = (text: string): void => {
    const value = parseBounded(text)
    if (isObject(value)) inAnswer(value, made)
  }
  let line = ''
  let isSkipped = false
  const decoder = new TextDecoder()
  const keep = (part: string): void => {
    line += part
    if (line.length <= (isStream ? longest.event : longest.answer)) return
    line = ''
    isSkipped = true
  }
  const endLine = (): void => {
    const text = line
    line = ''
    if (isSkipped || !text.startsWith('data:')) {
      isSkipped = false
      return
    }
    // Most events are pieces of a text.
    if (interesting.test(text.slice(0, 400))) read(text.slice(5))
  }
  return {
    push(chunk) {
      const text = decoder.decode(chunk, { stream: true })
      if (!isStream) return keep(text)
      const [first = '', ...others] = text.split(/\r\n|\r|\n/)
      keep(first)
      for (const part of others) {
        endLine()
        keep(part)
      }
    },
    end() {
      if (isStream) endLine()
      else if (!isSkipped) read(line)
    },
  }
}

const interesting =
  /"(?:response\.(?:created|output_item\.(?:added|done)|completed|incomplete|failed)|message_(?:start|delta)|content_block_start)"/

function inAnswer(event: Readonly<Record<string, unknown>>, made: (id: unknown) => void): void {
  const { response, item, message, delta, content_block: block, object } = event
  // A response as a whole, or as the first and the last event of a stream have it.
  for (const each of [response, object === 'response' ? event : undefined])
    if (isObject(each)) {
      made(each.id)
      for (const output of listOf(each.output)) ofItem(output, made)
    }
  if (isObject(item)) ofItem(item, made)
  for (const each of [message, delta, event.type === 'message' ? event : undefined])
    if (isObject(each)) {
      if (isObject(each.container)) made(each.container.id)
      for (const content of listOf(each.content)) ofBlock(content, made)
    }
  if (isObject(block)) ofBlock(block, made)
}

function ofItem(
  { id, container_id: container, content }: Readonly<Record<string, unknown>>,
  made: (id: unknown) => void,
): void {
  made(id)
  made(container)
  for (const part of listOf(content))
    for (const note of listOf(part.annotations))
      if (note.type === 'container_file_citation') made(note.file_id)
}

/** Files that code has written, in the result of its execution. */
function ofBlock({ type, content }: Readonly<Record<string, unknown>>, made: (id: unknown) => void): void {
  if (typeof type !== 'string' || !/code_execution_tool_result$/.test(type) || !isObject(content)) return
  for (const output of listOf(content.content)) made(output.file_id)
}

const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isObject) : []
