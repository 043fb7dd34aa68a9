import type { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { configOf, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'
import { httpText, rawUpstream, streamHead } from './raw-upstream.ts'

const json = { 'content-type': 'application/json' }
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
/** Short enough to be parsed, and too deep to be written again. */
const deep = nested(20_000)
/** Too much to be parsed at all. */
const tooDeep = nested(200_000)
const chunk = (delta: object): string =>
  `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta }] })}\n\n`

/** What a caller of the other protocol gets from an upstream that always does this. */
async function translated(answer: (socket: Socket) => void, api: 'anthropic' | 'openai', stream: boolean) {
  const defects = vi.spyOn(console, 'error')
  const upstream = await rawUpstream(answer)
  const gateway = await gatewayOf(configOf(targetAt(upstream, api)))
  const received = await (api === 'openai'
    ? send(`${gateway.url}/v1/messages`, { body: messages({ model: 'claude-haiku-4-5', stream }) })
    : send(`${gateway.url}/v1/chat/completions`, { body: chat({ stream }) }))
  expect(defects).not.toHaveBeenCalled()
  return received
}

it.each([
  [
    'arguments',
    `{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":${JSON.stringify(`{"a":${deep}}`)}}}]}}]}`,
    'openai',
  ],
  [
    'arguments that are no text',
    `{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"a":${deep}}}}]}}]}`,
    'openai',
  ],
  ['a model', `{"model":${deep},"choices":[{"message":{"content":"a"}}]}`, 'openai'],
  ['an input', `{"content":[{"type":"tool_use","id":"a","name":"f","input":{"a":${deep}}}]}`, 'anthropic'],
] as const)(
  'an answer that cannot be written again is an error with a name: so many levels of %s',
  async (_what, body, api) => {
    const received = await translated((socket) => socket.end(httpText(200, json, body)), api, false)
    expect([received.status, received.ended]).toEqual([502, 'end'])
    expect(received.text).toContain('cannot be translated')
  },
)

it.each([
  ['a model', `{"model":${tooDeep},"choices":[{"message":{"content":"a"}}]}`, 'openai'],
  ['an input', `{"content":[{"type":"tool_use","id":"a","name":"f","input":{"a":${tooDeep}}}]}`, 'anthropic'],
] as const)(
  'an answer with more levels than are parsed is an error with a name: %s',
  async (_what, body, api) => {
    const received = await translated((socket) => socket.end(httpText(200, json, body)), api, false)
    expect([received.status, received.ended]).toEqual([502, 'end'])
    expect(received.text).toContain('the upstream answered with something that is not JSON')
  },
)

it('arguments with more levels than are parsed arrive as the text that they are', async () => {
  const args = `{"a":${tooDeep}}`
  const call = { id: 'a', function: { name: 'f', arguments: args } }
  const body = JSON.stringify({ choices: [{ message: { tool_calls: [call] }, finish_reason: 'tool_calls' }] })
  const received = await translated((socket) => socket.end(httpText(200, json, body)), 'openai', false)
  expect(JSON.parse(received.text).content[0].input).toEqual({ invalid_json: args })
  expect(received.headers['x-spillway-degraded']).toContain('tool_arguments')
})

it('a stream that cannot be written again ends with an error event', async () => {
  const events = `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":{"a":${deep}}}}]}}]}\n\n`
  const received = await translated(
    (socket) => {
      socket.write(streamHead + chunk({ content: 'Hello' }))
      setTimeout(() => socket.end(events), 100)
    },
    'openai',
    true,
  )
  expect([received.status, received.ended]).toEqual([200, 'end'])
  expect(received.text).toMatch(/Hello[\s\S]*event: error\ndata: .*cannot be translated/)
})

it('a long id does not come back with every word', async () => {
  const event = (data: object & { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
  const hello = event({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'Hello' },
  } as never)
  const events =
    event({
      type: 'message_start',
      message: { id: 'i'.repeat(1e6), model: 'm'.repeat(1e6), usage: {} },
    } as never) +
    hello.repeat(1_000) +
    event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} } as never) +
    event({ type: 'message_stop' })
  const received = await translated((socket) => socket.end(streamHead + events), 'anthropic', true)
  expect(received.text).toMatch(/data: \[DONE\]\n\n$/)
  expect(received.bytes.length).toBeLessThan(1_000_000)
})

it('a call that never ends does not let those behind it fill the memory', async () => {
  const call = (index: number, args: string) =>
    chunk({ tool_calls: [{ index, id: `call_${index}_abc`, function: { name: 'f', arguments: args } }] })
  const more = chunk({ tool_calls: [{ index: 1, function: { arguments: 'a'.repeat(50_000) } }] })
  const received = await translated(
    (socket) => {
      socket.write(streamHead + call(0, '{"a":') + call(1, '{"b":'))
      const write = (): void => {
        while (socket.writable && socket.write(more));
      }
      socket.on('drain', write)
      write()
    },
    'openai',
    true,
  )
  expect([received.status, received.ended]).toEqual([200, 'end'])
  expect(received.text).toMatch(/event: error\ndata: .*too long/)
})
