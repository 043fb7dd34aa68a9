import { EngineClient } from './engine-client.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Completion, Prompt, Turn } from './prompt.ts'
import type { RequestBody, RequestFacts } from './request-prompt.ts'

/** What {@link Engine.generate} tells while it runs. */
export interface GenerateEvents {
  /** A request's body has been read. Called once, before anything else; never for a {@link Prompt}. */
  read?(facts: RequestFacts): void
  /** The prompt fits, and generation begins. Called once, before any text. */
  started?(inputTokens: number): void
  /** The next piece of the answer; never half a character. */
  text(piece: string): void
}

/**
 * A model on this machine, run by llama.cpp in a separate process: it neither blocks this process nor takes it down.
 * Nothing is started before the first use. The process ends with this one, and does not keep it alive between calls.
 */
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
   * Answers. Waits for its turn when `parallel` calls are in flight already.
   * @throws LocalModelError, or the signal's reason when it aborts
   */
  generate(prompt: Prompt | RequestBody, events: GenerateEvents, signal?: AbortSignal): Promise<Completion>
  /**
   * How many tokens the turns come to in the model's own template; roughly, where that is many times the context.
   * @param facts is told what a request's body asks for, before the promise resolves
   * @throws LocalModelError, or the signal's reason when it aborts
   */
  countTokens(
    prompt: readonly Turn[] | RequestBody,
    signal?: AbortSignal,
    facts?: (facts: RequestFacts) => void,
  ): Promise<number>
  /** Stops what is in flight and gives the memory back. The engine cannot be used afterwards. */
  close(): Promise<void>
}

/**
 * Opens a model file; needs the optional peer `node-llama-cpp`. Returns at once.
 * @throws RangeError for options out of range
 */
export function openEngine(options: EngineOptions): Engine {
  return new EngineClient(options)
}
