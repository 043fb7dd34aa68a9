/** How a model runs in this process. */
export interface EngineOptions {
  /** A .gguf file. */
  readonly modelPath: string
  /**
   * Tokens of prompt and answer together, for each call.
   * @default what the model was made for, but at most 8192 (32768 for files below 64 MB), and less where memory is short
   */
  readonly contextSize?: number
  /**
   * How many calls are answered at the same time; each takes memory for a context of its own. Others wait.
   * @default 2
   */
  readonly parallel?: number
  /**
   * Threads that compute; 0 for all that the machine has.
   * @default 1 for files below 64 MB, else llama.cpp's own choice
   */
  readonly maxThreads?: number
  /**
   * Where to compute. Anything but `false` needs the matching binary package of node-llama-cpp.
   * @default false, the CPU
   */
  readonly gpu?: false | 'auto' | 'metal' | 'cuda' | 'vulkan'
  /**
   * How many tokens a model that thinks aloud may spend on that before it answers. Thoughts are never part of
   * the answer.
   * @default 0
   */
  readonly thinkingTokens?: number
}
