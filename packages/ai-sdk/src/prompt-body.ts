import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider'
import { definedOnly, type JsonBody, type JsonObject, jsonBodyFromObject } from '@spillway/middleware/kit'

/**
 * A call as the body of a Messages request: what policies estimate tokens by, keep conversations together by, and record. It is
 * made and encoded only when one of them looks at it, and it is sent nowhere.
 */
export function promptBody(options: LanguageModelV4CallOptions, model: string, stream: boolean): JsonBody {
  let body: JsonBody | undefined
  const made = (): JsonBody => {
    body ??= jsonBodyFromObject(messagesRequest(options, model, stream))
    return body
  }
  return {
    get bytes() {
      return made().bytes
    },
    get json() {
      return made().json
    },
  }
}

function messagesRequest(options: LanguageModelV4CallOptions, model: string, stream: boolean): JsonObject {
  const { prompt, tools } = options
  const system = prompt.flatMap((message) => (message.role === 'system' ? [message.content] : []))
  return definedOnly<Record<string, unknown>>({
    model,
    stream,
    max_tokens: options.maxOutputTokens,
    system: system.length > 0 ? system.join('\n') : undefined,
    messages: prompt.flatMap(turn),
    tools: tools?.map((tool) =>
      tool.type === 'function'
        ? { name: tool.name, description: tool.description, input_schema: tool.inputSchema }
        : { name: tool.name, type: tool.id },
    ),
    temperature: options.temperature,
    top_p: options.topP,
    top_k: options.topK,
    stop_sequences: options.stopSequences,
  })
}

type Message = LanguageModelV4Prompt[number]
type Part = Exclude<Message['content'], string>[number]

function turn(message: Message): JsonObject[] {
  if (message.role === 'system') return []
  // Results of tools are the user's turn in the Messages API.
  const role = message.role === 'assistant' ? 'assistant' : 'user'
  return [{ role, content: (message.content as readonly Part[]).map(block) }]
}

function block(part: Part): JsonObject {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'reasoning':
      return { type: 'thinking', thinking: part.text }
    case 'file':
      return fileBlock(part.mediaType, part.data)
    case 'tool-call':
      return { type: 'tool_use', id: part.toolCallId, name: part.toolName, input: part.input }
    case 'tool-result':
      return { type: 'tool_result', tool_use_id: part.toolCallId, content: JSON.stringify(part.output) ?? '' }
    default:
      return { type: part.type }
  }
}

/** Bytes are not encoded for this: an image counts as one, and documents by their data where they have it as text. */
function fileBlock(mediaType: string, data: { readonly type: string }): JsonObject {
  const type = mediaType.startsWith('image/') ? 'image' : 'document'
  const text = (data as { data?: unknown }).data
  const source =
    typeof text === 'string'
      ? { type: 'base64', media_type: mediaType, data: text }
      : { type: 'file', media_type: mediaType }
  return { type, source }
}
