import { defaultText } from '@spillway/testing'
import type { Shape } from './shape.ts'

/** Bodies as servers send them, written by hand: what is wrong with them is in their bytes. */

export function events(...list: readonly { readonly type: string }[]): string {
  return list.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-5',
  content: [{ type: 'text', text: defaultText }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 12, output_tokens: 15 },
}

export const messageStart = {
  type: 'message_start',
  message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 12, output_tokens: 1 } },
}

export const textBlock = [
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: defaultText } },
  { type: 'content_block_stop', index: 0 },
]

export const messageEnd = [
  {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 15 },
  },
  { type: 'message_stop' },
]

/** Half a call of a tool. */
export const halfCall = [
  {
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'rm', input: {} },
  },
  {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'input_json_delta', partial_json: '{"path":"/tm' },
  },
]

/** Events of Responses, each with the next number. */
export function numbered(...list: readonly { readonly type: string }[]): string {
  return events(...list.map((event, index) => ({ ...event, sequence_number: index })))
}

const part = { type: 'output_text', text: defaultText, annotations: [], logprobs: [] }
const item = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [part] }

/** A response that is whole. */
export const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-5.5',
  output: [item],
  usage: {
    input_tokens: 12,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 15,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 27,
  },
}

const begun = { ...response, status: 'in_progress', output: [], usage: null }
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }

/** How a response begins in a stream. */
export const responseBegins = [
  { type: 'response.created', response: begun },
  { type: 'response.in_progress', response: begun },
]

/** The beginning of its message. */
export const itemBegins = [
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { ...item, status: 'in_progress', content: [] },
  },
  { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
]

/** A piece of its text. */
export function textPiece(delta: string): { type: string; delta: string } {
  return { type: 'response.output_text.delta', ...place, delta }
}

export const itemEnds = [
  { type: 'response.output_text.done', ...place, text: defaultText },
  { type: 'response.content_part.done', ...place, part },
  { type: 'response.output_item.done', output_index: 0, item },
]

export const responseEnds = { type: 'response.completed', response }

/** All events of a response, from the first to the last. */
export const wholeEvents = [
  ...responseBegins,
  ...itemBegins,
  textPiece(defaultText),
  ...itemEnds,
  responseEnds,
]

const completion = { id: 'chatcmpl-1', object: 'chat.completion', created: 1_790_000_000, model: 'gpt-5' }

/** A chunk of a chat stream. */
export function chunk(delta: object, finish_reason: string | null = null, index = 0): string {
  const choices = [{ index, delta, finish_reason }]
  return `data: ${JSON.stringify({ ...completion, object: 'chat.completion.chunk', choices })}\n\n`
}

export const done = 'data: [DONE]\n\n'

/** A whole answer, streamed or not. */
export function wholeBody({ api }: Pick<Shape, 'api'>, body: Shape['body']): string {
  if (api === 'responses') return body === 'json' ? JSON.stringify(response) : numbered(...wholeEvents)
  if (api === 'anthropic') {
    return body === 'json' ? JSON.stringify(message) : events(messageStart, ...textBlock, ...messageEnd)
  }
  const answer = { role: 'assistant', content: defaultText }
  if (body === 'sse') return `${chunk(answer)}${chunk({}, 'stop')}${done}`
  return JSON.stringify({
    ...completion,
    choices: [{ index: 0, message: answer, finish_reason: 'stop', logprobs: null }],
    usage: { prompt_tokens: 12, completion_tokens: 15, total_tokens: 27 },
  })
}
