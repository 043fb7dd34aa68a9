import { parseBounded } from './bounded-json.ts'
import { contentPieces, hasFunctionCall } from './chat-content.ts'
import { classifyErrorBody, isErrorOf, isFailedChoice } from './failure-classification.ts'
import { refusalOfChoice } from './model-refusal.ts'
import { laterUsage, usageOfCompletion } from './openai-usage.ts'
import { chatChunkBytes } from './output-estimate.ts'
import type { Needle, SseEvent } from './sse-event.ts'
import { addText, type StreamState } from './stream-state.ts'
import { malformedFailure } from './transport-failure.ts'
import { longestReason, nameField } from './upstream-text.ts'
import { field } from './usage.ts'

/** A key, unless its value says nothing new. */
const key = (name: string, idle: string): Needle => ({
  bytes: Buffer.from(`"${name}"`),
  except: Buffer.from(`"${name}":${idle}`),
})

/** What a chunk that says something new has: an error, an end, usage, another choice than the first. */
const telling: readonly Needle[] = [
  key('error', 'null'),
  key('detail', 'null'),
  key('usage', 'null'),
  key('index', '0'),
  key('finish_reason', 'null'),
]

/** No vendor gives as many answers at once. */
const mostChoices = 1_000

/** Whether the data of an event is the end of a chat stream. */
export function isDone(data: string): boolean {
  return data.trim() === '[DONE]'
}

/**
 * Reads one event of an OpenAI chat completions stream. Once content has come, chunks are parsed only if they
 * can say something new: usage, an end, an error, another choice. Inside a JSON string a quote is escaped, so that the keys that are
 * searched for cannot hide in a text.
 */
export function readOpenAiEvent(event: SseEvent, state: StreamState): void {
  if (event.dataLength < 10 && isDone(event.data)) {
    state.hasEnded = true
    return
  }
  if (state.hasContent && state.stopReason === undefined && !mayMatter(event)) {
    state.openChoices?.add(0)
    addText(state, chatChunkBytes(event))
    state.contentEvents++
    return
  }
  const data = event.data
  const chunk = parseBounded(data)
  const failure = errorOf(event, chunk)
  if (failure !== undefined) {
    // An error in a choice, or in the shape of another service, is none that a client of this protocol would see.
    if (failure === chunk && isErrorOf('openai', chunk)) state.failureData = data
    state.failure = classifyErrorBody(failure)
    return
  }
  // What comes behind a finish reason may be torn: the answer is there.
  if (chunk === undefined && event.nameLength === 0 && data.trim() !== '' && state.stopReason === undefined) {
    state.failure = malformedFailure('an event of the stream is not JSON')
    return
  }
  state.model ??= nameField(chunk, 'model')
  const usage = usageOfCompletion(chunk)
  if (usage !== undefined) {
    state.usage = laterUsage(state.usage, usage)
    state.usageIsFinal = true
  }
  const choices = field(chunk, 'choices')
  if (!Array.isArray(choices)) return
  let isContent = false
  for (const choice of choices) {
    const hasFinished = readChoice(choice, state)
    if (indexOf(choice) === 0) state.refusal ??= refusalOfChoice(choice)
    if (!hasContent(field(choice, 'delta'))) continue
    isContent = true
    state.contentEvents++
    if (!hasFinished && state.openChoices !== undefined && state.openChoices.size < mostChoices)
      state.openChoices.add(indexOf(choice))
  }
  if (!isContent) return
  state.hasContent = true
  addText(state, chatChunkBytes(event))
}

/** Whether the choice ends here. */
function readChoice(choice: unknown, state: StreamState): boolean {
  const reason = nameField(choice, 'finish_reason', longestReason)
  state.openChoices ??= new Set()
  if (reason === undefined) return false
  state.stopReason = reason
  // Servers that give one answer are not always consistent in its number.
  if (!state.openChoices.delete(indexOf(choice)) && state.openChoices.size === 1) state.openChoices.clear()
  return true
}

function indexOf(choice: unknown): unknown {
  return field(choice, 'index') ?? 0
}

function mayMatter(event: SseEvent): boolean {
  return event.nameLength > 0 || event.dataIncludes(telling)
}

/**
 * The error that a chunk carries: at its top, in a choice, as an event named `error`, or instead of a chunk. What is no
 * JSON may quote anything, and is not quoted.
 */
function errorOf(event: SseEvent, chunk: unknown): unknown {
  if (field(chunk, 'error') != null) return chunk
  if (event.nameLength > 0 && event.name === 'error') return chunk ?? {}
  const choices = field(chunk, 'choices')
  if (!Array.isArray(choices)) {
    return field(chunk, 'object') === 'error' || field(chunk, 'detail') != null ? chunk : undefined
  }
  const failed = choices.find(isFailedChoice)
  if (failed === undefined) return undefined
  return { error: field(failed, 'error') ?? { message: 'the model ended with an error' } }
}

/** Text, a refusal, reasoning in any vendor's field, or a tool call. A role alone is not content. */
function hasContent(delta: unknown): boolean {
  if (typeof delta !== 'object' || delta === null) return false
  for (const name of ['content', 'refusal', 'reasoning', 'reasoning_content']) {
    const text = field(delta, name)
    if (typeof text === 'string' && text.length > 0) return true
  }
  const parts = field(delta, 'content')
  if (Array.isArray(parts) && contentPieces(parts).length > 0) return true
  for (const name of ['tool_calls', 'reasoning_details']) {
    const list = field(delta, name)
    if (Array.isArray(list) && list.length > 0) return true
  }
  return hasFunctionCall(delta) || field(delta, 'audio') != null
}
