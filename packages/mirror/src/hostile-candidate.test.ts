import Anthropic from '@anthropic-ai/sdk'
import { attempt, fetchTransport, type Target, target, wrapFetch } from '@spillway/attempt'
import { deriveRequest, type FailureKind } from '@spillway/middleware'
import { type Fault, type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Hostility, startHostile } from '../test/hostile-server.ts'
import type { Comparison } from './comparison.ts'
import { createMirror, type Mirror } from './mirror.ts'
import type { MirrorOptions } from './mirror-options.ts'

let claude: SimulatedServer

beforeEach(async () => {
  claude = await startClaude({ reply: { text: 'The dam is full.' } })
})

afterEach(() => claude.close())

/** A server as the candidate. */
function at(url: string): Target {
  const send = attempt(fetchTransport(fetch))
  return target('candidate', (request) => {
    const headers = { ...request.headers, authorization: 'Bearer sk-candidate' }
    return send(deriveRequest(request, { url: `${url}/v1/messages`, headers }))
  })
}

interface Setup {
  readonly shadow: Mirror
  readonly client: Anthropic
  readonly comparison: Promise<Comparison>
}

function setUp(url: string, options: Partial<MirrorOptions> = {}): Setup {
  const { promise: comparison, resolve } = Promise.withResolvers<Comparison>()
  const shadow = createMirror({ to: at(url), sample: 1, timeout: 400, onComparison: resolve, ...options })
  const client = new Anthropic({
    apiKey: 'sk-test',
    baseURL: claude.url,
    maxRetries: 0,
    fetch: wrapFetch(fetch, shadow.middleware),
  })
  return { shadow, client, comparison }
}

const question = {
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Is the dam full?' }],
}

/** What the caller sees is what they would see without a mirror. */
async function expectAnswered(client: Anthropic, isStream: boolean): Promise<void> {
  const message = isStream
    ? await client.messages.stream(question).finalMessage()
    : await client.messages.create(question)
  expect(message).toMatchObject({
    content: [{ type: 'text', text: 'The dam is full.' }],
    stop_reason: 'end_turn',
  })
}

describe.each([
  ['streamed', true],
  ['whole', false],
])('an answer that is %s is the same', (_, isStream) => {
  it.each<[Hostility, FailureKind]>([
    ['endless stream', 'malformed'],
    ['endless pings', 'malformed'],
    ['huge body', 'malformed'],
    ['garbage', 'malformed'],
    ['silence', 'timeout'],
  ])('with a candidate of the kind: %s', async (hostility, kind) => {
    await using hostile = await startHostile(hostility)
    const { client, comparison, shadow } = setUp(hostile.url, {
      maxBytes: 1024 * 1024,
      // What ends at a limit of bytes has time to get there.
      timeout: kind === 'timeout' ? 400 : 30_000,
    })
    await expectAnswered(client, isStream)
    expect(await comparison).toMatchObject({
      primary: { status: 200, failure: undefined, stopReason: 'end_turn' },
      candidate: { failure: { kind } },
      textSimilarity: undefined,
    })
    // A connection that ended well may stay in the pool of the fetch.
    if (hostility !== 'garbage') await vi.waitFor(() => expect(hostile.connections).toBe(0))
    await shadow.close()
  })

  it('with a candidate that is dead', async () => {
    const dead = await startClaude()
    const { client, comparison } = setUp(dead.url)
    await dead.close()
    await expectAnswered(client, isStream)
    expect(await comparison).toMatchObject({ candidate: { failure: { kind: 'connection' }, status: 502 } })
  })

  it.each<[string, Fault, FailureKind]>([
    ['overloaded', { type: 'status', status: 529 }, 'overloaded'],
    ['reset', { type: 'reset' }, 'connection'],
    ['cut off', { type: 'cut', at: 'after-content', how: 'reset' }, 'connection'],
    ['failing inside a 200', { type: 'error-in-200', at: 'after-content' }, 'overloaded'],
    ['slow to begin', { type: 'slow-first-token', ms: Infinity }, 'timeout'],
    ['slow to end', { type: 'stall', afterChunks: 1, ms: Infinity }, 'timeout'],
  ])('with a candidate that is %s', async (_name, fault, kind) => {
    await using server = await startClaude()
    server.always(fault)
    const { client, comparison } = setUp(server.url)
    await expectAnswered(client, isStream)
    expect(await comparison).toMatchObject({ candidate: { failure: { kind } } })
  })
})

it('a candidate that answers is compared, and gets what the primary got', async () => {
  await using server = await startClaude({ reply: { text: 'The dam was full.' } })
  const { client, comparison } = setUp(server.url, { timeout: 30_000 })
  await expectAnswered(client, true)
  expect(await comparison).toMatchObject({ candidate: { failure: undefined, stopReason: 'end_turn' } })
  expect((await comparison).textSimilarity).toBeCloseTo(0.6)
  expect(server.requests[0]?.json).toEqual(claude.requests[0]?.json)
})

it('a candidate gets no key of the caller, nor headers that are no part of the protocol', async () => {
  const given: Headers[] = []
  const send = attempt(
    fetchTransport(async (_, init) => {
      given.push(new Headers(init?.headers))
      return Response.json({})
    }),
  )
  const { promise: compared, resolve } = Promise.withResolvers<Comparison>()
  await using shadow = createMirror({ to: target('other', send), sample: 1, onComparison: resolve })
  const client = new Anthropic({
    apiKey: 'sk-caller',
    baseURL: claude.url,
    defaultHeaders: { 'x-goog-api-key': 'sk-other' },
    fetch: wrapFetch(fetch, shadow.middleware),
  })
  await expectAnswered(client, false)
  await compared
  expect(claude.requests[0]?.headers['x-goog-api-key']).toBe('sk-other')
  expect(given[0]?.get('anthropic-version')).toBeTruthy()
  expect([...(given[0] ?? [])].join()).not.toContain('sk-')
})

it('closing in the middle closes the connection to the candidate and leaves the next caller alone', async () => {
  await using server = await startClaude()
  server.always({ type: 'stall', afterChunks: 1, ms: Infinity })
  const { client, comparison, shadow } = setUp(server.url, { timeout: 30_000 })
  const arrived = server.nextRequest()
  await expectAnswered(client, true)
  const request = await arrived
  await shadow.close()
  expect(await comparison).toMatchObject({ candidate: { failure: { kind: 'cancelled' } } })
  await request.closedByPeer
  await expectAnswered(client, true)
  expect(server.requests).toHaveLength(1)
  expect(shadow.stats()).toMatchObject({ sampled: 1, started: 1, finished: 1, active: 0 })
})

it('a caller who leaves in mid-stream leaves nothing behind', async () => {
  await using server = await startClaude()
  claude.always({ type: 'stall', afterChunks: 1, ms: Infinity })
  const { client, shadow } = setUp(server.url)
  const arrived = claude.nextRequest()
  const stream = client.messages.stream(question)
  stream.on('text', () => stream.abort())
  await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError)
  await (await arrived).closedByPeer
  await vi.waitFor(() => expect(shadow.stats()).toMatchObject({ sampled: 1, skipped: 1 }))
  expect(server.requests).toHaveLength(0)
})
