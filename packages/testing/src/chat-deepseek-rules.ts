import { type Call, fieldsOf } from './answer.ts'
import { callsOf, messagesOf, wrongToolTurns } from './chat-tool-turns.ts'

type Fields = ReturnType<typeof fieldsOf>

const fields: readonly string[] =
  `messages model thinking reasoning_effort max_tokens response_format stop stream stream_options temperature
  top_p tools tool_choice frequency_penalty presence_penalty logprobs top_logprobs`.split(/\s+/)
const roles: readonly unknown[] = ['system', 'user', 'assistant', 'tool']

/**
 * What DeepSeek refuses of a chat request, by its documentation and its error messages as public issues quote them (V4, 2026),
 * and the stricter of the servers that follow it: unknown fields, the newer roles, content in parts, JSON schemas; in its
 * thinking mode, which is on unless it is switched off, tools that must be called and calls without `reasoning_content`.
 */
export function refusedByDeepSeek({ request }: Call): { status: number; message: string } | undefined {
  const body = fieldsOf(request.json)
  const messages = messagesOf(body)
  const message =
    unknownField(body) ??
    messages.map(wrongMessage).find((wrong) => wrong !== undefined) ??
    wrongParameter(body) ??
    wrongToolTurns(messages) ??
    wrongThinking(body, messages)
  return message === undefined ? undefined : { status: 400, message }
}

const notRead = 'Failed to deserialize the JSON body into the target type: '

function unknownField(body: Fields): string | undefined {
  const unknown = Object.keys(body).find((name) => !fields.includes(name))
  if (unknown === undefined) return undefined
  return `${notRead}unknown field \`${unknown}\`, expected one of ${fields.map((name) => `\`${name}\``).join(', ')} at line 1 column 9`
}

function wrongMessage(message: Fields, i: number): string | undefined {
  const { role, content, tool_call_id } = message
  const place = `${notRead}messages[${i}]`
  if (!roles.includes(role)) {
    return `${place}.role: unknown variant \`${role}\`, expected one of \`system\`, \`user\`, \`assistant\`, \`tool\` at line 1 column 9`
  }
  if (role === 'tool' && typeof tool_call_id !== 'string')
    return `${place}: missing field \`tool_call_id\` at line 1 column 9`
  const part = Array.isArray(content) ? content.map(fieldsOf).find(({ type }) => type !== 'text') : undefined
  if (part !== undefined)
    return `${place}: unknown variant \`${part.type}\`, expected \`text\` at line 1 column 9`
  if (typeof content !== 'string' && !(role === 'assistant' && content === null)) {
    return `${place}: invalid type: ${content === undefined ? 'unit value' : 'sequence'}, expected a string at line 1 column 9`
  }
  for (const call of callsOf(message)) {
    if (typeof call.id !== 'string') return `${place}: missing field \`id\` at line 1 column 9`
    const { arguments: args } = fieldsOf(call.function)
    if (typeof args !== 'string') return `${place}: invalid type: map, expected a string at line 1 column 9`
  }
  return undefined
}

function wrongParameter({
  max_tokens,
  response_format,
  stop,
  stream,
  stream_options,
  tools,
}: Fields): string | undefined {
  if (max_tokens != null && !(Number(max_tokens) >= 1))
    return 'Invalid max_tokens value, the valid range of max_tokens is [1, 393216]'
  const { type } = fieldsOf(response_format)
  if (type !== undefined && type !== 'text' && type !== 'json_object')
    return 'This response_format type is unavailable now'
  if (Array.isArray(stop) && stop.length > 16) return 'Invalid stop: at most 16 sequences'
  if (stream_options != null && stream !== true)
    return 'stream_options should be set along with stream = true'
  const strict = (Array.isArray(tools) ? tools : []).some(
    (tool) => fieldsOf(fieldsOf(tool).function).strict != null,
  )
  return strict ? 'Strict mode is only available at the beta address' : undefined
}

function wrongThinking(body: Fields, messages: readonly Fields[]): string | undefined {
  if (fieldsOf(body.thinking).type === 'disabled') return undefined
  if (body.tool_choice != null && body.tool_choice !== 'auto' && body.tool_choice !== 'none') {
    return 'Thinking mode does not support this tool_choice'
  }
  const forgotten = messages.some(
    (each) => callsOf(each).length > 0 && typeof each.reasoning_content !== 'string',
  )
  return forgotten
    ? 'The `reasoning_content` in the thinking mode must be passed back to the API.'
    : undefined
}
