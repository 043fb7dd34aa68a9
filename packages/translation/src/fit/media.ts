import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf } from '@spillway/wire/internal'

export type MediaKind = 'images' | 'documents'

const kinds: Readonly<Record<MediaKind, ReadonlySet<unknown>>> = {
  images: new Set(['image', 'image_url']),
  documents: new Set(['document', 'file']),
}

/** Where a request has images or documents: nowhere, only in turns of the past, or in what is asked now. */
export function whereIs(kind: MediaKind, messages: unknown): 'nowhere' | 'before' | 'now' {
  const turns = objectsOf(messages)
  const lastAnswer = turns.findLastIndex(({ role }) => role === 'assistant')
  if (turns.slice(lastAnswer + 1).some((turn) => holds(turn.content, kind))) return 'now'
  return turns.some((turn) => holds(turn.content, kind)) ? 'before' : 'nowhere'
}

function holds(content: unknown, kind: MediaKind): boolean {
  return objectsOf(content).some((block) => kinds[kind].has(block.type) || holds(block.content, kind))
}

/** The messages with a note in place of each image or document, so that the model knows that there was one. */
export function withNotes(kind: MediaKind, messages: unknown): JsonObject[] {
  const text = kind === 'images' ? '[an image was here]' : '[a document was here]'
  const replaced = (content: unknown): unknown =>
    Array.isArray(content)
      ? content.map((block: unknown) => {
          if (!isObject(block)) return block
          if (kinds[kind].has(block.type)) return { type: 'text', text }
          return Array.isArray(block.content) ? { ...block, content: replaced(block.content) } : block
        })
      : content
  return objectsOf(messages).map((message) => ({ ...message, content: replaced(message.content) }))
}
