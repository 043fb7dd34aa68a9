import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { claudeHeaders, events, messagesBody, raw } from '../test/raw-client.ts'
import { type ClaudeOptions, type Fault, type SimulatedServer, startClaude } from './index.ts'

const open: SimulatedServer[] = []
const start = async (options?: ClaudeOptions): Promise<SimulatedServer> => {
  const server = await startClaude(options)
  open.push(server)
  return server
}
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const call = (server: SimulatedServer, more: object = {}, signal?: AbortSignal): ReturnType<typeof raw> =>
  raw(`${server.url}/v1/messages?beta=true`, {
    headers: { ...claudeHeaders, 'X-Two': 'b' },
    body: { ...messagesBody, ...more },
    ...(signal === undefined ? {} : { signal }),
  })

describe('a simulated server', () => {
  it('records requests and what it sent', async () => {
    const server = await start()
    const next = server.nextRequest()
    const response = await call(server)
    const [request] = server.requests
    expect(await next).toBe(request)
    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/messages?beta=true',
      status: 200,
      fault: undefined,
    })
    expect(request?.headers).toMatchObject({ 'x-two': 'b', 'x-api-key': 'sk-test' })
    expect(request?.json).toEqual(messagesBody)
    expect(Buffer.from(request?.body ?? []).toString()).toBe(JSON.stringify(messagesBody))
    expect(Buffer.from(request?.sent ?? []).equals(response.body)).toBe(true)
    expect(request?.finishedAt).toBeGreaterThanOrEqual(request?.receivedAt ?? Infinity)
    expect(request?.closedAt).toBeUndefined()
  })

  const waits: Fault[] = [
    { type: 'slow-headers', ms: Infinity },
    { type: 'slow-first-token', ms: Infinity, pings: 5 },
    { type: 'stall', afterChunks: 2, ms: Infinity },
    { type: 'drip', bytes: 1, everyMs: 3 },
  ]
  it.each(waits)('abandons $type as soon as the client leaves', async (fault) => {
    const server = await start()
    server.next(fault)
    const leave = new AbortController()
    const arrived = server.nextRequest()
    const answered = call(server, { stream: true }, leave.signal)
    const request = await arrived
    await pause(30)
    const left = performance.now()
    leave.abort()
    expect(await request.closedByPeer).toBeGreaterThanOrEqual(left)
    expect(await request.closedByPeer).toBeLessThan(left + 1000)
    expect(request.closedAt).toBe(await request.closedByPeer)
    expect(request.finishedAt).toBeUndefined()
    await answered
    const sent = request.sent.length
    await pause(20)
    expect(request.sent.length).toBe(sent)
    expect(server.connections).toBe(0)
  })

  it('abandons a latency too', async () => {
    const server = await start({ latencyMs: () => 10_000 })
    const leave = new AbortController()
    const arrived = server.nextRequest()
    const answered = call(server, {}, leave.signal)
    const request = await arrived
    leave.abort()
    await request.closedByPeer
    await answered
    expect(request.status).toBeUndefined()
  })

  it('counts connections, and closes with answers under way', async () => {
    const server = await start()
    server.always({ type: 'slow-headers', ms: Infinity })
    const arrived = server.nextRequest()
    const answered = call(server)
    const request = await arrived
    expect(server.connections).toBe(1)
    await server[Symbol.asyncDispose]()
    expect((await answered).ended).toBe('ECONNRESET')
    expect(server.connections).toBe(0)
    expect(request.closedAt).toBeUndefined()
  })

  it('keeps nothing with record: false, and answers alike', async () => {
    const server = await start({ record: false })
    const arrived = server.nextRequest()
    expect(await call(server, { stream: true })).toMatchObject({ status: 200, ended: 'end' })
    expect(server.requests).toEqual([])
    expect((await arrived).sent).toHaveLength(0)
  })

  it('takes replies by request, chunk counts, delays, headers and a port', async () => {
    const server = await start({
      reply: ({ headers }) => ({ text: `to ${headers['x-two']}` }),
      headers: { 'request-id': 'req_mine' },
      latencyMs: 30,
    })
    const answer = await call(server)
    expect(JSON.parse(answer.text).content).toEqual([{ type: 'text', text: 'to b' }])
    expect(answer.headers['request-id']).toBe('req_mine')
    expect(answer.headersAt).toBeGreaterThan(10)
    const port = Number(new URL(server.url).port)
    await expect(startClaude({ port })).rejects.toThrow('EADDRINUSE')

    const chunky = await start({ chunks: 200 })
    const stream = await call(chunky, { stream: true })
    const deltas = events(stream.text).filter((event) => event.type === 'content_block_delta')
    expect(deltas).toHaveLength(200)

    const slow = await start({ chunks: 5, chunkDelayMs: 10 })
    const paced = await call(slow, { stream: true })
    expect(paced.pieces.at(-1)?.at).toBeGreaterThan(45)
    expect(paced.pieces.length).toBeGreaterThanOrEqual(5)

    const apart = await start({ chunks: 50, separateWrites: true })
    expect((await call(apart, { stream: true })).pieces.length).toBeGreaterThan(10)
  })

  it('chooses faults by request, after those that are queued', async () => {
    const server = await start({
      fault: ({ json }) =>
        (json as { stream?: boolean }).stream === true ? undefined : { type: 'status', status: 529 },
    })
    server.next({ type: 'status', status: 500 })
    expect((await call(server)).status).toBe(500)
    expect((await call(server)).status).toBe(529)
    expect((await call(server, { stream: true })).status).toBe(200)
  })

  it('waits for a client that does not read', async () => {
    const server = await start({
      reply: { text: 'x'.repeat(32 * 1024 * 1024) },
      chunks: 64,
      separateWrites: true,
    })
    const leave = new AbortController()
    const arrived = server.nextRequest()
    const response = await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: claudeHeaders,
      body: JSON.stringify({ ...messagesBody, stream: true }),
      signal: leave.signal,
    })
    const request = await arrived
    await pause(300)
    expect(response.status).toBe(200)
    expect(request.finishedAt).toBeUndefined()
    expect(request.sent.length).toBeLessThan(11 * 1024 * 1024)
    leave.abort()
    await request.closedByPeer
  })
})
