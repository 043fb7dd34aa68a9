import { basename } from 'node:path'
import type { EngineOptions } from './engine-options.ts'
import { type Loaded, loadLlama } from './load-llama.ts'
import { isLocalModelError, LocalModelError } from './local-model-error.ts'
import type { Completion, Prompt, Turn } from './prompt.ts'
import { type Slots, slots } from './slots.ts'

/** What {@link Engine.generate} tells while it runs. */
export interface GenerateEvents {
  /** The prompt fits, and generation begins. Called once, before any text. */
  started?(inputTokens: number): void
  /** The next piece of the answer; never half a character. */
  text(piece: string): void
}

/** A model inside this process. Nothing is loaded before the first use. */
export interface Engine {
  /** The file's base name without `.gguf`. */
  readonly model: string
  /**
   * Loads the model now instead of at the first call. Loading happens once; a failed load is tried again by the
   * next use.
   * @throws LocalModelError
   */
  load(): Promise<void>
  /**
   * Answers. Waits for its turn when `parallel` calls are under way already.
   * @throws LocalModelError, or the signal's reason when it aborts
   */
  generate(prompt: Prompt, events: GenerateEvents, signal?: AbortSignal): Promise<Completion>
  /**
   * How many tokens the turns come to in the model's own template.
   * @throws LocalModelError, or the signal's reason when it aborts
   */
  countTokens(turns: readonly Turn[], signal?: AbortSignal): Promise<number>
  /** Stops what is under way and gives the memory back. The engine cannot be used afterwards. */
  close(): Promise<void>
}

/** Opens a model file for use in this process; needs the optional peer `node-llama-cpp`. Returns at once. */
export function openEngine(options: EngineOptions): Engine {
  return new LlamaEngine(options)
}

type Ready = Omit<Loaded, 'sequences'> & { readonly sequences: Slots<Loaded['sequences'][number]> }

class LlamaEngine implements Engine {
  readonly model: string
  readonly #options: EngineOptions
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  #ready: Promise<Ready> | undefined
  #closed: Promise<void> | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.model = basename(options.modelPath).replace(/\.gguf$/i, '')
  }

  async load(): Promise<void> {
    await this.#load()
  }

  countTokens(turns: readonly Turn[], signal?: AbortSignal): Promise<number> {
    return this.#run(signal, async (ready) => ready.countTokens(turns))
  }

  generate(prompt: Prompt, events: GenerateEvents, signal?: AbortSignal): Promise<Completion> {
    return this.#run(signal, async (ready, stop) => {
      const inputTokens = ready.countTokens(prompt.turns)
      const room = ready.contextSize - inputTokens - 2
      if (room < 1) {
        throw new LocalModelError(
          'SPILLWAY_LOCAL_PROMPT_TOO_LONG',
          `the prompt is too long for the local model ${this.model}: ${inputTokens} tokens, where the context holds ${ready.contextSize}`,
        )
      }
      const { maxTokens = Infinity } = prompt
      if (maxTokens === 0) {
        events.started?.(inputTokens)
        return { inputTokens, outputTokens: 0, stop: 'max_tokens' }
      }
      const sequence = await ready.sequences.take(stop)
      try {
        events.started?.(inputTokens)
        const end = await ready.chat(sequence, prompt, Math.min(maxTokens, room), events.text, stop)
        const cut = end.stop === 'max_tokens' && maxTokens > room
        return { ...end, inputTokens, stop: cut ? 'context' : end.stop }
      } finally {
        ready.sequences.give(sequence)
      }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const reason = new LocalModelError(
      'SPILLWAY_LOCAL_ENGINE_CLOSED',
      `the local model ${this.model} was closed`,
    )
    this.#closing.abort(reason)
    const ready = await this.#ready?.catch(() => undefined)
    ready?.sequences.close(reason)
    await Promise.allSettled(this.#running)
    await ready?.dispose()
  }

  /** Runs one use of the model, and turns whatever llama.cpp throws into an error of ours. */
  async #run<T>(
    signal: AbortSignal | undefined,
    use: (ready: Ready, stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const closing = this.#closing.signal
    const stop = signal === undefined ? closing : AbortSignal.any([signal, closing])
    try {
      stop.throwIfAborted()
      const ready = await abortable(this.#load(), stop)
      const running = use(ready, stop)
      // llama.cpp ends its current batch before it stops; the caller does not wait for that.
      const done: Promise<unknown> = running.catch(() => {}).then(() => this.#running.delete(done))
      this.#running.add(done)
      return await abortable(running, stop)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (closing.aborted) throw closing.reason
      if (isLocalModelError(error)) throw error
      const message = `the local model ${this.model} failed: ${(error as Error)?.message ?? error}`
      throw new LocalModelError('SPILLWAY_LOCAL_ENGINE_FAILED', message, { cause: error })
    }
  }

  #load(): Promise<Ready> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason)
    this.#ready ??= loadLlama(this.#options).then(
      (loaded) => ({ ...loaded, sequences: slots(loaded.sequences) }),
      (error: unknown) => {
        this.#ready = undefined
        throw error
      },
    )
    return this.#ready
  }
}

/** Leaves a wait at once when the signal aborts; what was waited for goes on. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    const done = (): void => signal.removeEventListener('abort', leave)
    promise.then(resolve, reject).finally(done)
  })
}
