import type { Usage } from '@spillway/middleware'
import { startOpenAi } from '@spillway/testing'
import { expect, it } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'

// What is booked for a caller of Responses at a server that has the API itself, however its answer ends.

const used = {
  input_tokens: 40,
  input_tokens_details: { cached_tokens: 30 },
  output_tokens: 15,
  total_tokens: 55,
}
const booked = { inputTokens: 10, cacheReadTokens: 30, outputTokens: 15, estimated: false }
const message = { id: 'msg_1', type: 'message', role: 'assistant', content: [] as object[] }
const said = { ...message, content: [{ type: 'output_text', text: 'One two three four five six.' }] }
const response = { id: 'resp_1', object: 'response', model: 'gpt-5.5', output: [said] }

interface Event {
  readonly type: string
  readonly [field: string]: unknown
}

/** A stream of these events behind one that has said something. */
function stream(...ends: readonly Event[]): string {
  const events = [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: message },
    { type: 'response.output_text.delta', output_index: 0, delta: 'One two three four five six.' },
    ...ends,
  ]
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}

function end(status: string, usage: object | null, more: object = {}): Event {
  return { type: `response.${status}`, response: { ...response, status, usage, ...more } }
}

const failed = { error: { code: 'server_error', message: 'No.' } }
const estimated = {
  estimated: true,
  outputTokens: expect.toSatisfy((count: number) => count >= 4 && count <= 12),
}

it.each<[string, string, Partial<Usage>]>([
  ['ends well', stream(end('completed', used)), booked],
  ['is incomplete', stream(end('incomplete', used)), booked],
  ['fails and says what it took', stream(end('failed', used, failed)), booked],
  ['fails and does not say what it took', stream(end('failed', null, failed)), estimated],
  ['ends with an error', stream({ type: 'error', code: 'server_error', message: 'No.' }), estimated],
  ['ends well and does not say what it took', stream(end('completed', null)), estimated],
  ['ends without its last event', stream(), estimated],
  ['ends with [DONE] alone', `${stream()}data: [DONE]\n\n`, estimated],
  ['is not streamed', JSON.stringify({ ...response, status: 'completed', usage: used }), booked],
  [
    'is not streamed, and fails',
    JSON.stringify({ ...response, status: 'failed', usage: used, ...failed }),
    booked,
  ],
  ['is not streamed, and does not say it', JSON.stringify({ ...response, status: 'completed' }), estimated],
])('a response that %s is booked with what it has used', async (_, body, usage) => {
  const server = forThisTest(await startOpenAi())
  const isStream = body.startsWith('event: ')
  const contentType = isStream ? 'text/event-stream' : 'application/json'
  server.always({ type: 'status', status: 200, contentType, body })
  const calls: AnsweredCall[] = []
  const gateway = await gatewayOf(configOf(targetAt(server, 'openai', { dialect: 'openai' })), calls)
  const answered = await fetch(`${gateway.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.5', input: 'Count to six.', stream: isStream }),
  })
  await answered.text()
  expect((await calls[0]?.response.outcome)?.usage).toMatchObject(usage)
})
