import { type Call, fieldsOf } from './answer.ts'
import { thinkingModels } from './chat-openai-rules.ts'
import { looseObject } from './chat-tool-turns.ts'
import type { KeptResponses } from './openai-responses.ts'

type Fields = ReturnType<typeof fieldsOf>

/** The fields of a request, by the types of the official SDK 7.57. */
const fields: ReadonlySet<string> = new Set(
  `access_programs background context_management conversation include input instructions max_output_tokens max_tool_calls metadata
  model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention
  reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p truncation
  user`.split(/\s+/),
)
const includable: readonly unknown[] = [
  ...['file_search_call.results', 'web_search_call.results', 'web_search_call.action.sources'],
  ...[
    'message.input_image.image_url',
    'computer_call_output.output.image_url',
    'code_interpreter_call.outputs',
  ],
  ...['reasoning.encrypted_content', 'message.output_text.logprobs'],
]
const roles: readonly unknown[] = ['user', 'assistant', 'system', 'developer']
const partsOfCallers = ['input_text', 'input_image', 'input_file']
const partsOfModels = ['output_text', 'refusal']
const efforts: readonly unknown[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']
const namePattern = /^[a-zA-Z0-9_-]+$/

/** Fields of the items that callers send back, besides `type`, `id` and `status`, and how their ids begin. */
const items: Readonly<Record<string, readonly [prefix: string, fields: string]>> = {
  message: ['msg', 'role content phase'],
  function_call: ['fc', 'call_id name arguments namespace caller'],
  function_call_output: ['fc', 'call_id output caller'],
  custom_tool_call: ['ctc', 'call_id name input namespace caller'],
  custom_tool_call_output: ['ctc', 'call_id output caller'],
  reasoning: ['rs', 'summary content encrypted_content'],
  item_reference: ['', ''],
}

/** What OpenAI refuses of a Responses request, by its error messages as public issues quote them. */
export function refusedResponses(
  { request }: Call,
  kept: KeptResponses = new Map(),
): { status: number; message?: string } | undefined {
  if (request.tooLarge) return { status: 413 }
  if (request.json === undefined)
    return { status: 400, message: 'We could not parse the JSON body of your request.' }
  const body = fieldsOf(request.json)
  const isKept = (id: unknown): boolean => kept.get(String(id))?.key === request.headers.authorization
  const message =
    wrongParameter(body, isKept) ?? wrongTools(body) ?? wrongFormat(body) ?? wrongInput(body, isKept)
  return message === undefined ? undefined : { status: 400, message }
}

type IsKept = (id: unknown) => boolean

function wrongParameter(body: Fields, isKept: IsKept): string | undefined {
  const unknown = Object.keys(body).find((name) => !fields.has(name))
  if (unknown !== undefined) return `Unknown parameter: '${unknown}'.`
  const { model, input, prompt, include, stream, stream_options, max_output_tokens: most, reasoning } = body
  if (typeof model !== 'string' && prompt == null) return "Missing required parameter: 'model'."
  if (input == null && prompt == null && body.previous_response_id == null && body.conversation == null)
    return "Missing required parameter: 'input'."
  if (most != null && !(Number.isInteger(most) && (most as number) >= 16))
    return `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${most} instead.`
  if (thinkingModels.test(String(model))) {
    for (const name of ['temperature', 'top_p']) {
      if (body[name] != null && body[name] !== 1)
        return `Unsupported parameter: '${name}' is not supported with this model.`
    }
  }
  const { effort } = fieldsOf(reasoning)
  if (effort != null && !efforts.includes(effort)) return `Invalid value: '${effort}'.`
  const wrongInclude = Array.isArray(include) ? include.find((each) => !includable.includes(each)) : undefined
  if (wrongInclude !== undefined) return `Invalid value: '${wrongInclude}'. (include)`
  if (stream_options != null && stream !== true)
    return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
  if (body.previous_response_id != null && body.conversation != null)
    return "Mutually exclusive parameters: Ensure you are only providing one of: 'previous_response_id' or 'conversation'."
  if (body.previous_response_id != null && !isKept(body.previous_response_id))
    return `Previous response with id '${body.previous_response_id}' not found.`
  return undefined
}

function wrongTools({ tools, tool_choice }: Fields): string | undefined {
  const list = (Array.isArray(tools) ? tools : []).map(fieldsOf)
  for (const [at, { type, name, parameters, strict }] of list.entries()) {
    if (typeof type !== 'string') return `Missing required parameter: 'tools[${at}].type'.`
    if (type !== 'function' && type !== 'custom') continue
    if (name === undefined) return `Missing required parameter: 'tools[${at}].name'.`
    if (!namePattern.test(String(name)) || String(name).length > 64)
      return `Invalid 'tools[${at}].name': string does not match pattern. Expected a string that matches the pattern '${namePattern.source}'.`
    const open = strict === true ? looseObject(parameters) : undefined
    if (open !== undefined) return `Invalid schema for function '${name}': ${open}`
  }
  const chosen = fieldsOf(tool_choice).name
  if (chosen === undefined || list.some(({ name }) => name === chosen)) return undefined
  return `Tool choice '${chosen}' not found in 'tools' parameter.`
}

function wrongFormat({ text }: Fields): string | undefined {
  const { type, name, schema, strict } = fieldsOf(fieldsOf(text).format)
  if (type !== 'json_schema') return undefined
  if (name === undefined) return "Missing required parameter: 'text.format.name'."
  const open = strict === true ? looseObject(schema) : undefined
  return open && `Invalid schema for response_format '${name}': ${open}`
}

function wrongInput({ input, store }: Fields, isKept: IsKept): string | undefined {
  if (input == null || typeof input === 'string') return undefined
  if (!Array.isArray(input))
    return "Invalid type for 'input': expected one of a string or array of input items."
  const list = input.map((item) => ({ type: 'message', ...fieldsOf(item) }) as Fields)
  const wrong = list
    .map((item, at) => wrongItem(item, `input[${at}]`, store, isKept))
    .find((each) => each !== undefined)
  return wrong ?? wrongCalls(list) ?? wrongReasoning(list)
}

function wrongItem(item: Fields, place: string, store: unknown, isKept: IsKept): string | undefined {
  const type = String(item.type)
  const [prefix, names] = items[type] ?? []
  // Built-in tools and their results.
  if (names === undefined)
    return /_(?:call|output|request|response|tools)$|^compaction/.test(type)
      ? undefined
      : `Invalid value: '${type}'. (${place})`
  const unknown = Object.keys(item).find(
    (name) => !['type', 'id', 'status', ...names.split(' ')].includes(name),
  )
  if (unknown !== undefined) return `Unknown parameter: '${place}.${unknown}'.`
  if (typeof item.id === 'string' && !item.id.startsWith(prefix as string))
    return `Invalid '${place}.id': '${item.id}'. Expected an ID that begins with '${prefix}'.`
  if (type === 'item_reference') return isKept(item.id) ? undefined : `Item with id '${item.id}' not found.`
  if (type === 'message') return wrongMessage(item, place)
  if (type === 'reasoning') {
    const isReadable = store !== false || item.encrypted_content != null
    if (!Array.isArray(item.summary)) return `Missing required parameter: '${place}.summary'.`
    return isReadable
      ? undefined
      : `Item with id '${item.id}' not found. Items are not persisted when \`store\` is set to false.`
  }
  if (typeof item.call_id !== 'string' || item.call_id === '')
    return `Missing required parameter: '${place}.call_id'.`
  if (item.call_id.length > 64)
    return `Invalid '${place}.call_id': string too long. Expected a string with maximum length 64.`
  const needed = type.endsWith('_output') ? 'output' : type === 'function_call' ? 'arguments' : 'input'
  if (item[needed] === undefined) return `Missing required parameter: '${place}.${needed}'.`
  return needed !== 'output' && typeof item[needed] !== 'string'
    ? `Invalid type for '${place}.${needed}': expected a string.`
    : undefined
}

function wrongMessage({ role, content }: Fields, place: string): string | undefined {
  if (!roles.includes(role))
    return `Invalid value: '${role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.`
  if (typeof content === 'string') return undefined
  if (!Array.isArray(content)) return `Missing required parameter: '${place}.content'.`
  const taken = role === 'assistant' ? partsOfModels : partsOfCallers
  for (const [at, part] of content.map(fieldsOf).entries()) {
    if (!taken.includes(String(part.type)))
      return `Invalid value: '${part.type}'. Supported values are: ${taken.map((each) => `'${each}'`).join(', ')}. (${place}.content[${at}])`
    if (part.type === 'input_image' && part.image_url == null && part.file_id == null)
      return `Missing required parameter: '${place}.content[${at}].image_url'.`
  }
  return undefined
}

/** Each result has its call before it, and each call its result behind it. */
function wrongCalls(list: readonly Fields[]): string | undefined {
  for (const kind of ['function', 'custom_tool']) {
    const noun = kind === 'function' ? 'function call' : 'custom tool call'
    const open = new Set<unknown>()
    for (const { type, call_id } of list) {
      if (type === `${kind}_call`) open.add(call_id)
      else if (type === `${kind}_call_output` && !open.delete(call_id))
        return `No tool call found for ${noun} output with call_id ${call_id}.`
    }
    const [lost] = open
    if (lost !== undefined) return `No tool output found for ${noun} ${lost}.`
  }
  return undefined
}

/** Reasoning comes back before what it led to. */
function wrongReasoning(list: readonly Fields[]): string | undefined {
  for (const [at, { type, id }] of list.entries()) {
    if (type !== 'reasoning') continue
    const next = list[at + 1]
    const isFollowed =
      next?.type === 'reasoning' || /_call$/.test(String(next?.type)) || next?.role === 'assistant'
    if (!isFollowed)
      return `Item '${id}' of type 'reasoning' was provided without its required following item.`
  }
  return undefined
}
