import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf, stringField, textOf, writeJson } from '@spillway/wire/internal'
import type { Loss } from '../protocols/loss.ts'
import { toolIdFor } from '../protocols/tool-names.ts'
import { builtInCall, isBuiltInOutput } from './built-in-tools.ts'
import { reasoningOf } from './carried-reasoning.ts'
import { nameWithin } from './tool-kinds.ts'

type Lose = (loss: Loss) => void

/**
 * The messages of a chat for the input of a request, one for each item, so that their order stays. Messages of the assistant that
 * follow each other are one answer.
 */
export function messagesOfItems(input: unknown, lose: Lose): JsonObject[] {
  if (typeof input === 'string') return input === '' ? [] : [{ role: 'user', content: input }]
  const messages: JsonObject[] = []
  // Reasoning belongs to what it has led to; alone it says nothing.
  let thoughts: JsonObject[] = []
  for (const item of objectsOf(input)) {
    const message = item.type === 'reasoning' ? reasoningMessage(item) : messageOf(item, lose)
    if (message === undefined) continue
    if (item.type === 'reasoning') {
      thoughts.push(message)
      continue
    }
    if (message.role === 'assistant') messages.push(...thoughts)
    else if (thoughts.length > 0) lose('thinking')
    thoughts = []
    messages.push(message)
  }
  if (thoughts.length > 0) lose('thinking')
  return messages
}

function messageOf(item: JsonObject, lose: Lose): JsonObject | undefined {
  const { type } = item
  if (type == null || type === 'message') return spokenMessage(item, lose)
  if (type === 'function_call') return callMessage(item, textOf(item.arguments ?? '{}'))
  if (type === 'custom_tool_call') return callMessage(item, writeJson({ input: textOf(item.input ?? '') }))
  if (type === 'function_call_output' || type === 'custom_tool_call_output' || isBuiltInOutput(item)) {
    return outputMessage(item, lose)
  }
  const builtIn = builtInCall(item)
  if (builtIn !== undefined) return callMessage({ ...item, name: builtIn.name }, builtIn.arguments)
  lose(servedByVendor.has(textOf(type)) ? 'server_tools' : 'unknown_fields')
  return undefined
}

/** Items of tools that ran at the vendor: what they found is in the answers. */
const servedByVendor: ReadonlySet<string> = new Set(
  `web_search_call file_search_call code_interpreter_call image_generation_call computer_call computer_call_output mcp_list_tools
  mcp_approval_request mcp_approval_response mcp_call tool_search_call tool_search_output program program_output`.split(
    /\s+/,
  ),
)

function spokenMessage(item: JsonObject, lose: Lose): JsonObject | undefined {
  const { role, content } = item
  if (typeof role !== 'string') {
    lose('unknown_fields')
    return undefined
  }
  if (typeof content === 'string') return { role, content }
  return { role, content: objectsOf(content).map((part) => chatPart(part, lose)) }
}

/** A part of a message or of what a tool gave, in the words of chat completions. */
function chatPart(part: JsonObject, lose: Lose): JsonObject {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
    case 'summary_text':
      return { type: 'text', text: textOf(part.text ?? '') }
    case 'refusal':
      return { type: 'refusal', refusal: textOf(part.refusal ?? '') }
    case 'input_image':
      return imagePart(part)
    case 'input_file':
      return filePart(part, lose)
    default:
      // What has a counterpart is passed on, and of the rest the next translation says what it loses.
      return part
  }
}

function imagePart({ image_url, detail }: JsonObject): JsonObject {
  const url = stringField(image_url, 'url') ?? (typeof image_url === 'string' ? image_url : '')
  return { type: 'image_url', image_url: { url, ...(typeof detail === 'string' ? { detail } : {}) } }
}

/** A file by its URL is no part of a chat. */
function filePart({ file_data, filename, file_url }: JsonObject, lose: Lose): JsonObject {
  if (typeof file_data === 'string') {
    return {
      type: 'file',
      file: { file_data: withType(file_data), ...(filename == null ? {} : { filename }) },
    }
  }
  lose('documents')
  const name = filename ?? file_url
  return {
    type: 'text',
    text: `[a document${name == null ? '' : ` (${textOf(name)})`} that could not be passed on]`,
  }
}

/** Some clients send the data alone, as the API once took it. */
function withType(data: string): string {
  return data.startsWith('data:') ? data : `data:application/pdf;base64,${data}`
}

function callMessage(item: JsonObject, args: string): JsonObject {
  const name = nameWithin(stringField(item, 'namespace'), textOf(item.name))
  const call = { id: callIdOf(item), type: 'function', function: { name, arguments: args } }
  return { role: 'assistant', content: null, tool_calls: [call] }
}

function outputMessage(item: JsonObject, lose: Lose): JsonObject {
  return { role: 'tool', tool_call_id: callIdOf(item), content: outputContent(item, lose) }
}

function outputContent(item: JsonObject, lose: Lose): unknown {
  const { output, status } = item
  if (item.type === 'apply_patch_call_output') return [status, output].filter(Boolean).map(textOf).join('\n')
  if (item.type === 'shell_call_output') return objectsOf(output).map(shellOutput).join('\n')
  if (Array.isArray(output)) return objectsOf(output).map((part) => chatPart(part, lose))
  return isObject(output) ? writeJson(output) : textOf(output ?? '')
}

function shellOutput({ stdout, stderr, outcome }: JsonObject): string {
  const code =
    isObject(outcome) && outcome.type === 'exit' ? `exit code ${textOf(outcome.exit_code)}` : 'timed out'
  return [textOf(stdout ?? ''), textOf(stderr ?? ''), `[${code}]`].filter((each) => each !== '').join('\n')
}

function callIdOf(item: JsonObject): string {
  return toolIdFor('openai', textOf(item.call_id ?? item.id ?? ''))
}

function reasoningMessage(item: JsonObject): JsonObject | undefined {
  const details = reasoningOf(item)
  if (details.length === 0) return undefined
  return { role: 'assistant', content: null, reasoning_details: details }
}
