const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** Events of an Anthropic stream, as text. */
export const anthropic = {
  start: event('message_start', {
    type: 'message_start',
    message: { id: 'msg_1', model: 'claude-sonnet-5-5', usage: { input_tokens: 12, output_tokens: 1 } },
  }),
  ping: event('ping', { type: 'ping' }),
  emptyBlock: event('content_block_start', {
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'text', text: '' },
  }),
  text: (text: string): string =>
    event('content_block_delta', {
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    }),
  blockStop: event('content_block_stop', { type: 'content_block_stop', index: 0 }),
  delta: event('message_delta', {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 15 },
  }),
  stop: event('message_stop', { type: 'message_stop' }),
  error: (type: string): string => event('error', { type: 'error', error: { type, message: 'Overloaded' } }),
}

/** All that comes before the first content. */
export const preamble: string = anthropic.start + anthropic.ping + anthropic.emptyBlock

/** All that comes after the last content. */
export const ending: string = anthropic.blockStop + anthropic.delta + anthropic.stop

/** A JSON answer. */
export const message: string = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-5',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 12, output_tokens: 3, cache_read_input_tokens: 5 },
})
