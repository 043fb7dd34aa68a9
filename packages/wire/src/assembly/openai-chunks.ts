import type { JsonObject } from '@spillway/middleware/kit'
import { isObject } from '../json/values.ts'

/**
 * The chunks in which a completion would have been streamed; undefined for what is no completion.
 * @param includeUsage whether the caller has asked for the usage of its stream
 */
export function completionChunks(completion: JsonObject, includeUsage: boolean): string | undefined {
  const { choices, usage, ...others } = completion
  if (!Array.isArray(choices) || !choices.every(isObject)) return undefined
  const chunk = (choices: readonly JsonObject[], more: JsonObject = {}): string =>
    `data: ${JSON.stringify({ ...others, object: 'chat.completion.chunk', choices, ...more })}\n\n`
  return [
    ...choices.map((choice, position) => chunk([contentOf(choice, position)])),
    ...choices.map((choice, position) => chunk([endOf(choice, position)])),
    includeUsage && usage != null ? chunk([], { usage }) : '',
    'data: [DONE]\n\n',
  ].join('')
}

function contentOf({ index, message, logprobs }: JsonObject, position: number): JsonObject {
  const said = isObject(message) ? message : {}
  const calls = Array.isArray(said.tool_calls) && { tool_calls: said.tool_calls.map(streamedCall) }
  const delta = { role: 'assistant', ...said, ...calls }
  return { index: index ?? position, delta, logprobs: logprobs ?? null, finish_reason: null }
}

/** In a stream calls have an index, and arguments are text, which grows. */
function streamedCall(call: unknown, index: number): unknown {
  if (!isObject(call)) return call
  const { function: fn } = call
  if (!isObject(fn) || !isObject(fn.arguments)) return { index, ...call }
  return { index, ...call, function: { ...fn, arguments: JSON.stringify(fn.arguments) } }
}

function endOf(choice: JsonObject, position: number): JsonObject {
  const { message, logprobs: _, ...others } = choice
  const calls = isObject(message) && Array.isArray(message.tool_calls) && message.tool_calls.length > 0
  return {
    ...others,
    index: choice.index ?? position,
    delta: {},
    logprobs: null,
    // Clients wait for a reason.
    finish_reason: choice.finish_reason || (calls ? 'tool_calls' : 'stop'),
  }
}
