import { systemClock } from '@spillway/middleware'
import type { Engine, GenerateEvents } from './engine.ts'
import type { AnnouncedBody, EngineCall, FromEngine } from './engine-messages.ts'
import { checkRanges, type EngineOptions, engineDefaults } from './engine-options.ts'
import { type EngineProcess, startEngineProcess } from './engine-process.ts'
import { EngineSupervisor, type EngineWorld } from './engine-supervisor.ts'
import { LocalModelError, type LocalModelErrorCode } from './local-model-error.ts'
import { modelNameOf } from './model-name.ts'
import type { Completion, Prompt, Turn } from './prompt.ts'
import type { RequestBody, RequestFacts } from './request-prompt.ts'

/** What a call asks, without its number. */
type Question = EngineCall extends infer Call
  ? Call extends EngineCall
    ? Omit<Call, 'type' | 'id'>
    : never
  : never
type Value = Extract<FromEngine, { type: 'done' }>['value']

/** A call that the process has not answered yet. */
interface OpenCall {
  readonly ask: EngineCall['ask']
  readonly events: Partial<GenerateEvents>
  resolve(value: Value): void
  reject(reason: unknown): void
  /** Has the process stop, without waiting for that. */
  leave(reason: unknown): void
  hasLeft: boolean
}

/** How much of a body goes into one message, in bytes: writing one takes a millisecond or two. */
const partSize = 256 * 1024

const systemWorld: EngineWorld = { clock: systemClock, start: startEngineProcess }

/** An engine in another process. */
export class EngineClient implements Engine {
  readonly model: string
  readonly #mostOpen: number
  readonly #supervisor: EngineSupervisor
  readonly #open = new Map<number, OpenCall>()
  #closed: Promise<void> | undefined
  #calls = 0

  constructor(options: EngineOptions, world: EngineWorld = systemWorld) {
    checkRanges(options)
    const { parallel = engineDefaults.parallel, maxQueued = engineDefaults.maxQueued } = options
    this.model = modelNameOf(options)
    this.#mostOpen = parallel + maxQueued
    this.#supervisor = new EngineSupervisor(
      options,
      { message: (message) => this.#hear(message), lost: (error) => this.#rejectAll(error) },
      world,
    )
  }

  async load(): Promise<void> {
    await this.#ask({ ask: 'load' })
  }

  async generate(
    prompt: Prompt | RequestBody,
    events: GenerateEvents,
    signal?: AbortSignal,
  ): Promise<Completion> {
    const question: Question = { ask: 'generate', prompt: announced(prompt) }
    return (await this.#ask(question, bytesOf(prompt), events, signal)) as Completion
  }

  async countTokens(
    prompt: readonly Turn[] | RequestBody,
    signal?: AbortSignal,
    read?: (facts: RequestFacts) => void,
  ): Promise<number> {
    const question: Question = { ask: 'count', prompt: announced(prompt) }
    return (await this.#ask(question, bytesOf(prompt), read && { read }, signal)) as number
  }

  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = this.#supervisor.dismiss()
      this.#rejectAll(this.#error('SPILLWAY_LOCAL_ENGINE_CLOSED', 'was closed'))
    }
    return this.#closed
  }

  #ask(
    question: Question,
    body?: Uint8Array,
    events: Partial<GenerateEvents> = {},
    signal?: AbortSignal,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      if (this.#closed !== undefined) throw this.#error('SPILLWAY_LOCAL_ENGINE_CLOSED', 'was closed')
      if (question.ask !== 'load' && this.#open.size >= this.#mostOpen) {
        const what = `is busy: ${this.#open.size} calls are in flight or wait, as many as parallel and maxQueued allow`
        throw this.#error('SPILLWAY_LOCAL_ENGINE_BUSY', what)
      }
      const process = this.#supervisor.process()
      const id = this.#calls++
      const abort = (): void => call.leave(signal?.reason)
      const end = (): void => signal?.removeEventListener('abort', abort)
      const call: OpenCall = {
        ask: question.ask,
        events,
        resolve(value) {
          end()
          resolve(value)
        },
        reject(reason) {
          end()
          reject(reason)
        },
        leave: (reason) => {
          call.hasLeft = true
          call.reject(reason)
          void process.send({ type: 'abort', id })
          this.#watch()
        },
        hasLeft: false,
      }
      this.#open.set(id, call)
      signal?.addEventListener('abort', abort, { once: true })
      this.#watch()
      void process.send({ ...question, type: 'call', id })
      if (body !== undefined)
        void sendParts(process, id, body, () => this.#open.get(id) === call && !call.hasLeft)
    })
  }

  #hear(message: FromEngine): void {
    if (message.type === 'pong') return
    const { id } = message
    const call = this.#open.get(id)
    if (call === undefined) return
    if (message.type === 'done' || message.type === 'failed') {
      this.#open.delete(id)
      if (message.type === 'done' && call.ask !== 'load') this.#supervisor.works()
      if (message.type === 'failed' && message.isEmpty && this.#open.size === 0)
        void this.#supervisor.dismiss()
      this.#watch()
    }
    if (call.hasLeft) return
    try {
      tell(call, message)
    } catch (error) {
      call.leave(error)
    }
  }

  #watch(): void {
    this.#supervisor.watch([...this.#open.values()].some((call) => !call.hasLeft))
  }

  #rejectAll(reason: LocalModelError): void {
    const calls = [...this.#open.values()]
    this.#open.clear()
    for (const call of calls) call.reject(reason)
  }

  #error(code: LocalModelErrorCode, what: string): LocalModelError {
    return new LocalModelError(code, `the local model ${this.model} ${what}`)
  }
}

/** Passes a message on to the one who has made the call. */
function tell(call: OpenCall, message: Exclude<FromEngine, { type: 'pong' }>): void {
  switch (message.type) {
    case 'read':
      return call.events.read?.(message.facts)
    case 'started':
      return call.events.started?.(message.inputTokens)
    case 'text':
      return call.events.text?.(message.text)
    case 'done':
      return call.resolve(message.value)
    case 'failed': {
      const { code, message: text, cause } = message
      const options = cause === undefined ? undefined : { cause: new Error(cause) }
      return call.reject(new LocalModelError(code, text, options))
    }
  }
}

function announced<T extends object>(prompt: T | RequestBody): T | AnnouncedBody {
  if (!('bytes' in prompt)) return prompt
  const { api, operation, bytes } = prompt
  return { api, operation, length: bytes.length }
}

function bytesOf(prompt: object | RequestBody): Uint8Array | undefined {
  return 'bytes' in prompt ? (prompt.bytes as Uint8Array) : undefined
}

/** Sends a body part by part, each when the one before has left, so that it is never in memory twice. */
async function sendParts(
  process: EngineProcess,
  id: number,
  body: Uint8Array,
  isWanted: () => boolean,
): Promise<void> {
  for (let from = 0; from < body.length && isWanted(); from += partSize) {
    await process.send({ type: 'part', id, bytes: body.subarray(from, from + partSize) })
  }
}
