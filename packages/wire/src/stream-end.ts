import type { Api } from '@spillway/middleware'
import { readAnthropicEvent } from './anthropic-stream.ts'
import { readOpenAiEvent } from './openai-stream.ts'
import { readResponsesEvent } from './responses-stream.ts'
import type { SseEvent } from './sse-event.ts'
import type { StreamState } from './stream-state.ts'

/** Reads one event of a protocol's streams into what the stream has said so far. */
export function eventReader(api: Api): (event: SseEvent, state: StreamState) => void {
  return eventReaders[api]
}

const eventReaders: Readonly<Record<Api, (event: SseEvent, state: StreamState) => void>> = {
  anthropic: readAnthropicEvent,
  openai: readOpenAiEvent,
  responses: readResponsesEvent,
}

/**
 * Whether what a stream has said so far is a whole answer: the one place that decides it.
 *
 * In the OpenAI shape a finish reason of each choice that has said something is the end. `[DONE]` is none: some servers close
 * without it, and proxies put it behind whatever was cut. In Anthropic's it is `message_stop`, with a stop reason, or behind
 * content whose blocks are closed: some servers give no reason. An open tool call is no end in either, since an agent would
 * run the half of it; but for a refusal, which Anthropic may cut one off with, and which tells agents to run nothing. In
 * OpenAI Responses it is `response.completed` or `response.incomplete`, which hold the answer once more; a call that its stream has
 * left open must be whole in them.
 */
export function isWholeStream(api: Api, state: Readonly<StreamState>): boolean {
  const { hasEnded, hasContent, stopReason, refusal, openBlocks, isToolOpen, openChoices } = state
  if (api === 'openai') return stopReason !== undefined && !openChoices?.size
  if (!hasEnded || (isToolOpen && refusal === undefined)) return false
  if (api === 'responses') return true
  return stopReason !== undefined || (hasContent && openBlocks <= 0)
}
