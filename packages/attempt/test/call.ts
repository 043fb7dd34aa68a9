import { createRequest, type ModelRequest, type ModelResponse } from '@spillway/middleware'
import { jsonBodyFromObject, type NewModelRequest, readBody } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'

/** A request for a stream, unless said otherwise, on its own clock. */
export function streamRequest(changes: Partial<NewModelRequest> & { clock: VirtualClock }): ModelRequest {
  return createRequest({
    api: 'anthropic',
    model: 'claude-sonnet-5-5',
    stream: true,
    url: '/v1/messages',
    body: jsonBodyFromObject({ model: 'claude-sonnet-5-5', stream: true }),
    context: { target: 'claude' },
    ...changes,
  })
}

/** What a promise has come to, without waiting for it. */
export async function settled<T>(promise: Promise<T>): Promise<T | 'pending'> {
  await virtualClock().advance(0)
  return Promise.race([promise, Promise.resolve('pending' as const)])
}

export async function textOf(response: ModelResponse): Promise<string> {
  return Buffer.from(await readBody(response.body)).toString()
}
