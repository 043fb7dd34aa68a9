/** How a model runs on this machine. */
export interface EngineOptions {
  /** A .gguf file. */
  readonly modelPath: string
  /**
   * Tokens of prompt and answer together, for each call.
   * @default what the model was made for, but at most 8192 (32768 for files below 64 MB), and less where memory is short
   */
  readonly contextSize?: number | undefined
  /**
   * How many calls are answered at the same time; each takes memory for a context. Others wait.
   * @default 2
   */
  readonly parallel?: number | undefined
  /**
   * Maximum number of waiting calls; more are refused with 529 (503 for callers of OpenAI's protocol).
   * @default 100
   */
  readonly maxQueued?: number | undefined
  /**
   * Threads that compute; 0 for all that the machine has.
   * @default 1 for files below 64 MB, else llama.cpp's own choice
   */
  readonly maxThreads?: number | undefined
  /**
   * Where to compute. Anything but `false` needs the matching binary package of node-llama-cpp.
   * @default false, the CPU
   */
  readonly gpu?: false | 'auto' | 'metal' | 'cuda' | 'vulkan' | undefined
  /**
   * How many tokens a model that thinks aloud may spend on that before it answers. Thoughts are never part of
   * the answer.
   * @default 0
   */
  readonly thinkingTokens?: number | undefined
  /**
   * A folder in whose `node_modules` node-llama-cpp is, for installations that do not have it beside this package.
   * @default none
   */
  readonly libraryFolder?: string | undefined
}

/** The defaults of {@link EngineOptions} that do not depend on the model. */
export const engineDefaults: {
  readonly parallel: number
  readonly maxQueued: number
  readonly gpu: false
  readonly thinkingTokens: number
} = {
  parallel: 2,
  maxQueued: 100,
  gpu: false,
  thinkingTokens: 0,
}

const least: Partial<Readonly<Record<keyof EngineOptions, number>>> = {
  contextSize: 8,
  parallel: 1,
  maxQueued: 0,
  maxThreads: 0,
  thinkingTokens: 0,
}

/** @throws RangeError for options out of range */
export function checkRanges(options: EngineOptions): void {
  for (const [name, from] of Object.entries(least)) {
    const value = options[name as keyof EngineOptions]
    if (value === undefined || (Number.isInteger(value) && (value as number) >= from)) continue
    throw new RangeError(`localModel.${name} must be a whole number of ${from} or more, but is ${value}`)
  }
}
