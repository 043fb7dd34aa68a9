import { deriveRequest, type Middleware, type ModelRequest } from '@spillway/middleware'
import { type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { timeouts } from './timeouts.ts'
import { wrapFetch } from './wrap-fetch.ts'

let claude: SimulatedServer

beforeEach(async () => {
  claude = await startClaude()
})

afterEach(() => claude.close())

const headers = {
  'content-type': 'application/json',
  'x-api-key': 'sk-test',
  'anthropic-version': '2023-06-01',
}

function body(stream: boolean): string {
  return JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 100,
    stream,
    messages: [{ role: 'user', content: 'Hi' }],
  })
}

function init(stream = false): { method: string; headers: Record<string, string>; body: string } {
  return { method: 'POST', headers, body: body(stream) }
}

/** Keeps the requests that pass. */
function spy(): { middleware: Middleware; seen: ModelRequest[] } {
  const seen: ModelRequest[] = []
  return {
    seen,
    middleware: (next) => (request) => {
      seen.push(request)
      return next(request)
    },
  }
}

function sent(): string {
  return Buffer.from(claude.requests.at(-1)?.sent ?? []).toString()
}

describe('a model call', () => {
  it('passes through the middleware, the first listed outermost', async () => {
    const order: string[] = []
    const named =
      (name: string): Middleware =>
      (next) =>
      async (request) => {
        order.push(`${name} in`)
        const response = await next(request)
        order.push(`${name} out`)
        return response
      }
    const response = await wrapFetch(fetch, named('a'), named('b'))(`${claude.url}/v1/messages`, init())
    expect(await response.json()).toMatchObject({ type: 'message' })
    expect(order).toEqual(['a in', 'b in', 'b out', 'a out'])
  })

  it.each([false, true])('arrives byte for byte (stream: %s)', async (stream) => {
    const response = await wrapFetch(fetch)(`${claude.url}/v1/messages`, init(stream))
    expect(await response.text()).toBe(sent())
    expect(response.headers.get('request-id')).toMatch(/^req_/)
  })

  it('arrives byte for byte in the oddest chunks', async () => {
    for (const bytes of [1, 2, 3, 7]) {
      claude.next({ type: 'drip', bytes, everyMs: 0 })
      const response = await wrapFetch(fetch)(`${claude.url}/v1/messages`, init(true))
      expect(await response.text()).toBe(sent())
    }
  })

  it.each([400, 401, 429, 500, 529])('that fails with %i arrives byte for byte', async (status) => {
    claude.next({ type: 'status', status })
    const response = await wrapFetch(fetch)(`${claude.url}/v1/messages`, init(true))
    expect(response.status).toBe(status)
    expect(await response.text()).toBe(sent())
  })

  it('is told by method and path, with any base and any query', async () => {
    const { middleware, seen } = spy()
    const wrapped = wrapFetch(fetch, middleware)
    await (await wrapped(`${claude.url}/v1/messages?beta=true`, init())).text()
    await (await wrapped(`${claude.url}/v1/messages/count_tokens`, init())).text()
    await using openrouter = await startOpenRouter()
    await (
      await wrapped(`${openrouter.url}/api/v1/chat/completions`, {
        ...init(),
        headers: { ...headers, authorization: 'Bearer sk-or' },
      })
    ).text()
    expect(seen.map(({ api, operation, model, stream }) => ({ api, operation, model, stream }))).toEqual([
      { api: 'anthropic', operation: 'generate', model: 'claude-sonnet-5-5', stream: false },
      { api: 'anthropic', operation: 'count_tokens', model: 'claude-sonnet-5-5', stream: false },
      { api: 'openai', operation: 'generate', model: 'claude-sonnet-5-5', stream: false },
    ])
  })

  it.each([
    ['a URL and a string', (url: string) => [new URL(url), init()]],
    ['bytes', (url: string) => [url, { ...init(), body: new TextEncoder().encode(body(false)) }]],
    [
      'an array buffer',
      (url: string) => [url, { ...init(), body: new TextEncoder().encode(body(false)).buffer }],
    ],
    ['a blob', (url: string) => [url, { ...init(), body: new Blob([body(false)]) }]],
    [
      'a stream',
      (url: string) => [url, { ...init(), body: new Blob([body(false)]).stream(), duplex: 'half' }],
    ],
    ['a Request', (url: string) => [new Request(url, init())]],
    [
      'a Request and other headers',
      (url: string) => [new Request(url, init()), { headers: new Headers(headers) }],
    ],
    ['headers in pairs', (url: string) => [url, { ...init(), headers: Object.entries(headers) }]],
  ] as readonly [string, (url: string) => unknown[]][])('may be given as %s', async (_name, args) => {
    const { middleware, seen } = spy()
    const wrapped = wrapFetch(fetch, middleware)
    const response = await wrapped(...(args(`${claude.url}/v1/messages`) as Parameters<typeof fetch>))
    expect(await response.json()).toMatchObject({ type: 'message' })
    expect(seen[0]?.headers['x-api-key']).toBe('sk-test')
    expect(claude.requests.at(-1)?.json).toEqual(JSON.parse(body(false)))
  })

  it('can be changed on its way by deriving a request', async () => {
    const tag: Middleware = (next) => (request) =>
      next(deriveRequest(request, { headers: { ...request.headers, 'x-tag': 'yes' } }))
    await (await wrapFetch(fetch, tag)(`${claude.url}/v1/messages`, init())).text()
    expect(claude.requests.at(-1)?.headers['x-tag']).toBe('yes')
  })
})

