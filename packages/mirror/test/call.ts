import type { Handler, ModelRequest } from '@spillway/middleware'
import { type NewModelRequest, readBody } from '@spillway/middleware/kit'
import { requestOn as request, type VirtualClock } from '@spillway/testing'

/** A request for a stream, unless said otherwise. */
export function requestOn(clock: VirtualClock, changes: Partial<NewModelRequest> = {}): ModelRequest {
  return request(clock, { stream: true, ...changes })
}

/** A whole call, as a caller makes it; the text of the answer. */
export async function call(handler: Handler, request: ModelRequest): Promise<string> {
  const { body } = await handler(request)
  return Buffer.from(await readBody(body)).toString()
}
