import { setTimeout as delay } from 'node:timers/promises'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { Agent, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { anthropicHeaders, messages, openSocket, requestText } from './raw-client.ts'

async function gatewayBefore(claude: SimulatedServer) {
  return gatewayOf(configOf(targetAt(claude, 'anthropic')))
}

describe('a gateway that closes', () => {
  it.each([false, true])('lets a slow client have its whole answer, with stream: %s', async (stream) => {
    const claude = forThisTest(await startClaude({ reply: { text: 'x'.repeat(20_000_000) }, chunks: 50 }))
    const gateway = await gatewayBefore(claude)
    const { socket } = await openSocket(gateway.url, requestText('/v1/messages', messages({ stream })))
    let received = 0
    socket.on('data', (chunk) => {
      received += chunk.length
      if (received === chunk.length) socket.pause()
    })
    while (received === 0) await delay(5)
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    const closing = gateway.close()
    await delay(200)
    socket.resume()
    await Promise.all([closed, closing])
    expect(received).toBeGreaterThan(claude.requests[0]?.sent.length ?? Infinity)
  })

  it('does not wait for connections that idle', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayBefore(claude)
    const agent = new Agent({ keepAliveTimeout: 60_000 })
    onTestFinished(() => agent.destroy())
    const body = JSON.stringify(messages())
    const answer = await request(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: anthropicHeaders,
      body,
      dispatcher: agent,
    })
    await answer.body.text()
    const startedAt = performance.now()
    await gateway.close()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  it('cuts a stream that does not end in time, which does not look complete', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'stall', afterChunks: 2, ms: Infinity })
    const gateway = await gatewayBefore(claude)
    const text = requestText('/v1/messages', messages({ stream: true }))
    const connection = await openSocket(gateway.url, text)
    while (!connection.received().includes('content_block_delta')) await delay(5)
    const startedAt = performance.now()
    await gateway.close(100)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    await connection.closed
    expect(connection.received(), 'the stream does not look complete').not.toMatch(
      /message_stop|\r\n0\r\n\r\n$/,
    )
  })

  it('cuts a stream when it is closed again and has less time', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'stall', afterChunks: 2, ms: Infinity })
    const gateway = await gatewayBefore(claude)
    const connection = await openSocket(gateway.url, requestText('/v1/messages', messages({ stream: true })))
    while (!connection.received().includes('content_block_delta')) await delay(5)
    const first = gateway.close(30_000)
    const startedAt = performance.now()
    await gateway.close(50)
    await Promise.all([first, connection.closed])
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  it('can be closed twice', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayBefore(claude)
    await Promise.all([gateway.close(), gateway.close(0)])
    await gateway.close()
  })

  it('is taken out by a load balancer before it refuses a connection: no call of a steady load is lost', async () => {
    const claude = forThisTest(await startClaude({ chunks: 5, chunkDelayMs: 10 }))
    const [leaving, staying] = [await gatewayBefore(claude), await gatewayBefore(claude)]
    // As load balancers do: asks for readiness now and then, and sends calls to whoever was ready last.
    let ready: string[] = [leaving.url, staying.url]
    let isOver = false
    // Also where it fails: callers that go on would keep it from ending.
    onTestFinished(() => {
      isOver = true
    })
    const statuses = { leaving: [] as number[], others: new Map<number, number>() }
    const balancing = (async () => {
      while (!isOver) {
        const states = await Promise.all(
          [leaving, staying].map(async ({ url }) => {
            const response = await fetch(`${url}/readyz`).catch(() => undefined)
            await response?.body?.cancel()
            if (url === leaving.url && response !== undefined) statuses.leaving.push(response.status)
            return response?.status === 200 ? [url] : []
          }),
        )
        ready = states.flat()
        await delay(50)
      }
    })()
    const agent = new Agent({ connections: 50 })
    onTestFinished(() => agent.destroy())
    let sent = 0
    const callers = Array.from({ length: 20 }, async () => {
      while (!isOver) {
        const url = ready[sent++ % ready.length] as string
        const status = await request(`${url}/v1/messages`, {
          method: 'POST',
          headers: anthropicHeaders,
          body: JSON.stringify(messages({ stream: sent % 2 === 0 })),
          dispatcher: agent,
        }).then(
          async ({ statusCode, body }) => {
            await body.text()
            return statusCode
          },
          () => delay(5, 0),
        )
        statuses.others.set(status, (statuses.others.get(status) ?? 0) + 1)
      }
    })
    await delay(300)
    const closing = leaving.close(5_000, 600)
    await delay(300)
    expect(statuses.leaving.at(-1)).toBe(503)
    await closing
    await delay(200)
    isOver = true
    await Promise.all([...callers, balancing])
    expect([...statuses.others.keys()]).toEqual([200])
    expect(statuses.others.get(200)).toBeGreaterThan(100)
  })

  it('serves calls meanwhile, ends their connections, and stops at once where it is told to', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayBefore(claude)
    const closing = gateway.close(5_000, 60_000)
    const answer = await request(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: anthropicHeaders,
      body: JSON.stringify(messages()),
    })
    await answer.body.text()
    expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close'])
    const ready = await request(`${gateway.url}/readyz`)
    expect([ready.statusCode, await ready.body.json()]).toEqual([503, { status: 'draining', ledger: 'ok' }])
    expect((await request(`${gateway.url}/healthz`)).statusCode).toBe(200)
    await gateway.close(0)
    await closing
    await expect(request(`${gateway.url}/healthz`)).rejects.toThrow('ECONNREFUSED')
  })
})
