import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf } from '@spillway/wire/internal'
import { blocksOf } from '../protocols/json.ts'

const ephemeral = { type: 'ephemeral' }

/** Blocks on which Anthropic takes no hint for its cache. */
const uncached: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking'])

/**
 * A request for Claude with marks for its prompt cache where callers of a vendor that caches unasked have set none: behind tools and
 * instructions, behind the last turn, and behind the user's turn before it, where this call finds what the last one has written.
 * Only for conversations that go on: those with tools, or with an answer in them.
 */
export function withCacheBreakpoints(body: JsonObject): JsonObject {
  const messages = objectsOf(body.messages)
  const goesOn = objectsOf(body.tools).length > 0 || messages.some(({ role }) => role === 'assistant')
  if (!goesOn || hasMark(body)) return body
  const users = messages.flatMap(({ role }, index) => (role === 'user' ? [index] : []))
  const marked = new Set(users.slice(-2))
  return {
    ...body,
    ...(body.tools === undefined ? {} : { tools: lastMarked(objectsOf(body.tools)) }),
    ...(body.system === undefined ? {} : { system: lastMarked(blocksOf(body.system)) }),
    messages: messages.map((message, index) =>
      marked.has(index) ? { ...message, content: lastMarked(blocksOf(message.content)) } : message,
    ),
  }
}

function lastMarked(blocks: readonly JsonObject[]): readonly JsonObject[] {
  const last = blocks.at(-1)
  if (last === undefined || uncached.has(last.type)) return blocks
  return [...blocks.slice(0, -1), { ...last, cache_control: ephemeral }]
}

function hasMark({ tools, system, messages, cache_control }: JsonObject): boolean {
  const isMarked = (block: unknown): boolean => isObject(block) && block.cache_control != null
  return (
    cache_control != null ||
    objectsOf(tools).some(isMarked) ||
    objectsOf(system).some(isMarked) ||
    objectsOf(messages).some(({ content }) => objectsOf(content).some(isMarked))
  )
}
