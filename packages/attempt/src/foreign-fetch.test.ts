import { Agent as HttpAgent } from 'node:http'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { fetch as crossFetch } from 'cross-fetch'
import nodeFetch3, { Request as NodeRequest3 } from 'node-fetch'
import { Agent as UndiciAgent, Request as UndiciRequest } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
// By its path: a dependency would close a circle.
import { retry } from '../../retry/src/retry.ts'
import type { Fetch } from './fetch-call.ts'
import { timeouts } from './timeouts.ts'
import { wrapFetch } from './wrap-fetch.ts'

/** It has no types. */
const nodeFetch2 = createRequire(import.meta.url)('node-fetch-2')

let claude: SimulatedServer
let url: string

beforeAll(async () => {
  claude = await startClaude()
  url = `${claude.url}/v1/messages`
})

afterAll(() => claude.close())

const headers = {
  'content-type': 'application/json',
  'x-api-key': 'sk-test',
  'anthropic-version': '2023-06-01',
}

const bodyOf = (stream: boolean, text = 'Hi'): string =>
  JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 100,
    stream,
    messages: [{ role: 'user', content: text }],
  })

const init = (stream: boolean): RequestInit => ({ method: 'POST', headers, body: bodyOf(stream) })

function sent(): string {
  return Buffer.from(claude.requests.at(-1)?.sent ?? []).toString()
}

/** As whatwg-fetch and React Native have it: no `body`, no streams. */
const streamless: Fetch = async (input, given) => {
  const response = await fetch(input, given)
  const { status, headers } = response
  const text = await response.text()
  return { status, headers: { forEach: headers.forEach.bind(headers) }, text: async () => text } as never
}

describe.each<[string, unknown]>([
  ['the platform’s', fetch],
  ['node-fetch 2', nodeFetch2],
  ['node-fetch 3', nodeFetch3],
  ['cross-fetch', crossFetch],
  ['one without streams', streamless],
])('a fetch of another make: %s', (_, foreign) => {
  let calls = 0
  const counted = (async (...args: unknown[]) => {
    calls++
    return (foreign as (...args: unknown[]) => unknown)(...args)
  }) as Fetch

  afterEach(() => {
    calls = 0
  })

  it.each([false, true])('carries a call once, byte for byte (stream: %s)', async (stream) => {
    const response = await wrapFetch(counted, retry({ baseDelay: 0 }))(url, init(stream))
    expect(await response.text()).toBe(sent())
    expect(response.status).toBe(200)
    expect(response.headers.get('request-id')).toMatch(/^req_/)
    expect(calls).toBe(1)
  })

  it('is retried for the failures of its network and of the upstream', async () => {
    claude.next({ type: 'reset' })
    claude.next({ type: 'status', status: 529 })
    const response = await wrapFetch(counted, retry({ baseDelay: 0, maxDelay: 0 }))(url, init(false))
    expect(await response.text()).toBe(sent())
    expect(calls).toBe(3)
  })

  it('tells of a header that cannot be sent without quoting it', async () => {
    const bad = { ...init(false), headers: { ...headers, 'x-api-key': 'sk-secret\u2026' } }
    const response = await wrapFetch(counted)(url, bad)
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/^(?!.*sk-secret).*does a header, the key for instance/)
  })
})

it.each<[string, unknown]>([
  ['node-fetch 2', nodeFetch2],
  ['node-fetch 3', nodeFetch3],
])('a stream over %s is cut when its reader leaves', async (_, foreign) => {
  claude.next({ type: 'stall', afterChunks: 1, ms: Number.POSITIVE_INFINITY })
  const arrived = claude.nextRequest()
  const response = await wrapFetch(foreign as Fetch)(url, init(true))
  await response.body?.cancel()
  await (await arrived).closedByPeer
})

it('a body goes on being read where the fetch does not heed the signal, until its reader leaves', async () => {
  let cancelled = 0
  const deaf = (async () =>
    new Response(new ReadableStream({ cancel: () => void cancelled++ }), {
      headers: { 'content-type': 'text/event-stream' },
    })) as unknown as Fetch
  const response = await wrapFetch(deaf, timeouts({ firstContent: 10 }))(url, init(true))
  expect(response.status).toBe(504)
  expect(cancelled).toBe(1)
})

const toWeb = (chunks: string[]): unknown => Readable.toWeb(Readable.from(chunks))

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7))
}

