import { type SimulatedServer, startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { connectionsDownTo, question, rejection, serve, smallAnswer } from '../test/support.ts'
import { createClient } from './client.ts'
import { type PoolOptions, poolDefaults, poolSettings } from './connection-pool.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const clientOf = (claude: SimulatedServer, pool: PoolOptions) =>
  createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k', pool })

it('opens a connection for each call in flight, and none waits', async () => {
  await using claude = await startClaude({ latencyMs: 100 })
  await using client = clientOf(claude, {})
  let most = 0
  const calls = Array.from({ length: 120 }, async () => {
    const { text } = await client.complete('Hello')
    most = Math.max(most, claude.connections)
    return text
  })
  expect((await Promise.all(calls)).every((text) => text !== '')).toBe(true)
  expect(most).toBe(120)
})

it('opens no more connections than it may, and calls beyond wait for one', async () => {
  await using claude = await startClaude({ latencyMs: 20 })
  await using client = clientOf(claude, { connections: 4 })
  let most = 0
  const calls = Array.from({ length: 20 }, async () => {
    const { text } = await client.complete('Hello')
    most = Math.max(most, claude.connections)
    return text
  })
  expect((await Promise.all(calls)).every((text) => text !== '')).toBe(true)
  expect(most).toBe(4)
})

it('closes the connections of a burst when they have been idle', async () => {
  await using claude = await startClaude({ latencyMs: 20 })
  await using client = clientOf(claude, { keepAliveTimeout: 50 })
  await Promise.all(Array.from({ length: 10 }, () => client.complete('Hello')))
  await connectionsDownTo(claude, 0)
})

it('uses one connection for calls that follow each other', async () => {
  await using claude = await startClaude()
  await using client = clientOf(claude, {})
  for (let i = 0; i < 5; i++) {
    await client.complete('Hello')
    await nextTurn()
    await (await client.fetch(`${claude.url}/v1/messages`, question({ stream: true }))).text()
    await nextTurn()
    await (await client.fetch(`${claude.url}/v1/models`)).text()
    await nextTurn()
    expect(claude.connections).toBe(1)
  }
})

it('uses two connections at most for calls that follow each other without a pause', async () => {
  await using claude = await startClaude()
  await using client = clientOf(claude, {})
  for (let i = 0; i < 20; i++) await client.complete('Hello')
  expect(claude.connections).toBeLessThanOrEqual(2)
})

it('lets an idle connection go after a while', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  await using upstream = await serve((request, response) => {
    request.socket.on('close', resolve)
    // Without an explicit `connection`, Node's server would say how long it keeps the connection.
    response.writeHead(200, { 'content-type': 'application/json', connection: 'keep-alive' })
    response.end(smallAnswer)
  })
  const pool = { keepAliveTimeout: 100 }
  await using client = createClient({ provider: 'anthropic', baseUrl: upstream.url, credential: 'k', pool })
  await client.complete('Hello')
  await closed
})

it('closes all connections and fails calls in flight when it is closed', async () => {
  await using claude = await startClaude()
  const client = clientOf(claude, {})
  await client.complete('Hello')
  claude.next({ type: 'slow-headers', ms: Infinity })
  const arrived = claude.nextRequest()
  const inFlight = rejection(client.complete('Hello'))
  await arrived
  await client.close()
  expect(await inFlight).toMatchObject({ code: 'SPILLWAY_CONNECTION' })
  await vi.waitFor(() => expect(claude.connections).toBe(0))
})

it('fails calls that come after it was closed', async () => {
  const client = createClient({ provider: 'anthropic', baseUrl: 'http://127.0.0.1:1', credential: 'k' })
  await client.close()
  expect(await rejection(client.complete('Hello'))).toMatchObject({ code: 'SPILLWAY_CONNECTION' })
})

it.each([0, -1, Number.NaN])('refuses %d connections', (connections) => {
  expect(() => poolSettings({ connections })).toThrow(/pool\.connections must be 1 or more/)
})

it('takes undefined for the default', () => {
  const unset = { connections: undefined, maxWait: undefined, http2: undefined, connectTimeout: undefined }
  expect(poolSettings(unset)).toEqual(poolDefaults)
})
