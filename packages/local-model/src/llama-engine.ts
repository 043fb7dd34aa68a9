import type { GenerateEvents } from './engine.ts'
import type { EngineOptions } from './engine-options.ts'
import { type Loaded, loadLlama } from './load-llama.ts'
import { isLocalModelError, LocalModelError } from './local-model-error.ts'
import { modelNameOf } from './model-name.ts'
import type { Completion, Prompt, Turn } from './prompt.ts'
import { longestPrompt, surelyTooLong, tooLongError } from './prompt-size.ts'
import { type Slots, slots } from './slots.ts'

type Ready = Omit<Loaded, 'sequences'> & { readonly sequences: Slots<Loaded['sequences'][number]> }

/** llama.cpp with one model, in the process that this runs in. Nothing is loaded before the first use. */
export class LlamaEngine {
  readonly #options: EngineOptions
  readonly #model: string
  #ready: Promise<Ready> | undefined
  #hasFailed = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.#model = modelNameOf(options)
  }

  /** Whether the last load came to nothing. */
  get hasFailedToLoad(): boolean {
    return this.#hasFailed
  }

  /**
   * Loads the model, once; a failed load is tried again by the next use.
   * @throws LocalModelError
   */
  async load(): Promise<void> {
    await this.#load()
  }

  /**
   * Tokenises the prompt, waits for a free sequence, and generates.
   * @throws LocalModelError, or the signal's reason when it aborts
   */
  async generate(prompt: Prompt, events: GenerateEvents, signal: AbortSignal): Promise<Completion> {
    const { limits, sequences, read, chat } = await this.#loadFor(signal)
    const most = longestPrompt(limits)
    const guess = surelyTooLong(prompt.turns, limits)
    if (guess !== undefined) throw tooLongError(this.#model, guess, limits)
    const text = await this.#guarded(signal, () => read(prompt.turns, most, signal))
    try {
      const { tokens: inputTokens } = text
      if (text.isTooLong) throw tooLongError(this.#model, inputTokens, limits)
      const { maxTokens = Infinity } = prompt
      if (maxTokens === 0) {
        events.started?.(inputTokens)
        return { inputTokens, outputTokens: 0, stop: 'max_tokens' }
      }
      const remaining = limits.contextSize - inputTokens - 2
      const sequence = await sequences.take(signal)
      try {
        events.started?.(inputTokens)
        const end = await this.#guarded(signal, () =>
          chat(sequence, prompt, Math.min(maxTokens, remaining), events.text, signal),
        )
        const cut = end.stop === 'max_tokens' && maxTokens > remaining
        return { ...end, inputTokens, stop: cut ? 'context' : end.stop }
      } finally {
        sequences.give(sequence)
      }
    } finally {
      text.release()
    }
  }

  /**
   * Counts the tokens of turns; of turns that are too many megabytes for the context, roughly.
   * @throws LocalModelError, or the signal's reason when it aborts
   */
  async count(turns: readonly Turn[], signal: AbortSignal): Promise<number> {
    const { limits, read } = await this.#loadFor(signal)
    const guess = surelyTooLong(turns, limits)
    if (guess !== undefined) return guess
    const text = await this.#guarded(signal, () => read(turns, Infinity, signal))
    text.release()
    return text.tokens
  }

  async #loadFor(signal: AbortSignal): Promise<Ready> {
    const ready = await this.#load()
    signal.throwIfAborted()
    return ready
  }

  /** Turns whatever llama.cpp throws into an error of ours. */
  async #guarded<T>(signal: AbortSignal, use: () => Promise<T>): Promise<T> {
    try {
      return await use()
    } catch (error) {
      signal.throwIfAborted()
      if (isLocalModelError(error)) throw error
      const message = `the local model ${this.#model} failed: ${(error as Error)?.message ?? error}`
      throw new LocalModelError('SPILLWAY_LOCAL_ENGINE_FAILED', message, { cause: error })
    }
  }

  #load(): Promise<Ready> {
    if (this.#ready === undefined) {
      this.#hasFailed = false
      this.#ready = loadLlama(this.#options).then(
        (loaded) => ({ ...loaded, sequences: slots(loaded.sequences) }),
        (error: unknown) => {
          this.#ready = undefined
          this.#hasFailed = true
          throw error
        },
      )
    }
    return this.#ready
  }
}
