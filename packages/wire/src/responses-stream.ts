import { parseBounded } from './bounded-json.ts'
import { classifyErrorBody } from './failure-classification.ts'
import { isObject, objectsOf } from './json/values.ts'
import { isDone } from './openai-stream.ts'
import { toolCallBytes } from './output-estimate.ts'
import { readResponse } from './responses-answer.ts'
import type { SseEvent } from './sse-event.ts'
import { addText, type StreamState } from './stream-state.ts'
import { malformedFailure } from './transport-failure.ts'
import { nameField } from './upstream-text.ts'
import { field, stringField } from './usage.ts'

const deltaKey = Buffer.from('"delta":')

/** Events that say that the call has arrived, and no more. */
const idle: ReadonlySet<string> = new Set(['response.created', 'response.queued', 'response.in_progress'])

/** Items whose input comes in pieces, which a client would act upon. */
const calls: ReadonlySet<string> = new Set(['function_call', 'custom_tool_call'])

/** A call is whole with its input, or with its item; some servers send only one of them. */
const callEnds: ReadonlySet<string> = new Set([
  'response.function_call_arguments.done',
  'response.custom_tool_call_input.done',
  'response.output_item.done',
])

/** The last events of a stream, each with the whole response. */
const ends: ReadonlySet<string> = new Set([
  'response.completed',
  'response.done',
  'response.incomplete',
  'response.failed',
])

/** Items that ask the client to do something, and say what in fields that differ; others of their kind the vendor does itself. */
const clientsTasks: ReadonlySet<string> = new Set([
  'computer_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'mcp_approval_request',
])

/**
 * Reads one event of an OpenAI Responses stream. Deltas, which are nearly all of a stream, are recognised by their name, and parsed
 * only until content has come. Events that are not known are ignored; those of `response.` show that the vendor is at work.
 */
export function readResponsesEvent(event: SseEvent, state: StreamState): void {
  // Some servers end with it, as in chat completions.
  if (event.dataLength < 10 && isDone(event.data)) return
  const name = event.name || (stringField(parseBounded(event.data), 'type') ?? '')
  if (state.nextSequence !== undefined) state.nextSequence++
  if (name.endsWith('.delta') || name.endsWith('.partial_image')) return readDelta(event, state)
  if (ends.has(name)) return readEnd(event, name, state)
  if (idle.has(name)) return readBegin(event, state)
  if (name === 'error' || name === '') return readError(event, name, state)
  if (!name.startsWith('response.')) return
  state.hasProgress = true
  if (name === 'response.output_item.added') {
    const item = field(dataOf(event, state), 'item')
    const called = stringField(item, 'name')
    state.isToolOpen = calls.has(stringField(item, 'type') ?? '')
    if (called !== undefined) state.contentBytes += toolCallBytes(called)
    state.hasContent ||= hasContent(item)
    return
  }
  if (callEnds.has(name)) state.isToolOpen = false
  if (!state.hasContent && /\.(?:added|done)$/.test(name)) {
    // Some servers send no deltas, or a part that begins with its text.
    const data = dataOf(event, state)
    const item = field(data, 'item')
    state.hasContent =
      [data, item, field(data, 'part')].some(hasContent) || clientsTasks.has(stringField(item, 'type') ?? '')
    if (state.hasContent) addText(state, event.textBehind(textKey) || event.textBehind(argumentsKey))
  }
}

const textKey = Buffer.from('"text":')
const argumentsKey = Buffer.from('"arguments":')

/** Empty first pieces are not content yet. */
function readDelta(event: SseEvent, state: StreamState): void {
  addText(state, event.textBehind(deltaKey))
  state.contentEvents++
  state.hasProgress = true
  if (state.hasContent) return
  const data = dataOf(event, state)
  const delta = field(data, 'delta')
  state.hasContent =
    (typeof delta === 'string' ? delta !== '' : delta != null) || field(data, 'partial_image_b64') != null
}

function readBegin(event: SseEvent, state: StreamState): void {
  const data = dataOf(event, state)
  const response = field(data, 'response')
  state.model ??= nameField(response, 'model')
  state.answerId ??= nameField(response, 'id')
  const number = field(data, 'sequence_number')
  if (typeof number === 'number' && Number.isSafeInteger(number)) state.nextSequence = number + 1
  state.nextSequence ??= 1
}

function readEnd(event: SseEvent, name: string, state: StreamState): void {
  const data = dataOf(event, state)
  const response = field(data, 'response')
  if (state.failure !== undefined) return
  // Some servers have the error beside the response.
  const error = field(response, 'error') ?? field(data, 'error')
  const isFailed = name === 'response.failed'
  // The items have come in separate events; some servers do not repeat them here.
  const hasCome = isObject(response) && (state.hasContent || state.hasProgress)
  const whole = { ...toObject(response), ...(hasCome && { output: response.output ?? [] }) }
  const said = readResponse(isFailed ? { ...whole, status: 'failed', error } : whole)
  state.usage = said.usage ?? state.usage
  state.usageIsFinal = said.usage !== undefined
  state.model = nameField(response, 'model') ?? state.model
  if (said.failure !== undefined) {
    if (stringField(error, 'message') !== undefined) state.failureData = JSON.stringify({ error })
    state.failure = said.failure
    // What it says to have used is its last word.
    if (said.usage !== undefined) state.stopReason = 'failed'
    return
  }
  state.stopReason = said.stopReason ?? 'completed'
  state.refusal ??= said.refusal
  if (state.isToolOpen) state.isToolOpen = name !== 'response.incomplete' && !hasWholeCalls(response)
  state.hasEnded = true
}

/** Whether the end has the call that its stream has left open, with all of its arguments. */
function hasWholeCalls(response: unknown): boolean {
  const items = objectsOf(field(response, 'output')).filter((item) =>
    calls.has(stringField(item, 'type') ?? ''),
  )
  const isWhole = (item: unknown): boolean =>
    stringField(item, 'type') !== 'function_call' ||
    parseBounded(stringField(item, 'arguments') ?? '') !== undefined
  return items.length > 0 && items.every(isWhole)
}

/** An error has its fields at the top, or within `error`; an event without a type is one if it has them. */
function readError(event: SseEvent, name: string, state: StreamState): void {
  const data = dataOf(event, state)
  if (state.failure !== undefined) return
  const error = field(data, 'error') ?? (name === 'error' ? data : undefined)
  if (error == null) return
  const { type, sequence_number: _, ...said } = toObject(error)
  const body = { error: { ...(type !== 'error' && { type }), ...said } }
  if (stringField(error, 'message') !== undefined) state.failureData = JSON.stringify(body)
  state.failure = classifyErrorBody(body)
}

function toObject(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

/** The parsed data of an event that the protocol knows; not JSON means that the stream is broken. */
function dataOf(event: SseEvent, state: StreamState): unknown {
  const data = parseBounded(event.data)
  if (data === undefined) state.failure ??= malformedFailure('an event of the stream is not JSON')
  return data
}

/** Whether an item, a part or the end of one has something in it: text, arguments, reasoning that is shown or sealed. */
function hasContent(value: unknown): boolean {
  const isSaid = (name: string): boolean => (stringField(value, name) ?? '') !== ''
  if (['text', 'arguments', 'input', 'refusal', 'encrypted_content', 'result'].some(isSaid)) return true
  return ['content', 'summary'].some((name) => objectsOf(field(value, name)).some(hasContent))
}
