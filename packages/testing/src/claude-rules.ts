import { type Call, fieldsOf } from './answer.ts'
import { refusedByModel } from './claude-model-rules.ts'

type Refusal = { readonly status: number; readonly message: string }

/**
 * What Claude refuses of a conversation that has the right form, by its documentation and by what users of proxies have
 * reported in 2025 and 2026: blank texts, ids with other characters, ids that come twice, instructions in the wrong place,
 * images of other types, schemas that leave objects open; and what its model does not take.
 */
export function refusedByRules({ request }: Call): Refusal | undefined {
  const body = fieldsOf(request.json)
  const messages = (Array.isArray(body.messages) ? body.messages : []).map(fieldsOf)
  const message =
    wrongSystem(messages) ??
    wrongBlocks(messages) ??
    openObject(fieldsOf(fieldsOf(body.output_config).format).schema, 'output_config.format.schema') ??
    refusedByModel(body, request.headers['anthropic-version'] as string | undefined)
  return message === undefined ? undefined : { status: 400, message }
}

type Fields = ReturnType<typeof fieldsOf>

/** Instructions between turns follow the user's and stand last or before the assistant's. */
function wrongSystem(messages: readonly Fields[]): string | undefined {
  for (const [i, { role }] of messages.entries()) {
    if (role !== 'system') continue
    if (messages[i - 1]?.role !== 'user') return `messages.${i}: a system message must follow a user message`
    const next = messages[i + 1]?.role
    if (next !== undefined && next !== 'assistant') {
      return `messages.${i}: a system message must be last or precede an assistant message`
    }
  }
  return undefined
}

const idPattern = /^[a-zA-Z0-9_-]+$/
const imageTypes = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

function wrongBlocks(messages: readonly Fields[]): string | undefined {
  const ids = new Set<unknown>()
  for (const [i, { content }] of messages.entries()) {
    if (typeof content === 'string' && content.trim() === '') return blank(`messages.${i}.content`)
    for (const [k, value] of (Array.isArray(content) ? content : []).entries()) {
      const block = fieldsOf(value)
      const wrong = wrongBlock(block, `messages.${i}.content.${k}`)
      if (wrong !== undefined) return wrong
      if (block.type !== 'tool_use') continue
      if (ids.has(block.id)) return `messages.${i}.content.${k}: \`tool_use\` ids must be unique`
      ids.add(block.id)
    }
  }
  return undefined
}

function wrongBlock(block: Fields, place: string): string | undefined {
  switch (block.type) {
    case 'text':
      return String(block.text).trim() === '' ? blank(place) : undefined
    case 'tool_use':
      return wrongId(block.id, `${place}.tool_use.id`)
    case 'tool_result': {
      const inner = Array.isArray(block.content) ? block.content : []
      const wrong = inner.map((value, n) => wrongBlock(fieldsOf(value), `${place}.tool_result.content.${n}`))
      return wrongId(block.tool_use_id, `${place}.tool_result.tool_use_id`) ?? wrong.find(Boolean)
    }
    case 'image': {
      const { type, media_type } = fieldsOf(block.source)
      if (type !== 'base64' || imageTypes.includes(String(media_type))) return undefined
      return `${place}.image.source.base64.media_type: Input should be ${imageTypes.map((each) => `'${each}'`).join(', ')}`
    }
  }
  return undefined
}

function blank(place: string): string {
  return `${place}: text content blocks must contain non-whitespace text`
}

function wrongId(id: unknown, place: string): string | undefined {
  return idPattern.test(String(id))
    ? undefined
    : `${place}: String should match pattern '${idPattern.source}'`
}

/** Levels of a schema that are looked into; no real one is deeper. */
const deepest = 64

/** Every object of an answer's schema says that it has no other properties. */
function openObject(schema: unknown, place: string, depth = 0): string | undefined {
  if (typeof schema !== 'object' || schema === null || depth > deepest) return undefined
  const { type, additionalProperties } = fieldsOf(schema)
  if (!Array.isArray(schema) && type === 'object' && additionalProperties !== false) {
    return `${place}: For 'object' type, 'additionalProperties' must be explicitly set to false`
  }
  for (const [name, value] of Object.entries(schema)) {
    const found = openObject(value, `${place}.${name}`, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
