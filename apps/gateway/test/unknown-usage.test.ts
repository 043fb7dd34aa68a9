import { createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallRow, Calls } from '@spillway/gateway-api'
import { expect, it, onTestFinished } from 'vitest'
import { configOf, gatewayOf, targetAt } from './gateway.ts'
import { chat, send } from './raw-client.ts'

type Asked = { readonly stream?: boolean; readonly stream_options?: { readonly include_usage?: boolean } }

/** A server that speaks chat completions, and what it was asked. */
async function chatServer(
  answer: (asked: Asked, response: ServerResponse) => void,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer(async (incoming, response) => {
    let text = ''
    for await (const chunk of incoming) text += chunk
    const body = JSON.parse(text) as Asked
    asked.push(body)
    answer(body, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  onTestFinished(() => server.closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const usage = { prompt_tokens: 4_801, completion_tokens: 7, total_tokens: 4_808 }
const words = ['So', ' much', ' water', ' over', ' the', ' spill', 'way']
const chunk = (more: object): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-5', ...more })}\n\n`
const choice = (delta: object, finish_reason: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason }],
})

/** As OpenAI streams: usage for those who ask, in a chunk of its own. */
function stream({ stream_options }: Asked, response: ServerResponse, end = true): void {
  const asks = stream_options?.include_usage === true
  const nothing = asks ? { usage: null } : {}
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const content of words) response.write(chunk({ ...choice({ content }), ...nothing }))
  if (!end) return
  response.write(chunk({ ...choice({}, 'stop'), ...nothing }))
  if (asks) response.write(chunk({ choices: [], usage }))
  response.end('data: [DONE]\n\n')
}

const whole = (more: object): string =>
  JSON.stringify({
    ...{ id: 'chatcmpl-1', object: 'chat.completion', model: 'gpt-5' },
    choices: [{ index: 0, message: { role: 'assistant', content: words.join('') }, finish_reason: 'stop' }],
    ...more,
  })

/** 24 kB of prompt. */
const long = { messages: [{ role: 'user', content: 'word '.repeat(4_800) }] }
const path = '/v1/chat/completions'

async function gatewayAt(upstream: { readonly url: string }, more: object = {}): Promise<string> {
  return (await gatewayOf(configOf(targetAt(upstream, 'openai', more)))).url
}

async function booked(url: string): Promise<Pick<CallRow, 'tokens' | 'estimated'>> {
  const newest = async (): Promise<readonly CallRow[]> =>
    (JSON.parse((await send(`${url}/api/calls?limit=9`, { method: 'GET' })).text) as Calls).calls
  await expect.poll(newest, { interval: 20, timeout: 30_000 }).not.toHaveLength(0)
  const [{ tokens, estimated }] = (await newest()) as [CallRow]
  return { tokens, estimated }
}

it('books the exact usage of a stream whose caller did not ask for it, and keeps its chunk from the caller', async () => {
  const server = await chatServer((asked, response) => stream(asked, response))
  const url = await gatewayAt(server)
  const { text } = await send(`${url}${path}`, { body: chat({ ...long, stream: true }) })
  expect(server.asked[0]?.stream_options).toEqual({ include_usage: true })
  expect(text).not.toContain('"choices":[]')
  expect(text.match(/"content":/g)).toHaveLength(words.length)
  expect(text).toMatch(/data: \[DONE\]\n\n$/)
  expect(await booked(url)).toMatchObject({ tokens: { input: 4_801, output: 7 }, estimated: false })
})

it('leaves the chunk to a caller who did ask', async () => {
  const server = await chatServer((asked, response) => stream(asked, response))
  const url = await gatewayAt(server)
  const body = chat({ stream: true, stream_options: { include_usage: true } })
  expect((await send(`${url}${path}`, { body })).text).toContain('"choices":[],"usage":{"prompt_tokens":4801')
})

it.each([
  ['is told not to ask', true, { includeUsage: false }],
  ['is refused the option', false, {}],
])('estimates the usage of a stream, prompt and answer, where it %s', async (_name, takes, more) => {
  const server = await chatServer((asked, response) => {
    if (takes || asked.stream_options === undefined) return stream(asked, response)
    response.writeHead(400, { 'content-type': 'application/json' })
    response.end('{"error":{"message":"Unknown parameter: stream_options","type":"invalid_request_error"}}')
  })
  const url = await gatewayAt(server, more)
  const body = chat({ ...long, stream: true })
  for (let call = 0; call < 2; call++) expect((await send(`${url}${path}`, { body })).status).toBe(200)
  // A server that refuses the option is asked once.
  expect(server.asked.map(({ stream_options }) => stream_options !== undefined)).toEqual(
    takes ? [false, false] : [true, false, false],
  )
  const { tokens, estimated } = await booked(url)
  expect([estimated, tokens.output]).toEqual([true, 7])
  expect(tokens.input).toBeGreaterThan(4_000)
  expect(tokens.input).toBeLessThan(8_000)
})

it.each([
  ['without usage', {}],
  ['with nothing but zeros for it', { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }],
])('estimates an answer %s', async (_name, more) => {
  const server = await chatServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(whole(more))
  })
  const url = await gatewayAt(server)
  await send(`${url}${path}`, { body: chat(long) })
  const { tokens, estimated } = await booked(url)
  expect(estimated).toBe(true)
  expect(tokens.input).toBeGreaterThan(4_000)
  expect(tokens.output).toBeGreaterThan(3)
  expect(tokens.output).toBeLessThan(14)
})

it.each([
  ['whole answer', (): void => {}, false],
  ['stream before its first word', (): void => {}, true],
  ['stream', (response: ServerResponse): void => stream({}, response, false), true],
])('estimates what a caller used who left a %s', async (_name, begin, isStream) => {
  const arrived = Promise.withResolvers<void>()
  const server = await chatServer((_, response) => {
    begin(response)
    setTimeout(arrived.resolve, 50)
  })
  const url = await gatewayAt(server)
  const outgoing = request(`${url}${path}`, {
    ...{ method: 'POST', agent: false, headers: { 'content-type': 'application/json' } },
  })
  outgoing.on('error', () => {})
  outgoing.end(JSON.stringify(chat({ ...long, stream: isStream })))
  await arrived.promise
  outgoing.destroy()
  const { tokens, estimated } = await booked(url)
  expect(estimated).toBe(true)
  expect(tokens.input).toBeGreaterThan(4_000)
  if (begin.length > 0) expect(tokens.output).toBe(7)
})
