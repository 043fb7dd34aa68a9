/** What the simulated Claude says. */
export const message: string = JSON.stringify({
  id: 'msg_011CUbenchmark',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-5',
  content: [{ type: 'text', text: 'Water finds the crest, '.repeat(15).trim() }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: {
    input_tokens: 20,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 90,
    service_tier: 'standard',
  },
})

const event = (data: { readonly type: string; readonly [field: string]: unknown }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

/** The same as a stream of 200 pieces of text. */
export const events: readonly string[] = [
  event({
    type: 'message_start',
    message: {
      ...(JSON.parse(message) as object),
      ...{ content: [], stop_reason: null },
      usage: { input_tokens: 20, output_tokens: 1, cache_read_input_tokens: 0 },
    },
  }),
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  ...Array.from({ length: 200 }, (_, index) =>
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ` word-${index}` } }),
  ),
  event({ type: 'content_block_stop', index: 0 }),
  event({
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 400 },
  }),
  event({ type: 'message_stop' }),
]
