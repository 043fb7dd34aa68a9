import { type SimulatedServer, startClaude, startOllama, startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

async function servedBy(url: string, body: object, path = '/v1/messages'): Promise<string | undefined> {
  const { headers } = await send(`${url}${path}`, { body })
  return headers['x-spillway-served-by'] as string | undefined
}

const modelsAt = (server: SimulatedServer): unknown[] =>
  server.requests.map(({ json }) => (json as { model: unknown }).model)

it('the first route that matches the model serves it', async () => {
  const server = forThisTest(await startClaude())
  const target = targetAt(server, 'anthropic')
  const gateway = await gatewayOf({
    targets: { opus: target, claude: target, rest: target },
    routes: [
      { models: 'claude-opus-*', target: 'opus' },
      { models: 'claude-*', target: 'claude' },
      { models: '*', target: 'rest' },
    ],
  })
  expect(await servedBy(gateway.url, messages({ model: 'claude-opus-5-5' }))).toBe('opus')
  expect(await servedBy(gateway.url, messages({ model: 'claude-haiku-5-5' }))).toBe('claude')
  expect(await servedBy(gateway.url, messages({ model: 'gpt-5' }))).toBe('rest')
})

describe('targets that do not speak the caller’s protocol', () => {
  it('are asked in their own', async () => {
    const claude = forThisTest(await startClaude())
    const router = forThisTest(await startOpenRouter())
    const gateway = await gatewayOf({
      targets: { claude: targetAt(claude, 'anthropic'), open: targetAt(router, 'openai') },
      routes: [
        { models: 'claude-*', target: 'claude' },
        { models: '*', target: 'open' },
      ],
    })
    expect(await servedBy(gateway.url, chat({ model: 'claude-x' }), '/v1/chat/completions')).toBe('claude')
    expect(await servedBy(gateway.url, messages({ model: 'gpt-5' }))).toBe('open')
    expect([claude.requests[0]?.path, router.requests[0]?.path]).toEqual([
      '/v1/messages',
      '/v1/chat/completions',
    ])
  })

  it('are asked as fallbacks', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'status', status: 529 })
    const router = forThisTest(await startOpenRouter())
    const gateway = await gatewayOf({
      targets: {
        claude: targetAt(claude, 'anthropic'),
        open: targetAt(router, 'openai', { model: 'gpt-5' }),
      },
      routes: [{ models: '*', target: 'claude', fallback: ['open'] }],
    })
    expect(await servedBy(gateway.url, messages())).toBe('open')
    expect(router.requests).toHaveLength(1)
  })
})

describe('model: of a target', () => {
  it('replaces the model for that target alone', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'status', status: 529 })
    const ollama = forThisTest(await startOllama({ models: ['qwen3'] }))
    const second = forThisTest(await startClaude())
    second.always({ type: 'status', status: 500 })
    const gateway = await gatewayOf({
      targets: {
        claude: targetAt(claude, 'anthropic'),
        second: targetAt(second, 'anthropic', { model: 'claude-haiku-5-5' }),
        local: { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'qwen3' },
      },
      routes: [{ models: '*', target: 'claude', fallback: ['second', 'local'] }],
      retry: { attempts: 1 },
    })
    const body = messages({ model: 'claude-opus-5-5', metadata: { user_id: 'u' } })
    expect(await servedBy(gateway.url, body)).toBe('local')
    expect(modelsAt(claude)).toEqual(['claude-opus-5-5'])
    expect(modelsAt(second)).toEqual(['claude-haiku-5-5'])
    expect(modelsAt(ollama)).toEqual(['qwen3'])
    expect(ollama.requests[0]?.json).toEqual({ ...body, model: 'qwen3' })
  })

  it('sends a length that fits', async () => {
    const ollama = forThisTest(await startOllama({ models: ['m'] }))
    const gateway = await gatewayOf(configOf(targetAt(ollama, 'ollama', { model: 'm' })))
    const { status } = await send(`${gateway.url}/v1/chat/completions`, {
      body: chat({ model: 'x'.repeat(250) }),
    })
    expect(status).toBe(200)
    const { headers, body } = ollama.requests[0]!
    expect(headers['content-length']).toBe(String(body.length))
  })
})

it('a fault of the caller’s is not tried on other targets', async () => {
  const claude = forThisTest(await startClaude())
  claude.always({ type: 'status', status: 400 })
  const second = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), targetAt(second, 'anthropic')))
  const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(status).toBe(400)
  expect(headers['x-spillway-attempts']).toBe('1')
  expect(second.requests).toHaveLength(0)
})

it('a base URL may have a path and a final /v1', async () => {
  const router = forThisTest(await startOpenRouter())
  const gateway = await gatewayOf(configOf(targetAt({ url: `${router.url}/api/v1/` }, 'openrouter')))
  expect(await servedBy(gateway.url, messages())).toBe('claude')
  expect(router.requests[0]?.path).toBe('/api/v1/messages')
})
