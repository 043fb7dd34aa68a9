import { setTimeout as delay } from 'node:timers/promises'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { Agent, request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { anthropicHeaders, messages, openSocket, requestText } from './raw-client.ts'

async function gatewayBefore(claude: SimulatedServer) {
  return gatewayOf(configOf(targetAt(claude, 'anthropic')))
}

describe('a gateway that closes', () => {
  test.each([false, true])('lets a slow client have its whole answer, with stream: %s', async (stream) => {
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

  test('does not wait for connections that idle', async () => {
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

  test('cuts a stream that does not end in time, which does not look complete', async () => {
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

  test('cuts a stream when it is closed again and has less time', async () => {
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

  test('can be closed twice', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayBefore(claude)
    await Promise.all([gateway.close(), gateway.close(0)])
    await gateway.close()
  })
})
