import { attempt, type Target, type Transport, target } from '@spillway/attempt'

/** A target that takes its text from an HTTP service of yours: `GET /answer?model=…`. */
export function answerService(url: string): Target {
  const transport: Transport = (request, sink) => {
    const leaving = new AbortController()
    const send = (status: number, value: object): void => {
      sink.headers(status, { 'content-type': 'application/json' })
      sink.data(new TextEncoder().encode(JSON.stringify(value)))
      sink.end()
    }
    const run = async (): Promise<void> => {
      const address = `${url}/answer?model=${encodeURIComponent(request.model)}`
      const reply = await fetch(address, { signal: leaving.signal })
      const text = await reply.text()
      if (!reply.ok) {
        send(reply.status, { type: 'error', error: { type: 'api_error', message: text } })
        return
      }
      send(200, {
        id: `msg_${request.context.callId}`,
        type: 'message',
        role: 'assistant',
        model: request.model,
        content: [{ type: 'text', text }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: 0, output_tokens: 0 },
      })
    }
    // After `abort` there is no listener, so that the error of the cancelled `fetch` is harmless.
    run().catch((error: unknown) => sink.error(error))
    return { pause() {}, resume() {}, abort: () => leaving.abort() }
  }
  return target('answers', attempt(transport))
}
