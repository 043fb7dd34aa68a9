import type { SseEvent } from './sse-event.ts'
import type { StreamState } from './stream-state.ts'

/** Bytes of UTF-8 for each token: of common tokenizers, and of Claude's, which make more of the same text. */
const bytesPerToken = 3.5
const bytesPerTokenOfClaude = 2.9

/** Where chunks have between so many bytes of text on average, each of them is a token: so most servers send them. */
const shortestToken = 1.9
const longestToken = 8

/** What a tool call takes besides its name and its arguments, in bytes of text. */
const callOverhead = 20

/** What has been seen of an answer. */
export interface ObservedAnswer {
  /** Bytes of UTF-8 in its text, thinking and arguments. */
  readonly contentBytes: number
  /** Events that had some of them; 1 where it was not streamed. */
  readonly textEvents: number
  readonly model: string | undefined
}

/**
 * How many tokens the text, the thinking and the arguments of an answer have, roughly. Against streams that are cut and whose
 * usage is known, the median is within a third, and nine in ten are less than twice what was used.
 */
export function outputTokensOf({ contentBytes, textEvents, model }: ObservedAnswer): number {
  if (model !== undefined && /claude/i.test(model))
    // It sends a few tokens at a time, and never none.
    return Math.max(
      Math.ceil(contentBytes / bytesPerTokenOfClaude),
      Math.min(textEvents, Math.ceil(contentBytes / 2)),
    )
  const each = contentBytes / Math.max(1, textEvents)
  if (textEvents > 1 && each >= shortestToken && each <= longestToken) return textEvents
  return Math.ceil(contentBytes / bytesPerToken)
}

/** What the beginning of a tool call is worth, in bytes of text. */
export function toolCallBytes(name: unknown): number {
  return callOverhead + (typeof name === 'string' ? name.length : 0)
}

const textKey = Buffer.from('"text":')
const thinkingKey = Buffer.from('"thinking":')
const partialJsonKey = Buffer.from('"partial_json":')
const signatureKey = Buffer.from('"signature":')

/** Bytes of text that an event of Messages adds to its answer. */
export function messageDeltaBytes(event: SseEvent, state: StreamState): number {
  const said = event.textBehind(textKey) || event.textBehind(partialJsonKey)
  if (said > 0) return said
  const thought = event.textBehind(thinkingKey)
  if (thought > 0) {
    state.thoughtBytes += thought
    return thought
  }
  return hiddenThought(event, state)
}

/**
 * A signature has all of the thinking inside, in base64, which may be shown shortened or not at all. It ends its block.
 */
function hiddenThought(event: SseEvent, state: StreamState): number {
  const signature = event.textBehind(signatureKey)
  const hidden = Math.max(0, Math.floor(signature * 0.75) - state.thoughtBytes)
  if (signature > 0) state.thoughtBytes = 0
  return hidden
}

const contentKey = Buffer.from('"content":')
const reasoningKeys = ['"reasoning_content":', '"reasoning":', '"text":'].map((key) => Buffer.from(key))
const reasoning = [{ bytes: Buffer.from('"reasoning') }]
const argumentsKey = Buffer.from('"arguments":')
const call = [{ bytes: argumentsKey }]
const nameKey = Buffer.from('"name":')
const refusalKey = Buffer.from('"refusal":')

/** Bytes of text that a chunk of chat completions adds to its answer. What is in it twice counts once. */
export function chatChunkBytes(event: SseEvent): number {
  const said = event.textBehind(contentKey)
  if (said > 0) return said
  if (event.dataIncludes(reasoning)) {
    for (const key of reasoningKeys) {
      const thought = event.textBehind(key)
      if (thought > 0) return thought
    }
  }
  if (event.dataIncludes(call)) {
    const name = event.textBehind(nameKey)
    return event.textBehind(argumentsKey) + (name > 0 ? name + callOverhead : 0)
  }
  return event.textBehind(refusalKey) || event.textBehind(textKey)
}
