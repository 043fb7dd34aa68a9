import type { AnswerEncoder } from './answer-encoder.ts'
import type { Completion } from './prompt.ts'
import { compactId } from './unique-id.ts'

/** Speaks Anthropic Messages. */
export function anthropicEncoder(model: string): AnswerEncoder {
  const id = `msg_${compactId()}`
  const requestId = `req_${compactId()}`
  return {
    headers: { 'request-id': requestId },
    start(inputTokens) {
      const message = { ...frame(id, model), content: [], stop_reason: null, usage: usage(inputTokens, 0) }
      return (
        event({ type: 'message_start', message: { ...message, stop_sequence: null } }) +
        event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
        event({ type: 'ping' })
      )
    },
    piece(text) {
      return event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
    },
    finish(completion) {
      const delta = ending(completion)
      const counts = usage(completion.inputTokens, completion.outputTokens)
      return (
        event({ type: 'content_block_stop', index: 0 }) +
        event({ type: 'message_delta', delta, usage: counts }) +
        event({ type: 'message_stop' })
      )
    },
    broken(message) {
      return event({ type: 'error', error: { type: 'api_error', message }, request_id: requestId })
    },
    whole(text, completion) {
      return JSON.stringify({
        ...frame(id, model),
        content: text === '' ? [] : [{ type: 'text', text }],
        ...ending(completion),
        usage: usage(completion.inputTokens, completion.outputTokens),
      })
    },
    statusOf: (status) => status,
    error(status, message) {
      const type = errorTypes[status] ?? 'api_error'
      return JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId })
    },
  }
}

const errorTypes: Readonly<Record<number, string>> = { 400: 'invalid_request_error', 529: 'overloaded_error' }

function event(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

function frame(id: string, model: string): Record<string, unknown> {
  return { id, type: 'message', role: 'assistant', model }
}

function ending({ stop, stopSequence }: Completion): Record<string, unknown> {
  const reasons = {
    end: 'end_turn',
    max_tokens: 'max_tokens',
    context: 'model_context_window_exceeded',
    stop_sequence: 'stop_sequence',
  }
  return { stop_reason: reasons[stop], stop_sequence: stopSequence ?? null }
}

function usage(input: number, output: number): Record<string, number> {
  return {
    input_tokens: input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: output,
  }
}
