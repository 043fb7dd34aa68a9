import { attempt, type Target, type Transport, target } from '@spillway/attempt'

/** A target that calls no one: it answers each call of the Messages API with the same text. */
export function cannedTarget(text: string): Target {
  const transport: Transport = (request, sink) => {
    const message = {
      id: `msg_${request.context.callId}`,
      type: 'message',
      role: 'assistant',
      model: request.model,
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 0, output_tokens: 0 },
    }
    const body = new TextEncoder().encode(JSON.stringify(message))
    // Not before the transport has returned its handle.
    queueMicrotask(() => {
      sink.headers(200, { 'content-type': 'application/json' })
      sink.data(body)
      sink.end()
    })
    return { pause() {}, resume() {}, abort() {} }
  }
  return target('canned', attempt(transport))
}
