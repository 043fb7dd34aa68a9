import { useModel } from '@spillway/middleware'
import { defaultText, startClaude, startOllama, startOpenRouter } from '@spillway/testing'
import { expect, it } from 'vitest'
// By its path: a dependency would close a circle, since that package's examples stand on this one.
import { fallback } from '../../circuit-breaker-fallback/src/index.ts'
import { callerCredential, createClient, type Middleware } from '../src/index.ts'
import { question } from './support.ts'

it.each([false, true])(
  'a local model answers within the deadline when Claude stalls (stream: %s)',
  { retry: 2 },
  async (stream) => {
    await using claude = await startClaude()
    await using ollama = await startOllama({ reply: { text: 'Hello' } })
    claude.always({ type: stream ? 'slow-first-token' : 'slow-headers', ms: Infinity })
    await using local = createClient({
      provider: 'ollama',
      baseUrl: ollama.url,
      credential: null,
      name: 'local',
      middleware: [useModel('llama3.2')],
    })
    await using client = createClient({
      provider: 'anthropic',
      baseUrl: claude.url,
      credential: 'sk-real',
      middleware: [fallback([local])],
      timeouts: { total: 2_000 },
    })
    const startedAt = performance.now()
    const response = await client.fetch(`${claude.url}/v1/messages`, question({ stream }))
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('Hello')
    expect(ollama.requests[0]?.headers).not.toHaveProperty('x-api-key')
    expect(ollama.requests[0]?.headers).not.toHaveProperty('authorization')
    await claude.requests[0]?.closedByPeer
  },
)

it('Claude answers itself when it is well', async () => {
  await using claude = await startClaude()
  await using ollama = await startOllama()
  await using local = createClient({
    provider: 'ollama',
    baseUrl: ollama.url,
    credential: null,
    name: 'local',
  })
  await using client = createClient({
    provider: 'anthropic',
    baseUrl: claude.url,
    credential: 'k',
    middleware: [fallback([local])],
  })
  expect(await client.complete('Hello')).toMatchObject({ text: defaultText, target: 'anthropic' })
  expect(ollama.requests).toHaveLength(0)
})

it('the answer of a fallback names it', async () => {
  await using claude = await startClaude()
  await using ollama = await startOllama()
  claude.always({ type: 'status', status: 529 })
  await using local = createClient({
    provider: 'ollama',
    baseUrl: ollama.url,
    credential: null,
    name: 'local',
    middleware: [useModel('llama3.2')],
  })
  await using client = createClient({
    provider: 'anthropic',
    baseUrl: claude.url,
    credential: 'k',
    middleware: [fallback([local])],
  })
  expect(await client.complete('Hello')).toMatchObject({ model: 'llama3.2', target: 'local' })
})

const callers = { 'x-api-key': 'sk-caller', 'x-secret': 'sk-other', 'x-stainless-lang': 'js' }

it('a fallback gets neither the key nor the headers that were meant for the first target', async () => {
  await using claude = await startClaude()
  await using openrouter = await startOpenRouter()
  claude.always({ type: 'status', status: 529 })
  // It has no credential: as the target of an SDK it would pass on what the SDK presents.
  await using second = createClient({ provider: 'openrouter', baseUrl: `${openrouter.url}/api` })
  await using first = createClient({
    provider: 'anthropic',
    baseUrl: claude.url,
    middleware: [fallback([second])],
  })
  await first.fetch(`${claude.url}/v1/messages`, question({ headers: callers }))
  expect(claude.requests[0]?.headers).toMatchObject({ 'x-api-key': 'sk-caller', 'x-stainless-lang': 'js' })
  expect(openrouter.requests).toHaveLength(1)
  expect(JSON.stringify(openrouter.requests[0]?.headers)).not.toMatch(/sk-|stainless/)
})

it('a fallback gets the key of its own that a middleware puts in, and the caller’s where it is told so', async () => {
  await using claude = await startClaude()
  claude.always({ type: 'status', status: 529 })
  const withKey: Middleware = (next) => (request) =>
    next({ ...request, headers: { ...request.headers, 'x-api-key': 'sk-own' } })
  await using own = createClient({
    provider: 'anthropic',
    baseUrl: claude.url,
    name: 'own',
    middleware: [withKey],
  })
  await using passing = createClient({
    provider: 'anthropic',
    baseUrl: claude.url,
    name: 'passing',
    credential: callerCredential,
  })
  await using first = createClient({
    provider: 'anthropic',
    baseUrl: claude.url,
    middleware: [fallback([own, passing])],
  })
  await first.fetch(`${claude.url}/v1/messages`, question({ headers: callers }))
  expect(claude.requests.map(({ headers }) => headers['x-api-key'])).toEqual([
    'sk-caller',
    'sk-own',
    'sk-caller',
  ])
})

it.each([
  ['hangs', () => new Promise<string>(() => {})],
  ['fails', () => Promise.reject(new Error('the token endpoint is down'))],
])('a local model answers when the credential %s', async (_, credential) => {
  await using claude = await startClaude()
  await using ollama = await startOllama({ models: ['llama3.2'], reply: { text: 'Hello' } })
  await using local = createClient({
    ...{ provider: 'ollama', baseUrl: ollama.url, credential: null, name: 'local' },
    middleware: [useModel('llama3.2')],
  })
  await using client = createClient({
    ...{ provider: 'anthropic', baseUrl: claude.url, credential },
    middleware: [fallback([local])],
    timeouts: { total: 1_000 },
  })
  const startedAt = performance.now()
  const response = await client.fetch(`${claude.url}/v1/messages`, question())
  expect(response.status).toBe(200)
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  expect(claude.requests).toHaveLength(0)
})
