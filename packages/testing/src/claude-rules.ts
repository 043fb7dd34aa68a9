import { type Call, fieldsOf, type Refusal } from './answer.ts'
import { refusedByModel } from './claude-model-rules.ts'
import { wrongSchema, wrongTools } from './claude-schema-rules.ts'
import { wrongTurns } from './claude-turn-rules.ts'

/**
 * What Claude refuses of a conversation that has the right form, by its documentation and by what users of proxies have
 * reported in 2025 and 2026: unknown fields, blank texts, ids with other characters, ids that come twice, calls without results
 * and results without calls, instructions in the wrong place, images of other types, schemas that it cannot keep to; and what
 * its model does not take.
 */
export function refusedByRules({ request }: Call): Refusal | undefined {
  const body = fieldsOf(request.json)
  const messages = (Array.isArray(body.messages) ? body.messages : []).map(fieldsOf)
  const message =
    unknownField(body) ??
    wrongSystem(messages) ??
    wrongBlocks(messages) ??
    wrongTurns(messages) ??
    wrongStops(body.stop_sequences) ??
    wrongTools(body) ??
    wrongSchema(fieldsOf(fieldsOf(body.output_config).format).schema, 'output_config.format.schema') ??
    refusedByModel(body, request.headers['anthropic-version'] as string | undefined)
  return message === undefined ? undefined : { status: 400, message }
}

type Fields = ReturnType<typeof fieldsOf>

/** The fields of a request, by the types of the official SDK 1.12, betas included. */
const fields: ReadonlySet<string> = new Set(
  `model messages max_tokens system stream tools tool_choice thinking output_config output_format metadata service_tier speed
  cache_control inference_geo container diagnostics stop_sequences fallbacks fallback_credit_token mcp_servers context_management
  betas temperature top_p top_k user_profile_id`.split(/\s+/),
)

function unknownField(body: Fields): string | undefined {
  const unknown = Object.keys(body).find((name) => !fields.has(name))
  return unknown && `${unknown}: Extra inputs are not permitted`
}

function wrongStops(stops: unknown): string | undefined {
  const isBlank = (Array.isArray(stops) ? stops : []).some((each) => String(each).trim() === '')
  return isBlank ? 'stop_sequences: each stop sequence must contain non-whitespace' : undefined
}

/** Instructions between turns follow the user's and are last or before the assistant's. */
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
      const { type, media_type, url } = fieldsOf(block.source)
      if (type === 'url' && !String(url).startsWith('https://')) {
        return `${place}.image.source.url: Only HTTPS URLs are supported.`
      }
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
