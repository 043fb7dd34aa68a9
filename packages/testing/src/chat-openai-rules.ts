import { type Call, fieldsOf } from './answer.ts'
import { callsOf, looseObject, messagesOf, wrongToolTurns } from './chat-tool-turns.ts'

type Fields = ReturnType<typeof fieldsOf>

/** The fields of a request, by the types of the official SDK 7.57. */
const fields: ReadonlySet<string> = new Set(
  `audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages metadata
  modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort
  response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs
  top_p user verbosity web_search_options`.split(/\s+/),
)
const messageFields: ReadonlySet<string> = new Set(
  'role content name refusal tool_calls function_call audio tool_call_id'.split(' '),
)
const roles: readonly unknown[] = ['developer', 'system', 'user', 'assistant', 'tool', 'function']
const efforts: readonly unknown[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh']
/** Models that think, and take neither the old limit nor sampling parameters. */
export const thinkingModels: RegExp = /^(?:o\d|gpt-[56])/
const namePattern = /^[a-zA-Z0-9_-]+$/

/** What OpenAI refuses of a chat request, by its error messages as public issues quote them. */
export function refusedByOpenAi({ request }: Call): { status: number; message: string } | undefined {
  const body = fieldsOf(request.json)
  const messages = messagesOf(body)
  const message =
    unknownField(body) ??
    wrongParameter(body) ??
    wrongTools(body) ??
    wrongPlace(body) ??
    wrongFormat(body) ??
    messages.map(wrongMessage).find((wrong) => wrong !== undefined) ??
    wrongToolTurns(messages)
  return message === undefined ? undefined : { status: 400, message }
}

/** Models that take functions here only where they do not think (OpenAI's deployment checklist; itzcrazykns/vane#1173; 2026). */
const functionsByResponses = /^gpt-(?:5\.[6-9]|6)/

function wrongPlace({ model, tools, reasoning_effort }: Fields): string | undefined {
  const hasFunctions = Array.isArray(tools) && tools.length > 0
  if (!hasFunctions || reasoning_effort === 'none' || !functionsByResponses.test(String(model)))
    return undefined
  return `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`
}

function unknownField(body: Fields): string | undefined {
  const unknown = Object.keys(body).find((name) => !fields.has(name))
  return unknown && `Unknown parameter: '${unknown}'.`
}

function wrongParameter(body: Fields): string | undefined {
  const { model, stop, stream, stream_options, reasoning_effort, safety_identifier } = body
  if (thinkingModels.test(String(model))) {
    if (body.max_tokens != null) {
      return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    }
    for (const name of ['temperature', 'top_p']) {
      if (body[name] != null && body[name] !== 1) {
        return `Unsupported value: '${name}' does not support ${body[name]} with this model. Only the default (1) value is supported.`
      }
    }
  } else if (reasoning_effort != null) {
    return 'Unrecognized request argument supplied: reasoning_effort'
  }
  if (reasoning_effort != null && !efforts.includes(reasoning_effort)) {
    return `Invalid value: '${reasoning_effort}'. Supported values are: ${efforts.map((each) => `'${each}'`).join(', ')}.`
  }
  for (const name of ['max_completion_tokens', 'max_tokens']) {
    if (body[name] != null && !(Number(body[name]) >= 1)) {
      return `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${body[name]} instead.`
    }
  }
  if (Array.isArray(stop) && stop.length > 4) {
    return `Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length ${stop.length} instead.`
  }
  if (stream_options != null && stream !== true) {
    return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
  }
  if (String(safety_identifier ?? '').length > 64) {
    return "Invalid 'safety_identifier': string too long. Expected a string with maximum length 64."
  }
  return undefined
}

function wrongTools({ tools, tool_choice, parallel_tool_calls }: Fields): string | undefined {
  if (tools == null) {
    if (tool_choice != null)
      return "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
    if (parallel_tool_calls == null) return undefined
    return "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified."
  }
  const list = Array.isArray(tools) ? tools.map(fieldsOf) : []
  if (list.length === 0) return "Invalid 'tools': empty array. Expected an array with minimum length 1."
  for (const [i, { type, ...tool }] of list.entries()) {
    if (type === 'custom') continue
    if (type !== 'function') return `Invalid value: '${type}'. Supported values are: 'function' and 'custom'.`
    const { name, parameters, strict } = fieldsOf(tool.function)
    const wrong = wrongName(name, `tools[${i}].function.name`)
    if (wrong !== undefined) return wrong
    const schema = fieldsOf(parameters)
    const open =
      strict === true
        ? looseObject(schema)
        : parameters !== undefined && schema.type === 'object' && schema.properties === undefined
          ? 'In context=(), object schema missing properties.'
          : undefined
    if (open !== undefined) return `Invalid schema for function '${name}': ${open}`
  }
  const names = list.map((tool) => fieldsOf(tool.function ?? tool.custom).name)
  const chosen = fieldsOf(fieldsOf(tool_choice).function).name
  if (chosen !== undefined && !names.includes(chosen)) {
    return `Tool choice '${chosen}' not found in 'tools' parameter.`
  }
  return undefined
}

function wrongFormat({ response_format }: Fields): string | undefined {
  const { type, json_schema } = fieldsOf(response_format)
  if (type !== 'json_schema') return undefined
  const { name, schema, strict } = fieldsOf(json_schema)
  if (name === undefined) return "Missing required parameter: 'response_format.json_schema.name'."
  const open = strict === true ? looseObject(schema) : undefined
  return open && `Invalid schema for response_format '${name}': ${open}`
}

function wrongMessage(message: Fields, i: number): string | undefined {
  const { role, content } = message
  if (!roles.includes(role)) {
    return `Invalid value: '${role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.`
  }
  const unknown = Object.keys(message).find((name) => !messageFields.has(name))
  if (unknown !== undefined) return `Unknown parameter: 'messages[${i}].${unknown}'.`
  const calls = callsOf(message)
  if (message.tool_calls !== undefined && calls.length === 0) {
    return `Invalid 'messages[${i}].tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.`
  }
  if (content == null && !(role === 'assistant' && calls.length > 0)) {
    return `Invalid value for 'content': expected a string, got null. (messages.[${i}].content)`
  }
  for (const [k, call] of calls.entries()) {
    const place = `messages[${i}].tool_calls[${k}]`
    const wrong = wrongId(call.id, `${place}.id`)
    if (wrong !== undefined) return wrong
    if (call.type === 'custom') continue
    const { name, arguments: args } = fieldsOf(call.function)
    if (typeof args !== 'string') return `Invalid type for '${place}.function.arguments': expected a string.`
    const misnamed = wrongName(name, `${place}.function.name`)
    if (misnamed !== undefined) return misnamed
  }
  const parts = Array.isArray(content) ? content.map(fieldsOf) : []
  return parts.map((part, k) => wrongPart(part, role, `messages[${i}].content[${k}]`)).find(Boolean)
}

const imageTypes = /^data:image\/(?:jpeg|png|gif|webp);base64,/

function wrongPart(part: Fields, role: unknown, place: string): string | undefined {
  const taken = role === 'user' ? ['text', 'image_url', 'input_audio', 'file'] : ['text', 'refusal']
  if (!taken.includes(String(part.type))) {
    return `Invalid '${place}'. ${role === 'user' ? '' : "Image URLs are only allowed for messages with role 'user', but this message contains one. "}Type: '${part.type}'.`
  }
  if (part.type !== 'image_url') return undefined
  const url = String(fieldsOf(part.image_url).url)
  if (imageTypes.test(url) || /^https?:/.test(url)) return undefined
  return "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp']."
}

function wrongName(name: unknown, place: string): string | undefined {
  if (!namePattern.test(String(name ?? ''))) {
    return `Invalid '${place}': string does not match pattern. Expected a string that matches the pattern '${namePattern.source}'.`
  }
  return String(name).length > 64
    ? `Invalid '${place}': string too long. Expected a string with maximum length 64.`
    : undefined
}

function wrongId(id: unknown, place: string): string | undefined {
  if (typeof id !== 'string' || id === '') return `Missing required parameter: '${place}'.`
  return id.length > 40
    ? `Invalid '${place}': string too long. Expected a string with maximum length 40, but got a string with length ${id.length} instead.`
    : undefined
}
