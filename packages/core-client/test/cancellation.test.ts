import { type Fault, type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, createClient } from '../src/index.ts'
import {
  abortListeners,
  closedSoonAfter,
  connectionsDownTo,
  question,
  rejection,
  timers,
  timersDownTo,
  turns,
} from './support.ts'

const phases: [phase: string, stream: boolean, fault: Fault][] = [
  ['before the headers', false, { type: 'slow-headers', ms: Infinity }],
  ['before the headers of a stream', true, { type: 'slow-headers', ms: Infinity }],
  ['in the middle of a body', false, { type: 'stall', afterChunks: 1, ms: Infinity }],
  ['before the first token', true, { type: 'slow-first-token', ms: Infinity }],
]

// A machine that is busy may be late once: the limits of time are tried again.
describe('leaving a call', { retry: 2 }, () => {
  let claude: SimulatedServer
  let client: Client
  let timersBefore: number
  let controller: AbortController
  beforeEach(async () => {
    timersBefore = timers()
    controller = new AbortController()
    claude = await startClaude({ separateWrites: true })
    client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k' })
  })
  afterEach(async () => {
    await connectionsDownTo(claude, 0)
    expect(abortListeners(controller.signal)).toBe(0)
    await timersDownTo(timersBefore)
    await client.close()
    await claude.close()
  })
  const fetch = (stream: boolean): Promise<Response> =>
    client.fetch(`${claude.url}/v1/messages`, question({ stream, signal: controller.signal }))
  const midStream = async (): Promise<Response> => {
    claude.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    return fetch(true)
  }

  it.each(phases)('%s by its signal closes the connection', async (_, stream, fault) => {
    claude.next(fault)
    const arrived = claude.nextRequest()
    const sent = rejection(fetch(stream))
    const request = await arrived
    await turns(4)
    const leftAt = performance.now()
    controller.abort()
    expect(await sent).toMatchObject({ name: 'AbortError' })
    await closedSoonAfter(leftAt, request)
  })

  it('before it is sent by its signal sends nothing', async () => {
    controller.abort('never mind')
    expect(await rejection(fetch(true))).toBe('never mind')
    expect(claude.requests).toHaveLength(0)
  })

  it('mid-stream by its signal closes the connection and fails the reader', async () => {
    const response = await midStream()
    const text = rejection(response.text())
    const leftAt = performance.now()
    controller.abort()
    expect(await text).toMatchObject({ name: 'AbortError' })
    await closedSoonAfter(leftAt, claude.requests[0])
  })

  it('mid-stream by cancelling the body closes the connection', async () => {
    const response = await midStream()
    const leftAt = performance.now()
    await response.body?.cancel()
    await closedSoonAfter(leftAt, claude.requests[0])
  })

  it('mid-stream by cancelling a reader of the body closes the connection', async () => {
    const reader = (await midStream()).body?.getReader()
    await reader?.read()
    const leftAt = performance.now()
    await reader?.cancel()
    await closedSoonAfter(leftAt, claude.requests[0])
  })

  it('mid-stream by leaving the loop over the body closes the connection', async () => {
    const response = await midStream()
    let leftAt = 0
    for await (const _ of response.body ?? []) {
      leftAt = performance.now()
      break
    }
    await closedSoonAfter(leftAt, claude.requests[0])
  })

  it('mid-stream by leaving the loop over its text closes the connection', async () => {
    claude.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    let leftAt = 0
    for await (const _ of client.stream('Hello', { signal: controller.signal })) {
      leftAt = performance.now()
      break
    }
    await closedSoonAfter(leftAt, claude.requests[0])
  })

  it('of complete by its signal rejects with its reason', async () => {
    claude.next({ type: 'slow-headers', ms: Infinity })
    const arrived = claude.nextRequest()
    const sent = rejection(client.complete('Hello', { signal: controller.signal }))
    const request = await arrived
    const leftAt = performance.now()
    controller.abort('enough')
    expect(await sent).toBe('enough')
    await closedSoonAfter(leftAt, request)
  })

  it('while it waits for a connection takes it out of the queue', async () => {
    await using narrow = createClient({
      provider: 'anthropic',
      baseUrl: claude.url,
      credential: 'k',
      pool: { connections: 1 },
    })
    claude.next({ type: 'slow-headers', ms: Infinity })
    const arrived = claude.nextRequest()
    const first = new AbortController()
    const holding = rejection(narrow.complete('Hello', { signal: first.signal }))
    await arrived
    const waiting = rejection(narrow.complete('Hello', { signal: controller.signal }))
    await new Promise(setImmediate)
    controller.abort('enough')
    expect(await waiting).toBe('enough')
    first.abort()
    await holding
    await narrow.complete('Hello')
    expect(claude.requests).toHaveLength(2)
  })
})

it('leaves nothing behind after calls that end by themselves', async () => {
  const timersBefore = timers()
  const { signal } = new AbortController()
  await using claude = await startClaude()
  await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k' })
  for (const stream of [false, true]) {
    await (await client.fetch(`${claude.url}/v1/messages`, question({ stream, signal }))).text()
    claude.next({ type: 'status', status: 529 }, { type: 'cut', at: 'headers', how: 'reset' })
    await (await client.fetch(`${claude.url}/v1/messages`, question({ stream, signal }))).text()
    await (await client.fetch(`${claude.url}/v1/messages`, question({ stream, signal }))).text()
  }
  expect(abortListeners(signal)).toBe(0)
  await timersDownTo(timersBefore)
})
