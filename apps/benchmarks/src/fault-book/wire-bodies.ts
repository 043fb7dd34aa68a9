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

const completion = { id: 'chatcmpl-1', object: 'chat.completion', created: 1_790_000_000, model: 'gpt-5' }

/** A chunk of a chat stream. */
export function chunk(delta: object, finish_reason: string | null = null, index = 0): string {
  const choices = [{ index, delta, finish_reason }]
  return `data: ${JSON.stringify({ ...completion, object: 'chat.completion.chunk', choices })}\n\n`
}

export const done = 'data: [DONE]\n\n'

/** A whole answer, streamed or not. */
export function wholeBody({ api }: Pick<Shape, 'api'>, body: Shape['body']): string {
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
