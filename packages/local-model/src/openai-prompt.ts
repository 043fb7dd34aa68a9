import type { JsonObject } from '@spillway/middleware/kit'
import { addTurn } from './anthropic-prompt.ts'
import type { Prompt, Turn } from './prompt.ts'
import {
  badRequest,
  countField,
  isObject,
  lose,
  messagesField,
  numberField,
  stringsField,
} from './request-fields.ts'

const roles: Readonly<Record<string, Turn['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'user',
  function: 'user',
}

/**
 * Turns an OpenAI chat completions body into a prompt of text; see `promptFromAnthropic` for what is lost.
 * @throws LocalModelError with code `SPILLWAY_LOCAL_PROMPT_INVALID`
 */
export function promptFromOpenai(body: JsonObject): Prompt {
  const losses = new Set<string>()
  const turns: Turn[] = []
  messagesField(body).forEach((message, index) => {
    const role = roles[String(message.role)]
    if (role === undefined)
      throw badRequest(`messages.${index}.role: unknown role ${JSON.stringify(message.role)}`)
    addTurn(turns, { role, text: messageText(message, `messages.${index}`, losses) })
  })
  if (Array.isArray(body.tools) && body.tools.length > 0) losses.add('tools')
  if (isObject(body.response_format) && body.response_format.type !== 'text') losses.add('output_format')
  if ((countField(body, 'n') ?? 1) > 1) losses.add('choices')
  return {
    turns,
    maxTokens: countField(body, 'max_completion_tokens') ?? countField(body, 'max_tokens'),
    stop: stringsField(typeof body.stop === 'string' ? [body.stop] : body.stop, 'stop'),
    temperature: numberField(body, 'temperature', 0, 2),
    topP: numberField(body, 'top_p', 0, 1),
    topK: undefined,
    seed: countField(body, 'seed'),
    losses: [...losses],
  }
}

function messageText(message: JsonObject, at: string, losses: Set<string>): string {
  const text = contentText(message.content, `${at}.content`, losses)
  if (message.role === 'tool' || message.role === 'function') return `[The tool answered]\n${text}`
  if (!Array.isArray(message.tool_calls)) return text
  const calls = message.tool_calls.map((call: unknown) => {
    const called = isObject(call) && isObject(call.function) ? call.function : {}
    return `[Called the tool ${called.name} with ${called.arguments ?? '{}'}]`
  })
  return [text, ...calls].filter((part) => part !== '').join('\n\n')
}

function contentText(content: unknown, at: string, losses: Set<string>): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw badRequest(`${at}: must be a string or an array of parts`)
  const texts = content.map((part: unknown, index) => {
    if (!isObject(part) || typeof part.type !== 'string') {
      throw badRequest(`${at}.${index}: must be a content part with a type`)
    }
    if (part.type === 'text' && typeof part.text === 'string') return part.text
    if (part.type === 'refusal' && typeof part.refusal === 'string') return part.refusal
    const loss = lose(losses, part.type === 'image_url' ? 'images' : part.type)
    return loss === 'images'
      ? '[An image was here, which this model cannot see.]'
      : `[Content of the type ${loss} was here, which this model cannot read.]`
  })
  return texts.join('\n\n')
}
