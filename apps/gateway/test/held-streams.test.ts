import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { startClaude, startOpenRouter } from '@spillway/testing'
import { expect, it, onTestFinished } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const impatient = { server: { keepAliveAfter: '100ms' } }
const stream = messages({ stream: true })

it('a stream that is held back is kept alive with pings; who answers stands in a comment', async () => {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'slow-first-token', ms: 350 })
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, impatient))
  const { status, headers, text } = await send(`${gateway.url}/v1/messages`, { body: stream })
  expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
  const [alive, answer] = text.split(/^: x-spillway-attempts: 1; x-spillway-served-by: claude\n\n/m)
  expect(alive).toMatch(/^(event: ping\ndata: \{"type":"ping"\}\n\n){2,4}$/)
  expect(answer).toBe(Buffer.from(claude.requests[0]?.sent ?? []).toString())
})

it('the SDK takes no notice', async () => {
  const claude = forThisTest(await startClaude({ reply: { text: 'Late, but here.' } }))
  claude.always({ type: 'slow-first-token', ms: 350 })
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, impatient))
  const client = new Anthropic({ apiKey: 'sk-any', baseURL: gateway.url, maxRetries: 0 })
  const message = await client.messages
    .stream(messages() as unknown as Anthropic.MessageCreateParamsNonStreaming)
    .finalMessage()
  expect(message.content).toMatchObject([{ text: 'Late, but here.' }])
})

it('what got lost stands in the comment too', async () => {
  const openrouter = forThisTest(await startOpenRouter())
  openrouter.always({ type: 'slow-headers', ms: 350 })
  const gateway = await gatewayOf(configOf(targetAt(openrouter, 'openai'), undefined, impatient))
  const body = messages({ stream: true, model: 'claude-haiku-4-5', top_k: 5 })
  const { text } = await send(`${gateway.url}/v1/messages`, { body })
  expect(text).toMatch(
    /^: x-spillway-attempts: 1; x-spillway-served-by: claude; x-spillway-degraded: top_k\n\n/m,
  )
})

it('an error that comes later is an event', async () => {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'slow-first-token', ms: Number.POSITIVE_INFINITY })
  const more = { ...impatient, timeouts: { firstContent: '300ms' } }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, more))
  const { status, text } = await send(`${gateway.url}/v1/messages`, { body: stream })
  expect(status).toBe(200)
  expect(text.trimEnd().split('\n\n').at(-1)).toMatch(/^event: error\ndata: .*timeout_error/)
})

it.each([
  ['Anthropic', '/v1/messages', /^event: message_stop\n/, { content: [{ type: 'text', text: 'Hi' }] }],
  ['OpenAI', '/v1/chat/completions', /^data: \[DONE\]$/, { choices: [{ message: { content: 'Hi' } }] }],
] as const)('an answer that is no stream becomes one then: %s', async (_, path, end, body) => {
  const server = createServer((req, res) => {
    req.resume()
    setTimeout(() => {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify(body))
    }, 250)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const target = { api: 'ollama', endpoints: [{ url: `http://127.0.0.1:${port}` }] }
  const gateway = await gatewayOf(configOf(target, undefined, impatient))
  const { status, text } = await send(`${gateway.url}${path}`, { body: stream })
  expect(status).toBe(200)
  expect(text.trimEnd().split('\n\n').at(-1)).toMatch(end)
  expect(text).toContain('Hi')
})

it('OpenAI’s clients get comments', async () => {
  const openrouter = forThisTest(await startOpenRouter())
  openrouter.always({ type: 'slow-headers', ms: 350 })
  const gateway = await gatewayOf(configOf(targetAt(openrouter, 'openrouter'), undefined, impatient))
  const { text } = await send(`${gateway.url}/v1/chat/completions`, { body: stream })
  expect(text).toMatch(/^(: keep-alive\n\n){2,4}: x-spillway-attempts: 1/)
  expect(text.trimEnd()).toMatch(/data: \[DONE\]$/)
})

it('a quick stream has its headers and no sign of life', async () => {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
  const { headers, text } = await send(`${gateway.url}/v1/messages`, { body: stream })
  expect(headers['x-spillway-served-by']).toBe('claude')
  expect(text).toBe(Buffer.from(claude.requests[0]?.sent ?? []).toString())
})
