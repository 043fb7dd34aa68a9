import { createRequest, type Handler, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromObject, type NewModelRequest, readBody } from '@spillway/middleware/kit'
import type { VirtualClock } from '@spillway/testing'

/** A request for a stream, unless said otherwise. */
export function requestOn(clock: VirtualClock, changes: Partial<NewModelRequest> = {}): ModelRequest {
  const model = 'claude-sonnet-5-5'
  return createRequest({
    api: 'anthropic',
    model,
    stream: true,
    url: '/v1/messages',
    body: jsonBodyFromObject({ model, messages: [{ role: 'user', content: 'Is the dam full?' }] }),
    clock,
    ...changes,
  })
}

/** A whole call, as a caller makes it; the text of the answer. */
export async function call(handler: Handler, request: ModelRequest): Promise<string> {
  const { body } = await handler(request)
  return Buffer.from(await readBody(body)).toString()
}
