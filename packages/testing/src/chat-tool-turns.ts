import { fieldsOf } from './answer.ts'

type Fields = ReturnType<typeof fieldsOf>

/** The messages of a chat request. */
export function messagesOf(body: Fields): Fields[] {
  return (Array.isArray(body.messages) ? body.messages : []).map(fieldsOf)
}

/** The calls that a message makes. */
export function callsOf({ tool_calls }: Fields): Fields[] {
  return (Array.isArray(tool_calls) ? tool_calls : []).map(fieldsOf)
}

/** Every call is answered directly behind it, each by a separate message, and nothing else is. */
export function wrongToolTurns(messages: readonly Fields[]): string | undefined {
  let open = new Set<unknown>()
  const unanswered = (): string | undefined =>
    open.size === 0
      ? undefined
      : `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(', ')}`
  for (const [i, message] of messages.entries()) {
    if (message.role !== 'tool') {
      const wrong = unanswered()
      if (wrong !== undefined) return wrong
      open = new Set(callsOf(message).map(({ id }) => id))
    } else if (!open.delete(message.tool_call_id)) {
      return `Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'. (messages.[${i}].role)`
    }
  }
  return unanswered()
}

/** Levels of a schema that are looked into; no real one is deeper. */
const deepest = 64

/** What is wrong with a schema that is to hold strictly: each object is closed, and all of its properties are required. */
export function looseObject(schema: unknown, context: readonly string[] = []): string | undefined {
  if (typeof schema !== 'object' || schema === null || context.length > deepest) return undefined
  const { type, properties, required, additionalProperties } = fieldsOf(schema)
  if (!Array.isArray(schema) && type === 'object') {
    const place = `In context=(${context.map((name) => `'${name}'`).join(', ')}), `
    if (additionalProperties !== false) {
      return `${place}'additionalProperties' is required to be supplied and to be false.`
    }
    const names = Array.isArray(required) ? required : []
    const missing = Object.keys(fieldsOf(properties)).find((name) => !names.includes(name))
    if (missing !== undefined) {
      return `${place}'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
    }
  }
  for (const [name, value] of Object.entries(schema)) {
    const found = looseObject(value, [...context, name])
    if (found !== undefined) return found
  }
  return undefined
}
