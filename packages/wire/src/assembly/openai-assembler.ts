import type { JsonObject } from '@spillway/middleware/kit'
import { hasFunctionCall } from '../chat-content.ts'
import { isObject, objectsOf } from '../json/values.ts'
import { joinDetails } from '../reasoning-details.ts'
import { AnswerSize, type Growing, growFields, replaceFields } from './grow.ts'

interface Call {
  readonly fields: Growing
  readonly fn: Growing
}

interface Choice {
  readonly fields: Growing
  readonly message: Growing
  readonly logprobs: Growing
  readonly audio: Growing
  readonly calls: Call[]
  /** The latest call of each of the server's indices. */
  readonly callAt: Map<unknown, Call>
  /** The one call of older servers. */
  readonly fn: Growing
}

/** No tool has a longer name. */
const longestName = 1024

const none: ReadonlySet<string> = new Set()
const notOfTheCompletion: ReadonlySet<string> = new Set(['choices', 'object', 'obfuscation'])
const notOfTheChoice: ReadonlySet<string> = new Set(['index', 'delta', 'message', 'logprobs'])
const notOfTheMessage: ReadonlySet<string> = new Set(['role', 'tool_calls', 'function_call', 'audio'])
const notOfTheCall: ReadonlySet<string> = new Set(['index', 'function', 'id', 'type'])
const nameAlone: ReadonlySet<string> = new Set(['name'])
const idAlone: ReadonlySet<string> = new Set(['id'])

/** Puts the chunks of a chat completion together. */
export class OpenAiAssembler {
  readonly #completion: Growing = { object: 'chat.completion' }
  readonly #choices = new Map<unknown, Choice>()
  readonly #size = new AnswerSize()

  /** @throws RangeError for more parts than an answer has */
  read(chunk: JsonObject): void {
    replaceFields(this.#completion, chunk, notOfTheCompletion, this.#size)
    for (const choice of objectsOf(chunk.choices)) this.#readChoice(choice)
  }

  #readChoice(chunk: JsonObject): void {
    const index = chunk.index ?? 0
    let choice = this.#choices.get(index)
    if (choice === undefined) {
      this.#size.addPart()
      choice = newChoice(index)
      this.#choices.set(index, choice)
    }
    replaceFields(choice.fields, chunk, notOfTheChoice, this.#size)
    if (isObject(chunk.logprobs)) growFields(choice.logprobs, chunk.logprobs, none, this.#size)
    const delta = isObject(chunk.delta) ? chunk.delta : chunk.message
    if (isObject(delta)) this.#readDelta(choice, delta)
  }

  #readDelta(choice: Choice, delta: JsonObject): void {
    const { message } = choice
    growFields(message, delta, notOfTheMessage, this.#size)
    if (typeof delta.role === 'string' && delta.role !== '') message.role = delta.role
    if (isObject(delta.audio)) {
      growFields(choice.audio, delta.audio, idAlone, this.#size)
      replaceFields(choice.audio, { id: delta.audio.id ?? null }, none, this.#size)
    }
    if (hasFunctionCall(delta) && isObject(delta.function_call))
      this.#readFunction(choice.fn, delta.function_call)
    for (const [position, call] of objectsOf(delta.tool_calls).entries())
      this.#readCall(choice, call, position)
  }

  /** Some servers number all calls alike: another id with a name is another call. */
  #readCall({ calls, callAt }: Choice, piece: JsonObject, position: number): void {
    const index = piece.index ?? position
    const id = typeof piece.id === 'string' ? piece.id : ''
    const named =
      isObject(piece.function) && typeof piece.function.name === 'string' && piece.function.name !== ''
    let call = callAt.get(index)
    const isAnother =
      call !== undefined && named && id !== '' && call.fields.id !== '' && call.fields.id !== id
    if (call === undefined || isAnother) {
      this.#size.addPart()
      call = { fields: { id: '', type: 'function' }, fn: { name: '', arguments: '' } }
      calls.push(call)
      callAt.set(index, call)
    }
    if (call.fields.id === '') call.fields.id = id
    if (typeof piece.type === 'string' && piece.type !== '') call.fields.type = piece.type
    growFields(call.fields, piece, notOfTheCall, this.#size)
    if (isObject(piece.function)) this.#readFunction(call.fn, piece.function)
  }

  /** Most servers send the name once, some in pieces, some again with each piece of the arguments. */
  #readFunction(fn: Growing, piece: JsonObject): void {
    const name = typeof fn.name === 'string' ? fn.name : ''
    const isOpen = !fn.arguments && name.length <= longestName
    if (typeof piece.name === 'string' && isOpen)
      fn.name = piece.name.startsWith(name) ? piece.name : name + piece.name
    growFields(fn, piece, nameAlone, this.#size)
  }

  toJson(): string | undefined {
    if (this.#choices.size === 0) return undefined
    return JSON.stringify({ ...this.#completion, choices: [...this.#choices.values()].map(choiceOf) })
  }
}

function newChoice(index: unknown): Choice {
  return {
    fields: { index },
    message: { role: 'assistant', content: null, refusal: null },
    logprobs: {},
    audio: {},
    calls: [],
    callAt: new Map(),
    fn: {},
  }
}

function choiceOf({ fields, message, logprobs, audio, calls, fn }: Choice): JsonObject {
  const { reasoning_details: details } = message
  return {
    ...fields,
    message: {
      ...message,
      ...(Array.isArray(details) && { reasoning_details: joinDetails(details) }),
      ...(hasFields(audio) && { audio }),
      ...(hasFields(fn) && { function_call: fn }),
      ...(calls.length > 0 && { tool_calls: calls.map((call) => ({ ...call.fields, function: call.fn })) }),
    },
    logprobs: hasFields(logprobs) ? logprobs : null,
  }
}

function hasFields(object: Growing): boolean {
  return Object.keys(object).length > 0
}
