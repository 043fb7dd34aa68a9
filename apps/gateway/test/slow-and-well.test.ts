import { startClaude, startOllama } from '@spillway/testing'
import { expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { eventsOf, messages, type Received, send } from './raw-client.ts'

/** Limits that all of these servers exceed, and that suit a vendor that answers promptly. */
const prompt = { timeouts: { headers: '500ms', firstContent: '500ms', idle: '500ms' } }
const streamed = { body: messages({ stream: true }) }
const lastEvent = ({ text }: Received): string | undefined => eventsOf(text).at(-1)?.name

it('Claude may think for longer than the limit of the first content, once its block is open', async () => {
  const claude = forThisTest(
    await startClaude({ reply: { thinkingOmitted: true, text: 'Thought about it.' } }),
  )
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local, prompt))
  claude.always({ type: 'stall', afterChunks: 0, ms: 2_000, pings: 200 })
  const answer = await send(`${gateway.url}/v1/messages`, streamed)
  expect(answer.headers).toMatchObject({ 'x-spillway-served-by': 'claude', 'x-spillway-attempts': '1' })
  expect(answer.text).toContain('Thought ')
  expect(lastEvent(answer)).toBe('message_stop')
})

it('pings without an opened block are no progress', async () => {
  const claude = forThisTest(await startClaude())
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local, prompt))
  claude.always({ type: 'slow-first-token', ms: Infinity, pings: 100 })
  const { headers } = await send(`${gateway.url}/v1/messages`, streamed)
  expect(headers).toMatchObject({ 'x-spillway-served-by': 'local', 'x-spillway-fallback': 'timeout' })
})

it('an opened block without any sign of life is cut when it has been idle', async () => {
  const claude = forThisTest(await startClaude({ reply: { thinkingOmitted: true, text: 'Never.' } }))
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local, prompt))
  claude.always({ type: 'stall', afterChunks: 0, ms: Infinity })
  const begun = performance.now()
  const { headers } = await send(`${gateway.url}/v1/messages`, streamed)
  expect(performance.now() - begun).toBeLessThan(2_000)
  expect(headers).toMatchObject({ 'x-spillway-served-by': 'local', 'x-spillway-fallback': 'timeout' })
})

it.each([
  ['sends its headers with the first token', { type: 'slow-headers', ms: 1_500 }, {}],
  ['is silent while it composes', { type: 'stall', afterChunks: 1, ms: 1_500 }, {}],
  ['has to load its model first', undefined, { coldLoadMs: 1_500 }],
] as const)('a local server that %s is waited for, once', async (_, fault, options) => {
  const claude = forThisTest(await startClaude())
  const ollama = forThisTest(await startOllama({ models: ['m'], ...options }))
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), local, { ...prompt, retry: { attempts: 3, baseDelay: '10ms' } }),
  )
  claude.always({ type: 'status', status: 529 })
  ollama.always(fault)
  const answer = await send(`${gateway.url}/v1/messages`, streamed)
  expect(answer.headers['x-spillway-served-by']).toBe('local')
  expect(lastEvent(answer)).toBe('message_stop')
  expect(ollama.requests).toHaveLength(1)
})

it('a local target’s own limits bind it, and its timeouts are not repeated', async () => {
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const own = { timeouts: { headers: '300ms' }, retry: { attempts: 3, baseDelay: '10ms' } }
  const gateway = await gatewayOf(
    configOf({ api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm', ...own }),
  )
  ollama.always({ type: 'slow-headers', ms: Infinity })
  const { status } = await send(`${gateway.url}/v1/messages`, streamed)
  expect(status).toBe(504)
  expect(ollama.requests).toHaveLength(1)
})
