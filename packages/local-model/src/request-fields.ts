import type { JsonObject } from '@spillway/middleware/kit'
import { LocalModelError } from './local-model-error.ts'

/** An error that says what is wrong with the request. */
export function badRequest(message: string): LocalModelError {
  return new LocalModelError('SPILLWAY_LOCAL_PROMPT_INVALID', message)
}

/** Whether a value is an object with named fields. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A number of the body, within bounds; null means absent. */
export function numberField(body: JsonObject, name: string, least: number, most: number): number | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw badRequest(`${name}: must be a number from ${least} to ${most}`)
  }
  return value
}

/** A whole number of the body, 0 or more; null means absent. */
export function countField(body: JsonObject, name: string): number | undefined {
  const value = numberField(body, name, 0, Number.MAX_SAFE_INTEGER)
  if (value !== undefined && !Number.isInteger(value)) throw badRequest(`${name}: must be a whole number`)
  return value
}

/** The messages of the body: one at least, each an object. */
export function messagesField(body: JsonObject): readonly JsonObject[] {
  const { messages } = body
  if (!Array.isArray(messages)) throw badRequest('messages: must be an array')
  if (messages.length === 0) throw badRequest('messages: at least one message is required')
  messages.forEach((message, index) => {
    if (!isObject(message)) throw badRequest(`messages.${index}: must be an object`)
  })
  return messages
}

const plainName = /^[a-z][a-z0-9_]{0,39}$/
const mostLosses = 20

/** Notes what gets lost. Names come from callers and go into a header, so strange ones and too many are one name. */
export function lose(losses: Set<string>, type: unknown): string {
  const name = typeof type === 'string' && plainName.test(type) ? type : 'content'
  losses.add(losses.size < mostLosses ? name : 'content')
  return name
}

/** Strings of the body; null means absent. */
export function stringsField(value: unknown, name: string): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
    throw badRequest(`${name}: must be an array of strings`)
  }
  return value
}
