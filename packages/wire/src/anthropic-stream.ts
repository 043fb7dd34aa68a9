import { anthropicUsage } from './anthropic-usage.ts'
import { parseBounded } from './bounded-json.ts'
import { classifyErrorBody, isErrorOf } from './failure-classification.ts'
import { refusalOfMessage, unbilledUsage } from './model-refusal.ts'
import { messageDeltaBytes, toolCallBytes } from './output-estimate.ts'
import type { SseEvent } from './sse-event.ts'
import { addText, type StreamState } from './stream-state.ts'
import { malformedFailure } from './transport-failure.ts'
import { longestReason, nameField } from './upstream-text.ts'
import { field, stringField } from './usage.ts'

const letterD = 100

/**
 * Reads one event of an Anthropic Messages stream. Deltas, which are nearly all of a stream, are recognised by the
 * length of their name and not parsed. Unknown events are ignored, as the API's versioning policy demands.
 */
export function readAnthropicEvent(event: SseEvent, state: StreamState): void {
  // content_block_delta and content_block_start have 19 letters each and differ in the 15th.
  if (event.nameLength === 19 && event.nameByte(14) === letterD) {
    addText(state, messageDeltaBytes(event, state))
    state.contentEvents++
    if (!state.hasContent) state.hasContent = isContentDelta(dataOf(event, state))
    return
  }
  switch (event.name || typeOf(event)) {
    case 'content_block_delta':
      addText(state, messageDeltaBytes(event, state))
      state.contentEvents++
      state.hasContent ||= isContentDelta(dataOf(event, state))
      return
    case 'content_block_start': {
      const data = dataOf(event, state)
      state.hasProgress = true
      state.hasContent ||= isNonEmptyStart(data)
      addBlockStart(field(data, 'content_block'), state)
      state.openBlocks++
      state.isToolOpen = /tool_use$/.test(stringField(field(data, 'content_block'), 'type') ?? '')
      return
    }
    case 'content_block_stop':
      state.openBlocks--
      state.isToolOpen = false
      return
    case 'message_start': {
      const message = field(dataOf(event, state), 'message')
      state.model = nameField(message, 'model')
      state.usage = anthropicUsage(field(message, 'usage'))
      return
    }
    case 'message_delta': {
      const data = dataOf(event, state)
      const usage = field(data, 'usage')
      const delta = field(data, 'delta')
      state.stopReason = nameField(delta, 'stop_reason', longestReason) ?? state.stopReason
      state.refusal ??= refusalOfMessage(delta)
      state.usage = anthropicUsage(usage, state.usage)
      if (state.refusal !== undefined && !state.hasContent) state.usage = unbilledUsage(state.usage, usage)
      state.usageIsFinal ||= state.stopReason !== undefined && usage != null
      return
    }
    case 'message_stop':
      state.hasEnded = true
      return
    case 'error': {
      const data = event.data
      const body = parseBounded(data)
      if (isErrorOf('anthropic', body)) state.failureData = data
      state.failure = classifyErrorBody(body)
    }
  }
}

/** The parsed data of an event that the protocol knows; not JSON means that the stream is broken. */
function dataOf(event: SseEvent, state: StreamState): unknown {
  const data = parseBounded(event.data)
  if (data === undefined) state.failure = malformedFailure('an event of the stream is not JSON')
  return data
}

function typeOf(event: SseEvent): string | undefined {
  return stringField(parseBounded(event.data), 'type')
}

/** Empty first fragments, as of tool input, are not content yet. */
function isContentDelta(data: unknown): boolean {
  const delta = field(data, 'delta')
  switch (field(delta, 'type')) {
    case 'text_delta':
      return hasText(delta, 'text')
    case 'thinking_delta':
      return hasText(delta, 'thinking')
    case 'signature_delta':
      return hasText(delta, 'signature')
    case 'input_json_delta':
      return hasText(delta, 'partial_json')
    case 'citations_delta':
      return true
    default:
      return false
  }
}

/** Some servers send a tool's whole input, or a whole text, with the start of its block. */
function addBlockStart(block: unknown, state: StreamState): void {
  const name = stringField(block, 'name')
  if (name !== undefined) state.contentBytes += toolCallBytes(name)
  const input = field(block, 'input')
  if (hasKeys(input)) addText(state, Buffer.byteLength(JSON.stringify(input)))
  addText(state, Buffer.byteLength(stringField(block, 'text') ?? stringField(block, 'thinking') ?? ''))
}

function hasKeys(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

/**
 * A block that starts with something in it: text, thinking, redacted thinking, a tool's whole input, a result. The seam
 * between two models is nothing that either has said.
 */
function isNonEmptyStart(data: unknown): boolean {
  const block = field(data, 'content_block')
  switch (field(block, 'type')) {
    case 'text':
      return hasText(block, 'text')
    case 'thinking':
      return hasText(block, 'thinking') || hasText(block, 'signature')
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return hasKeys(field(block, 'input'))
    case 'fallback':
    case undefined:
      return false
    default:
      return true
  }
}

function hasText(value: unknown, name: string): boolean {
  const text = field(value, name)
  return typeof text === 'string' && text.length > 0
}
