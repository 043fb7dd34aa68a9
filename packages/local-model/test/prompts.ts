import type { Prompt } from '../src/prompt.ts'

/** A prompt with one question, and whatever else is given. */
export function promptOf(changes: Partial<Prompt> = {}): Prompt {
  return {
    turns: [{ role: 'user', text: 'Hello?' }],
    maxTokens: undefined,
    stop: [],
    temperature: undefined,
    topP: undefined,
    topK: undefined,
    seed: undefined,
    losses: [],
    ...changes,
  }
}

/**
 * A reply of which one token is 2,000 bytes long: with it in a vocabulary, prompts of megabytes may fit a small context
 * for all that their size tells.
 */
export const longWordReply = `${'long'.repeat(500)} is the word.`

/** Text on which llama.cpp's tokenizer takes time that grows with the square of its length. */
export function slowText(bytes: number): string {
  return 'word word2 '.repeat(Math.ceil(bytes / 11)).slice(0, bytes)
}
