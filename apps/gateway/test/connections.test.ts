import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type SimulatedServer, startClaude, startOllama } from '@spillway/testing'
import { afterEach, expect, it, vi } from 'vitest'
import { selfSigned } from '../../../packages/core-client/test/certificate.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { messages, type Received, send } from './raw-client.ts'

const streamed = messages({ stream: true })
/** Of each open stream its caller, and its response: one that is garbage takes its stream with it. */
const open: { caller: AbortController; response: Response }[] = []
function leaveAll(): void {
  for (const { caller } of open.splice(0)) caller.abort()
}
afterEach(leaveAll)

/** Streams that are healthy and long: each has said its first words and goes on for as long as the test needs. */
async function openStreams(url: string, claude: SimulatedServer, count: number): Promise<void> {
  claude.always({ type: 'stall', afterChunks: 1, ms: 20_000 })
  const opened = Array.from({ length: count }, async () => {
    const caller = new AbortController()
    const response = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(streamed),
      signal: caller.signal,
    })
    open.push({ caller, response })
    expect(response.headers.get('x-spillway-served-by')).toBe('claude')
  })
  await Promise.all(opened)
  claude.always(undefined)
}

const servedBy = (answers: readonly Received[]) =>
  answers.map(({ headers }) => headers['x-spillway-served-by'])
const circuitsOf = async (url: string): Promise<string> => (await fetch(`${url}/api/targets`)).text()

it('sixty healthy streams leave the endpoint open for every further call', async () => {
  const claude = forThisTest(await startClaude())
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local))
  await openStreams(gateway.url, claude, 60)
  const answers = await Promise.all(
    Array.from({ length: 45 }, () => send(`${gateway.url}/v1/messages`, { body: messages() })),
  )
  expect(servedBy(answers)).toEqual(Array(45).fill('claude'))
  expect(await circuitsOf(gateway.url)).not.toContain('"open"')
})

it('waiting for one of a limited number of connections counts against no endpoint: the fallback answers', async () => {
  const claude = forThisTest(await startClaude())
  const ollama = forThisTest(await startOllama({ models: ['m'] }))
  const first = {
    api: 'anthropic',
    endpoints: [{ url: claude.url, credential: ownKey.reference, connections: 3 }],
  }
  const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
  const gateway = await gatewayOf(
    configOf(first, local, {
      retry: { attempts: 3 },
      circuitBreaker: { minimumCalls: 5, failureRate: 0.1 },
    }),
  )
  await openStreams(gateway.url, claude, 3)
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send(`${gateway.url}/v1/messages`, { body: messages() })),
  )
  expect(servedBy(answers)).toEqual(Array(20).fill('local'))
  for (const { headers } of answers) {
    expect(headers).toMatchObject({ 'x-spillway-fallback': 'saturated', 'x-spillway-attempts': '1' })
  }
  expect(claude.requests).toHaveLength(3)
  expect(await circuitsOf(gateway.url)).not.toContain('"open"')
  leaveAll()
  await vi.waitFor(async () => {
    const { headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(headers['x-spillway-served-by']).toBe('claude')
  })
})

it('a call that waits for a connection is served as soon as one is free', async () => {
  const claude = forThisTest(await startClaude({ latencyMs: 50 }))
  const only = {
    api: 'anthropic',
    endpoints: [{ url: claude.url, credential: ownKey.reference, connections: 2 }],
  }
  const gateway = await gatewayOf(configOf(only))
  let most = 0
  const answers = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const answer = await send(`${gateway.url}/v1/messages`, { body: messages() })
      most = Math.max(most, claude.connections)
      return answer
    }),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200))
  expect(most).toBeLessThanOrEqual(2)
})

it('callers who leave while they wait for a connection leave nothing behind', async () => {
  const claude = forThisTest(await startClaude())
  const only = {
    api: 'anthropic',
    endpoints: [{ url: claude.url, credential: ownKey.reference, connections: 1 }],
  }
  const gateway = await gatewayOf(configOf(only))
  await openStreams(gateway.url, claude, 1)
  const callers = Array.from({ length: 50 }, () => new AbortController())
  const waiting = callers.map(({ signal }) =>
    fetch(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(messages({ metadata: { user_id: 'x'.repeat(100_000) } })),
      signal,
    }).catch(({ name }: Error) => name),
  )
  await new Promise((resolve) => setTimeout(resolve, 200))
  for (const caller of callers) caller.abort()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['AbortError']))
  // The gateway hears of it a moment later, before a connection is free.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  leaveAll()
  const { status } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect(status).toBe(200)
  expect(claude.requests).toHaveLength(2)
})

it('http2: true sends many calls over one connection', async () => {
  const { key, cert } = await selfSigned()
  const versions: string[] = []
  const sockets = new Set<unknown>()
  const server = createSecureServer({ key, cert, allowHTTP1: true }, async (request, response) => {
    versions.push(request.httpVersion)
    for await (const _ of request);
    response.setHeader('content-type', 'application/json')
    response.end(
      '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}',
    )
  })
  server.on('secureConnection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  try {
    const gateway = await gatewayOf(configOf({ api: 'anthropic', endpoints: [{ url, http2: true }] }))
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => send(`${gateway.url}/v1/messages`, { body: messages() })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200))
    expect(new Set(versions)).toEqual(new Set(['2.0']))
    expect(sockets.size).toBe(1)
  } finally {
    vi.unstubAllEnvs()
    server.close()
  }
})
