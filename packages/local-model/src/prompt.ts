/** One turn of a conversation, as text. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly text: string
}

/** What a local model is asked, whichever protocol the caller speaks. */
export interface Prompt {
  /** In order. Where the last one is the assistant's, the model goes on from it. */
  readonly turns: readonly Turn[]
  /** Undefined for as many as the context holds. */
  readonly maxTokens: number | undefined
  /** The answer ends before any of these. */
  readonly stop: readonly string[]
  /** Undefined for the engine's default, which is the most likely token each time. */
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly topK: number | undefined
  readonly seed: number | undefined
  /** What the request asked for and a prompt of text cannot carry: `tools`, `images`, … */
  readonly losses: readonly string[]
}

/** How an answer ended. */
export interface Completion {
  readonly inputTokens: number
  /** All that the model generated, thoughts and the end mark included. */
  readonly outputTokens: number
  /** `context`: the context window was full, although `maxTokens` would have allowed more. */
  readonly stop: 'end' | 'max_tokens' | 'context' | 'stop_sequence'
  /** With `stop_sequence`: which one. */
  readonly stopSequence?: string | undefined
}