describe('the body of a call', () => {
  it.each<[string, (text: string) => unknown]>([
    ['text', (text) => text],
    ['a buffer', (text) => Buffer.from(text)],
    ['an array buffer', (text) => new TextEncoder().encode(text).buffer],
    ['a data view', (text) => new DataView(new TextEncoder().encode(text).buffer)],
    ['a blob', (text) => new Blob([text])],
    ['a web stream', (text) => new Blob([text]).stream()],
    ['a web stream of text', (text) => toWeb([text.slice(0, 9), text.slice(9)])],
    ['a stream of Node', (text) => Readable.from(pieces(text))],
    ['a stream of Node in text', (text) => Readable.from([text.slice(0, 9), text.slice(9)])],
    ['an async iterable', (text) => pieces(text)],
  ])('may be %s, and is sent again as it was', async (_, make) => {
    claude.next({ type: 'status', status: 529 })
    const before = claude.requests.length
    const wrapped = wrapFetch(fetch, retry({ baseDelay: 0, maxDelay: 0 }))
    const response = await wrapped(url, {
      ...init(false),
      body: make(bodyOf(false)),
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(200)
    expect(claude.requests.slice(before).map(({ json }) => json)).toEqual([
      JSON.parse(bodyOf(false)),
      JSON.parse(bodyOf(false)),
    ])
  })

  it.each<[string, () => unknown]>([
    ['a web stream', () => new Blob(['model=x']).stream()],
    ['a stream of Node', () => Readable.from([Buffer.from('model=x')])],
    ['a form', () => new URLSearchParams({ model: 'x' })],
  ])('arrives once and whole where it is no model call: %s', async (_, make) => {
    const bodies: string[] = []
    const echo = (async (_: unknown, { body }: RequestInit) => {
      bodies.push(await new Response(body as string).text())
      return new Response()
    }) as unknown as Fetch
    await wrapFetch(echo)(url, { method: 'POST', body: make(), duplex: 'half' } as RequestInit)
    expect(bodies).toEqual(['model=x'])
  })

  it('is sent once, past all middleware, where it is a stream too long to be kept', async () => {
    const piece = new Uint8Array(1024 * 1024)
    async function* long(): AsyncGenerator<Uint8Array> {
      for (let sent = 0; sent < 40; sent++) yield piece
    }
    let read = 0
    let passed = 0
    const counting = (async (_: unknown, { body }: RequestInit) => {
      for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) read += chunk.length
      return new Response()
    }) as unknown as Fetch
    const wrapped = wrapFetch(counting, (next) => (request) => {
      passed++
      return next(request)
    })
    await wrapped(url, { method: 'POST', body: long(), duplex: 'half' } as unknown as RequestInit)
    expect({ read, passed }).toEqual({ read: 40 * piece.length, passed: 0 })
  })

  it('ends the call with its own error, and when the caller leaves', async () => {
    const broken = new Error('the file ended')
    const failing = new ReadableStream({ start: (c) => c.error(broken) })
    await expect(wrapFetch(fetch)(url, { method: 'POST', body: failing })).rejects.toBe(broken)
    let cancelled = 0
    const hanging = new ReadableStream({ cancel: () => void cancelled++ })
    const signal = AbortSignal.timeout(10)
    await expect(wrapFetch(fetch)(url, { method: 'POST', body: hanging, signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    expect(cancelled).toBe(1)
  })
})

describe('a Request of another make', () => {
  it.each<[string, () => unknown]>([
    ['undici', () => new UndiciRequest(url, init(false) as never)],
    ['node-fetch 2', () => new nodeFetch2.Request(url, init(false))],
    ['node-fetch 3', () => new NodeRequest3(url, init(false) as never)],
  ])('passes through the middleware: %s', async (_, make) => {
    claude.next({ type: 'status', status: 529 })
    const response = await wrapFetch(fetch, retry({ baseDelay: 0, maxDelay: 0 }))(make() as Request)
    expect(response.status).toBe(200)
    expect(claude.requests.at(-1)?.json).toEqual(JSON.parse(bodyOf(false)))
    expect(claude.requests.at(-1)?.headers['x-api-key']).toBe('sk-test')
  })
})

describe('options of the fetch', () => {
  it('reach it at each attempt, but for those that describe the body', async () => {
    const seen: unknown[] = []
    const agent = new HttpAgent()
    const spy = (async (_: unknown, given: object) => {
      seen.push(Object.keys(given).sort(), (given as { agent?: unknown }).agent === agent)
      return Response.json({}, { status: 529 })
    }) as unknown as Fetch
    const extra = {
      agent,
      timeout: 5_000,
      highWaterMark: 1,
      redirect: 'manual',
      dispatcher: undefined,
      duplex: 'half',
    }
    await wrapFetch(spy, retry({ attempts: 2, baseDelay: 0, maxDelay: 0 }))(url, {
      ...init(false),
      ...extra,
    } as never)
    const names = ['agent', 'body', 'headers', 'highWaterMark', 'method', 'redirect', 'signal', 'timeout']
    expect(seen).toEqual([names, true, names, true])
  })

  it('such as a dispatcher work', async () => {
    const dispatcher = new UndiciAgent()
    let used = 0
    const dispatch = dispatcher.dispatch.bind(dispatcher)
    dispatcher.dispatch = (...args) => {
      used++
      return dispatch(...args)
    }
    const { fetch: undiciFetch } = await import('undici')
    const response = await wrapFetch(undiciFetch as unknown as Fetch)(url, {
      ...init(false),
      dispatcher,
    } as never)
    expect(response.status).toBe(200)
    expect(used).toBe(1)
    await response.text()
    await dispatcher.close()
  })

  it('of a node-fetch Request, such as its agent, work', async () => {
    const agent = new HttpAgent({ keepAlive: false })
    let used = 0
    const { addRequest } = agent as unknown as { addRequest(...args: unknown[]): void }
    Object.assign(agent, {
      addRequest(...args: unknown[]) {
        used++
        return addRequest.apply(agent, args)
      },
    })
    const request = new nodeFetch2.Request(url, { ...init(false), agent })
    expect((await wrapFetch(nodeFetch2)(request)).status).toBe(200)
    expect(used).toBe(1)
  })
})
