import { createHash } from 'node:crypto'
import { isPlainId } from '@spillway/wire/internal'

/** OpenAI's limits: a tool call's id has 40 characters at most, a function's name 64. */
const longestOpenAiId = 40
const longestOpenAiName = 64
const longestAnthropicId = 128
const longestAnthropicName = 128

/** An id shorter than this counts calls of one answer and comes again in the next: `0`, `call_0`. */
const shortestUniqueId = 9

function hashOf(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

function fitted(text: string, longest: number): string {
  if (isPlainId(text, longest)) return text
  const kept = text.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, longest - 13)
  return `${kept}_${hashOf(text, 12)}`
}

/**
 * A tool call's id as the protocol's servers take it. The same id gives the same result everywhere in a conversation,
 * and different ones stay different, so that results find their calls; most ids pass as they are.
 */
export function toolIdFor(api: 'anthropic' | 'openai' | 'mistral', id: string): string {
  if (api === 'mistral') return /^[a-zA-Z0-9]{9}$/.test(id) ? id : hashOf(id, 9)
  return fitted(id, api === 'openai' ? longestOpenAiId : longestAnthropicId)
}

/**
 * The id that a call from an answer has for the caller: unique in the conversation, which Anthropic insists on and some
 * servers do not give.
 * @param answer the id of the answer
 * @param position which call of the answer it is, from 0
 */
export function answeredToolId(id: string | undefined, answer: string, position: number): string {
  if (id !== undefined && id.length >= shortestUniqueId) return toolIdFor('anthropic', id)
  return `call_${hashOf(`${answer}\n${position}\n${id ?? ''}`, 24)}`
}

/**
 * Ids of calls, each once: Anthropic refuses a conversation in which one comes twice, and some servers begin to count
 * again with each answer. A result belongs to the first call of its id that has none yet, else to the latest.
 */
export class CallIds {
  readonly #times = new Map<string, number>()
  readonly #given = new Set<string>()
  /** By the server's id, what its calls without a result are called, and the latest one. */
  readonly #open = new Map<string, { readonly waiting: string[]; latest: string }>()

  call(id: string): string {
    let times = (this.#times.get(id) ?? 0) + 1
    const name = (): string => toolIdFor('anthropic', times === 1 ? id : `${id}_${times}`)
    while (this.#given.has(name())) times++
    this.#times.set(id, times)
    this.#given.add(name())
    const open = this.#open.get(id) ?? { waiting: [], latest: '' }
    open.waiting.push(name())
    open.latest = name()
    this.#open.set(id, open)
    return name()
  }

  result(id: string): string {
    const open = this.#open.get(id)
    return open?.waiting.shift() ?? open?.latest ?? toolIdFor('anthropic', id)
  }
}

/** A tool's name as the protocol's servers take it. */
export function toolNameFor(api: 'anthropic' | 'openai', name: string): string {
  return fitted(name, api === 'openai' ? longestOpenAiName : longestAnthropicName)
}

/** Names that had to change, from the new one to the caller's. */
export type ToolNames = ReadonlyMap<string, string>

/** Which of the caller's tool names have to change, for the way back. */
export function changedToolNames(api: 'anthropic' | 'openai', names: Iterable<string>): ToolNames {
  const changed = new Map<string, string>()
  for (const name of names) {
    const other = toolNameFor(api, name)
    if (other !== name) changed.set(other, name)
  }
  return changed
}

/** An opaque id of a person, shortened where a vendor limits its length. */
export function userIdWithin(id: string, longest: number): string {
  return id.length <= longest ? id : hashOf(id, Math.min(64, longest))
}