describe('anything else goes straight to the fetch', () => {
  it.each([
    ['another path', '/v1/models', { headers }],
    ['a body that is not JSON', '/v1/messages', { method: 'POST', headers, body: 'model=x' }],
    ['a body without a model', '/v1/messages', { method: 'POST', headers, body: '{"a":1}' }],
    ['no body', '/v1/messages', { method: 'POST', headers }],
  ] as const)('%s', async (_name, path, request) => {
    const { middleware, seen } = spy()
    const response = await wrapFetch(fetch, middleware)(claude.url + path, request)
    const plain = await fetch(claude.url + path, request)
    expect(response.status).toBe(plain.status)
    await Promise.all([response.text(), plain.text()])
    expect(seen).toHaveLength(0)
  })
})

describe('failures', () => {
  it('without a response become an error response in the protocol that was called', async () => {
    claude.next({ type: 'reset' })
    const response = await wrapFetch(fetch)(`${claude.url}/v1/messages`, init(true))
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'api_error' } })
  })

  it('of a request that cannot be sent say so, without the header in question', async () => {
    const bad = { ...init(), headers: { ...headers, 'x-api-key': 'sk-secret\u2026' } }
    const response = await wrapFetch(fetch)(`${claude.url}/v1/messages`, bad)
    const text = await response.text()
    expect(response.status).toBe(400)
    expect(text).toContain('does a header, the key for instance')
    expect(text).not.toContain('sk-secret')
  })

  it('by time do the same', async () => {
    claude.next({ type: 'slow-first-token', ms: Number.POSITIVE_INFINITY })
    const wrapped = wrapFetch(fetch, timeouts({ firstContent: 100 }))
    const arrived = claude.nextRequest()
    const response = await wrapped(`${claude.url}/v1/messages`, init(true))
    expect(response.status).toBe(504)
    expect(await response.json()).toMatchObject({ error: { type: 'timeout_error' } })
    await (await arrived).closedByPeer
  })

  it.each(['end', 'reset'] as const)('in mid-stream (%s) end it with an error event', async (how) => {
    claude.next({ type: 'cut', at: 'mid-event', how })
    const text = await (await wrapFetch(fetch)(`${claude.url}/v1/messages`, init(true))).text()
    const last = text.trimEnd().split('\n\n').at(-1)
    expect(last).toMatch(/^event: error\ndata: \{"type":"error"/)
    expect(text).not.toContain('message_stop')
  })

  it("in mid-stream keep the upstream's own error event", async () => {
    claude.next({ type: 'error-in-200', at: 'after-content', errorType: 'overloaded_error' })
    const text = await (await wrapFetch(fetch)(`${claude.url}/v1/messages`, init(true))).text()
    expect(text).toBe(sent())
  })
})

describe('the caller who leaves', () => {
  it.each([
    ['during the headers', { type: 'slow-headers', ms: Number.POSITIVE_INFINITY }],
    ['before the first content', { type: 'slow-first-token', ms: Number.POSITIVE_INFINITY }],
  ] as const)('%s sees an AbortError and the upstream a closed connection', async (_name, fault) => {
    claude.next(fault)
    const caller = new AbortController()
    const arrived = claude.nextRequest()
    const call = wrapFetch(fetch)(`${claude.url}/v1/messages`, { ...init(true), signal: caller.signal })
    const request = await arrived
    caller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    await request.closedByPeer
  })

  it('in mid-stream sees the body fail', async () => {
    claude.next({ type: 'stall', afterChunks: 1, ms: Number.POSITIVE_INFINITY })
    const caller = new AbortController()
    const arrived = claude.nextRequest()
    const response = await wrapFetch(fetch)(`${claude.url}/v1/messages`, {
      ...init(true),
      signal: caller.signal,
    })
    const read = response.text()
    caller.abort()
    await expect(read).rejects.toMatchObject({ name: 'AbortError' })
    await (await arrived).closedByPeer
  })
})
