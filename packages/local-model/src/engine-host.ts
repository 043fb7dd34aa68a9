import type { AnnouncedBody, EngineCall, FromEngine, ToEngine } from './engine-messages.ts'
import { LlamaEngine } from './llama-engine.ts'
import { isLocalModelError } from './local-model-error.ts'
import type { Prompt, Turn } from './prompt.ts'
import { readRequest } from './request-prompt.ts'

/** A call that the process works on. */
interface RunningCall {
  readonly leaving: AbortController
  /** Takes a part of the body that was announced. */
  part(bytes: Uint8Array): void
}

/** Answers what an engine's process is told. Returns what takes the next message. */
export function engineHost(send: (answer: FromEngine) => void): (message: ToEngine) => void {
  const running = new Map<number, RunningCall>()
  let engine: LlamaEngine | undefined

  const answer = async (call: EngineCall, body: Promise<Uint8Array>, signal: AbortSignal): Promise<void> => {
    const { id } = call
    const done = (value: Extract<FromEngine, { type: 'done' }>['value']): void =>
      send({ type: 'done', id, value })
    const model = engine as LlamaEngine
    try {
      if (call.ask === 'load') {
        await model.load()
        done(undefined)
      } else if (call.ask === 'generate') {
        const prompt = isAnnounced(call.prompt) ? await received(call.prompt) : call.prompt
        const events = {
          started: (inputTokens: number) => send({ type: 'started', id, inputTokens }),
          text: (text: string) => send({ type: 'text', id, text }),
        }
        done(await model.generate(prompt, events, signal))
      } else {
        const turns: readonly Turn[] = isAnnounced(call.prompt)
          ? (await received(call.prompt)).turns
          : call.prompt
        done(await model.count(turns, signal))
      }
    } catch (error) {
      send(failure(id, error, model.hasFailedToLoad))
    }

    async function received({ api, operation }: AnnouncedBody): Promise<Prompt> {
      const { prompt, facts } = readRequest({ api, operation, bytes: await body })
      send({ type: 'read', id, facts })
      return prompt
    }
  }

  return (message) => {
    switch (message.type) {
      case 'open':
        engine = new LlamaEngine(message.options)
        return
      case 'call': {
        const { id } = message
        const leaving = new AbortController()
        const body = incoming(message, leaving.signal)
        running.set(id, { leaving, part: body.part })
        void answer(message, body.whole, leaving.signal).then(() => running.delete(id))
        return
      }
      case 'part':
        running.get(message.id)?.part(message.bytes)
        return
      case 'abort':
        running.get(message.id)?.leaving.abort(new Error('the caller has left'))
        return
      case 'ping':
        send({ type: 'pong' })
    }
  }
}

function isAnnounced(prompt: object): prompt is AnnouncedBody {
  return 'api' in prompt
}

/** Puts the parts of an announced body together. */
function incoming(
  call: EngineCall,
  signal: AbortSignal,
): { whole: Promise<Uint8Array>; part(bytes: Uint8Array): void } {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  // It may have no caller yet.
  promise.catch(() => {})
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  const length = call.ask !== 'load' && isAnnounced(call.prompt) ? call.prompt.length : 0
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  const part = (bytes: Uint8Array): void => {
    buffer.set(bytes, filled)
    filled += bytes.length
    if (filled === length) resolve(buffer)
  }
  if (length === 0) resolve(buffer)
  return { whole: promise, part }
}

function failure(id: number, error: unknown, isEmpty: boolean): FromEngine {
  const { message = String(error), cause } = (error ?? {}) as Partial<Error>
  const code = isLocalModelError(error) ? error.code : 'SPILLWAY_LOCAL_ENGINE_FAILED'
  return { type: 'failed', id, code, message, cause: messageOf(cause), isEmpty }
}

function messageOf(cause: unknown): string | undefined {
  return cause === undefined ? undefined : ((cause as Partial<Error>)?.message ?? String(cause))
}
