import {
  fieldOf,
  type JsonBody,
  omitField,
  withField,
  withFieldRenamed,
  withItems,
  withKnownFields,
  withObject,
} from '@spillway/middleware/kit'
import { isObject, isOpenAiReasoningModel } from '@spillway/wire/internal'
import type { ChatDialect } from './dialect.ts'
import { type Loss, mergeLosses } from './loss.ts'
import { toolIdFor } from './tool-names.ts'

type Lose = (loss: Loss) => void

/** A chat request in the words of another server of the same protocol. */
export interface ChatInDialect {
  /** The very same body where nothing had to change. */
  readonly body: JsonBody
  readonly degraded: readonly Loss[]
}

/** OpenAI's own models that think, which take the newer words only, whatever server is before them. */
function takesNewerWordsOnly(model: string): boolean {
  return isOpenAiReasoningModel(model) && /^(?:openai\/)?[^/]*$/i.test(model)
}

/**
 * Writes a chat request in the words that its server takes, where the caller's are other ones: the role of instructions, the
 * limit of the answer, the id of the user, and what servers insist on in turns of tools. All other bytes stay as they are.
 * What only some servers lack is left to them, until `learned` says that this one refuses it.
 * @param learned what the server has refused so far
 */
export function chatInDialect(
  body: JsonBody,
  model: string,
  base: ChatDialect,
  learned: Partial<ChatDialect> = {},
): ChatInDialect {
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  const dialect = { ...base, ...learned }
  const isNewer = takesNewerWordsOnly(model)
  // Parsers may not agree on it, and the server is the one to say so.
  const known = withKnownFields(body)
  if (known === undefined) return { body, degraded: [] }
  let changed = known
  if (learned.maxTokens !== undefined || isNewer === (dialect.maxTokens === 'max_completion_tokens')) {
    changed = withLimit(changed, dialect.maxTokens, lose)
  }
  changed = withUser(changed, dialect, learned, lose)
  changed = withoutLearned(changed, dialect, learned, lose)
  changed = withTools(changed, dialect, lose)
  // A proxy before OpenAI is no reason to take its newer role away.
  const systemRole = isNewer && learned.systemRole === undefined ? 'developer' : dialect.systemRole
  changed = withMessages(changed, { ...dialect, systemRole }, lose)
  return { body: changed === known ? body : changed, degraded: mergeLosses([...lost]) }
}

function withLimit(body: JsonBody, name: ChatDialect['maxTokens'], lose: Lose): JsonBody {
  const other = name === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  if (!has(body, other)) return body
  if (!has(body, name)) return withFieldRenamed(body, other, name)
  if (smallField(body, other) !== smallField(body, name)) lose('max_tokens')
  return omitField(body, other)
}

/** OpenAI's older `user` passes where it is not known to be refused. */
function withUser(
  body: JsonBody,
  { user, isClosed }: ChatDialect,
  learned: Partial<ChatDialect>,
  lose: Lose,
): JsonBody {
  let changed = body
  if (user !== 'safety_identifier' && has(changed, 'safety_identifier')) {
    if (user === 'user' && !has(changed, 'user')) {
      return withFieldRenamed(changed, 'safety_identifier', 'user')
    }
    changed = dropped(changed, 'safety_identifier', lose, 'metadata')
  }
  const isRefused = user === undefined && (isClosed === true || Object.hasOwn(learned, 'user'))
  return isRefused ? dropped(changed, 'user', lose, 'metadata') : changed
}

function withoutLearned(
  body: JsonBody,
  { streamOptions, isClosed }: ChatDialect,
  learned: Partial<ChatDialect>,
  lose: Lose,
): JsonBody {
  let changed = body
  // Who takes no options tells the usage of a stream unasked, or not at all.
  if (learned.streamOptions === false || (isClosed === true && !streamOptions)) {
    changed = omitField(changed, 'stream_options')
  }
  if (learned.parallelToolCalls === false) {
    const loss = smallField(body, 'parallel_tool_calls') === false ? 'parallel_tool_calls' : undefined
    changed = dropped(changed, 'parallel_tool_calls', lose, loss)
  }
  return changed
}

function withTools(body: JsonBody, dialect: ChatDialect, lose: Lose): JsonBody {
  if (dialect.strict || !valueIncludes(body, 'tools', '"strict"')) return body
  return withItems(body, 'tools', (tool) =>
    withObject(tool, 'function', (inner) => dropped(inner, 'strict', lose, 'structured_output')),
  )
}

/** Fields of assistant messages that tell what was thought, in the words of those who take them back. */
const thoughts = ['reasoning_content', 'reasoning', 'reasoning_details']

function withMessages(body: JsonBody, dialect: ChatDialect, lose: Lose): JsonBody {
  const includes = (text: string): boolean => valueIncludes(body, 'messages', text)
  const { reasoning, systemRole } = dialect
  const asksRole = systemRole === 'system' && includes('"developer"')
  const isOpenAi = systemRole === 'developer' && dialect.user === 'safety_identifier'
  const refused = (dialect.isClosed === true || isOpenAi ? thoughts : []).filter(
    (name) => !(reasoning === 'deepseek' && name === 'reasoning_content') && includes(`"${name}"`),
  )
  const isLoop = includes('"tool_call')
  const asksThoughts = reasoning === 'deepseek' && isLoop && isThinking(body)
  const asksIds = dialect.toolIds === 'mistral' && isLoop
  const words = [
    ...(asksRole ? ['"developer"'] : []),
    ...refused.map((name) => `"${name}"`),
    ...(asksThoughts || asksIds ? ['"tool_call'] : []),
  ]
  if (words.length === 0) return body
  const change = (item: JsonBody): JsonBody => {
    let message = item
    const role = smallField(message, 'role')
    if (asksRole && role === 'developer') message = withField(message, 'role', 'system')
    for (const name of refused) {
      message = dropped(message, name, lose, smallField(message, name) === '' ? undefined : 'thinking')
    }
    // Refused without it, even where another model has made the calls.
    if (asksThoughts && has(message, 'tool_calls') && !has(message, 'reasoning_content')) {
      message = withField(message, 'reasoning_content', '')
    }
    if (asksIds) {
      message = withItems(message, 'tool_calls', (call) => withPlainId(call, 'id'))
      message = withPlainId(message, 'tool_call_id')
    }
    return message
  }
  return withItems(body, 'messages', change, words)
}

function withPlainId(body: JsonBody, name: string): JsonBody {
  const id = smallField(body, name)
  const plain = typeof id === 'string' ? toolIdFor('mistral', id) : id
  return plain === id ? body : withField(body, name, plain)
}

function isThinking(body: JsonBody): boolean {
  const thinking = smallField(body, 'thinking')
  return !(isObject(thinking) && thinking.type === 'disabled')
}

function dropped(body: JsonBody, name: string, lose: Lose, loss: Loss | undefined): JsonBody {
  const changed = omitField(body, name)
  if (changed !== body && loss !== undefined && smallField(body, name) !== null) lose(loss)
  return changed
}

function has(body: JsonBody, name: string): boolean {
  return body.fields?.has(name) ?? false
}

/** A field that is not longer than what is worth parsing. */
function smallField(body: JsonBody, name: string): unknown {
  return fieldOf(body, name, 1_024)
}

function valueIncludes({ bytes, fields }: JsonBody, name: string, text: string): boolean {
  const [start, end] = fields?.get(name) ?? [0, 0]
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).includes(text)
}
