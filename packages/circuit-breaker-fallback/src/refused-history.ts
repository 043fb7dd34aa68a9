import { deriveRequest, type ModelRequest } from '@spillway/middleware'
import { fieldOf, type JsonObject, peekBytes, withItems } from '@spillway/middleware/kit'
import { isObject, objectsOf } from './json-values.ts'

const seamWord = Buffer.from('"fallback"')

/** What a model that declined leaves behind that no other can use. */
const ofTheDeclined: ReadonlySet<unknown> = new Set([
  'thinking',
  'redacted_thinking',
  'connector_text',
  'tool_use',
])

/**
 * A request whose earlier turns have no seams of refusals. What callers send back of an answer in which the model changed is
 * made ready as Anthropic asks for (refusals and fallback, continuing the conversation, 2026-09): before the last seam of a
 * turn, thinking and calls without a result go. The seams themselves are taken by some of its endpoints only.
 */
export function withoutSeams(request: ModelRequest): ModelRequest {
  const bytes = peekBytes(request.body)
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(seamWord)) return request
  const messages = fieldOf(request.body, 'messages')
  if (!Array.isArray(messages) || !messages.some(hasSeam)) return request
  const dropped = new Set<unknown>()
  /** By their place, what is left of the messages that change. */
  const left = new Map<number, readonly unknown[]>()
  messages.forEach((message: unknown, index) => {
    const content = isObject(message) ? message.content : undefined
    if (!isObject(message) || !Array.isArray(content)) return
    const kept = hasSeam(message)
      ? withoutDeclined(objectsOf(content), dropped)
      : content.filter((block) => !isResultOf(block, dropped))
    if (kept.length < content.length) left.set(index, kept)
  })
  // Numbers that JavaScript cannot hold stay in what is kept.
  const body = withItems(request.body, 'messages', (message, index) => {
    const kept = left.get(index)
    if (kept === undefined) return message
    if (kept.length === 0) return undefined
    const content = objectsOf([messages[index]])[0]?.content as readonly unknown[]
    return withItems(message, 'content', (block, place) =>
      kept.includes(content[place]) ? block : undefined,
    )
  })
  return deriveRequest(request, { body })
}

function hasSeam(message: unknown): boolean {
  return isObject(message) && objectsOf(message.content).some(({ type }) => type === 'fallback')
}

function withoutDeclined(content: readonly JsonObject[], dropped: Set<unknown>): readonly JsonObject[] {
  const last = content.findLastIndex(({ type }) => type === 'fallback')
  const answered = new Set(content.map(({ tool_use_id: id }) => id))
  return content.filter(({ type, id }, index) => {
    if (type === 'fallback') return false
    if (index > last) return true
    if (type === 'tool_use') dropped.add(id)
    if (type === 'server_tool_use' || type === 'mcp_tool_use') return answered.has(id)
    return !ofTheDeclined.has(type)
  })
}

function isResultOf(block: unknown, dropped: ReadonlySet<unknown>): boolean {
  return isObject(block) && block.type === 'tool_result' && dropped.has(block.tool_use_id)
}
