import { anthropicUsage } from './anthropic-usage.ts'
import { classifyErrorBody } from './failure-classification.ts'
import type { SseEvent } from './sse-scanner.ts'
import { parseData, type StreamState } from './stream-state.ts'
import { field, stringField } from './usage.ts'

/** Bytes of a text delta around its text: `{"type":"content_block_delta","index":0,"delta":{…}}`. */
const deltaEnvelope = 82
const letterD = 100

/**
 * Reads one event of an Anthropic Messages stream. Deltas, which are nearly all of a stream, are told by the
 * length of their name and not parsed. Unknown events are ignored, as the API's versioning policy demands.
 */
export function readAnthropicEvent(event: SseEvent, state: StreamState): void {
  // content_block_delta and content_block_start have 19 letters each and differ in the 15th.
  if (event.nameLength === 19 && event.nameByte(14) === letterD) {
    state.contentBytes += Math.max(1, event.dataLength - deltaEnvelope)
    if (!state.hasContent) state.hasContent = isContentDelta(event.data)
    return
  }
  switch (event.name || typeOf(event)) {
    case 'content_block_delta':
      state.contentBytes += Math.max(1, event.dataLength - deltaEnvelope)
      state.hasContent ||= isContentDelta(event.data)
      return
    case 'content_block_start':
      state.hasContent ||= isNonEmptyStart(event.data)
      return
    case 'message_start': {
      const message = field(parseData(event.data), 'message')
      state.model = stringField(message, 'model')
      state.usage = anthropicUsage(field(message, 'usage'))
      return
    }
    case 'message_delta': {
      const data = parseData(event.data)
      state.stopReason = stringField(field(data, 'delta'), 'stop_reason') ?? state.stopReason
      state.usage = anthropicUsage(field(data, 'usage'), state.usage)
      state.usageIsFinal ||= state.stopReason !== undefined && state.usage !== undefined
      return
    }
    case 'message_stop':
      state.hasEnded = true
      return
    case 'error': {
      const data = event.data
      state.failureData = data
      state.failure = classifyErrorBody(parseData(data))
    }
  }
}

function typeOf(event: SseEvent): string | undefined {
  return stringField(parseData(event.data), 'type')
}

/** Empty first fragments, as of tool input, are not content yet. */
function isContentDelta(data: string): boolean {
  const delta = field(parseData(data), 'delta')
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

/** A block that starts with something in it: text, thinking, redacted thinking, a tool's whole input, a result. */
function isNonEmptyStart(data: string): boolean {
  const block = field(parseData(data), 'content_block')
  switch (field(block, 'type')) {
    case 'text':
      return hasText(block, 'text')
    case 'thinking':
      return hasText(block, 'thinking') || hasText(block, 'signature')
    case 'tool_use':
    case 'server_tool_use':
      return Object.keys((field(block, 'input') as object | null | undefined) ?? {}).length > 0
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
