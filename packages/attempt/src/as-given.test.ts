import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deriveRequest, type Middleware } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { Headers as NodeHeaders } from 'node-fetch'
import { Agent as UndiciAgent, Request as UndiciRequest, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
// By its path: a dependency would close a circle.
import { retry } from '../../retry/src/retry.ts'
import type { Fetch } from './fetch-call.ts'
import { wrapFetch } from './wrap-fetch.ts'

let claude: SimulatedServer
let url: string

beforeAll(async () => {
  claude = await startClaude()
  url = `${claude.url}/v1/messages`
})

afterAll(() => claude.close())

const headers = {
  'Content-Type': 'application/json',
  'X-Api-Key': 'sk-test',
  'anthropic-version': '2023-06-01',
}
const body = JSON.stringify({
  model: 'claude-sonnet-5-5',
  max_tokens: 9,
  messages: [{ role: 'user', content: 'Hi' }],
})
const answer = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-5-5',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 1, output_tokens: 1 },
})

let seen: { input: unknown; init: RequestInit & Record<string, unknown> }[] = []

beforeEach(() => {
  seen = []
})

const spy = (async (input: unknown, init: never) => {
  seen.push({ input, init })
  return new Response(answer, { headers: { 'content-type': 'application/json' } })
}) as unknown as Fetch

const noHeaders: Middleware = (next) => next
const tagged: Middleware = (next) => (request) =>
  next(deriveRequest(request, { headers: { ...request.headers, 'x-tag': 'yes' } }))
const otherModel: Middleware = (next) => (request) => next(deriveRequest(request, { model: 'claude-other' }))

async function seenBy(init: object, ...policies: Middleware[]): Promise<RequestInit> {
  const response = await wrapFetch(spy, ...policies)(url, { method: 'POST', ...init } as RequestInit)
  await response.text()
  return seen.at(-1)?.init as RequestInit
}

describe('the fetch below gets the body as it was given', () => {
  it.each<[string, unknown]>([
    ['text', body],
    ['bytes', Buffer.from(body)],
    ['a blob', new Blob([body], { type: 'application/json' })],
  ])('%s', async (_, given) => {
    expect((await seenBy({ headers, body: given })).body).toBe(given)
  })

  it('text as text where a policy has changed it', async () => {
    const { body: sent } = await seenBy({ headers, body }, otherModel)
    expect(sent).toBe(body.replace('claude-sonnet-5-5', 'claude-other'))
  })

  it('with its length, unless a policy has changed it', async () => {
    const withLength = { ...headers, 'content-length': String(body.length) }
    expect((await seenBy({ headers: withLength, body }, noHeaders)).headers).toEqual(withLength)
    expect((await seenBy({ headers: withLength, body }, otherModel)).headers).toEqual(headers)
  })

  it('at each attempt', async () => {
    const failing = (async (_: unknown, init: never) => {
      seen.push({ input: _, init })
      return new Response('{}', { status: 529 })
    }) as unknown as Fetch
    await wrapFetch(failing, retry({ attempts: 3, baseDelay: 0, maxDelay: 0 }))(url, {
      method: 'POST',
      headers: new Headers(headers),
      body,
    })
    expect(seen.map(({ init }) => init.body)).toEqual([body, body, body])
    expect(new Set(seen.map(({ init }) => init.headers)).size).toBe(3)
  })
})

describe('the fetch below gets headers as they were given', () => {
  it('Headers as Headers, also of another make', async () => {
    const own = new Headers(headers)
    expect((await seenBy({ headers: own, body }, tagged)).headers).toBeInstanceOf(Headers)
    expect(Object.fromEntries(seen.at(-1)?.init.headers as Headers)).toEqual({
      ...Object.fromEntries(own),
      'x-tag': 'yes',
    })
    expect((await seenBy({ headers: new NodeHeaders(headers), body })).headers).toBeInstanceOf(NodeHeaders)
  })

  it('an object with its spelling and order', async () => {
    expect(Object.entries((await seenBy({ headers, body })).headers as object)).toEqual(
      Object.entries(headers),
    )
    expect((await seenBy({ headers, body }, tagged)).headers).toEqual({ ...headers, 'x-tag': 'yes' })
  })

  it('a list with its repetitions', async () => {
    const list = [...Object.entries(headers), ['X-Beta', 'a'], ['x-beta', 'b']]
    expect((await seenBy({ headers: list, body })).headers).toEqual(list)
    expect((await seenBy({ headers: list, body }, tagged)).headers).toEqual([...list, ['x-tag', 'yes']])
  })

  it('less those that are for Spillway alone', async () => {
    const sent = await seenBy({ headers: { ...headers, 'X-Spillway-Tenant': 'a' }, body })
    expect(sent.headers).toEqual(headers)
  })
})

it('the fetch below gets a Request as a Request, with what nobody can read of it', async () => {
  const request = new Request(url, { method: 'POST', headers, body, credentials: 'omit', cache: 'no-store' })
  await wrapFetch(spy, tagged)(request)
  const [{ input, init } = {}] = seen
  const sent = input as Request
  expect(sent).toBeInstanceOf(Request)
  expect(init).toBeUndefined()
  expect(sent).toMatchObject({ url, method: 'POST', credentials: 'omit', cache: 'no-store' })
  expect(sent.headers.get('x-tag')).toBe('yes')
  expect(await sent.text()).toBe(body)
  await wrapFetch(spy, otherModel)(request, { priority: 'high', redirect: 'error' } as RequestInit)
  expect(seen[1]?.init).toEqual({ priority: 'high', redirect: 'error' })
  expect(await new Response((seen[1]?.input as Request | undefined)?.body).json()).toMatchObject({
    model: 'claude-other',
  })
})

it('a dispatcher that is hidden in a Request carries the call', async () => {
  const dispatcher = new UndiciAgent()
  let used = 0
  const dispatch = dispatcher.dispatch.bind(dispatcher)
  dispatcher.dispatch = (...args) => {
    used++
    return dispatch(...args)
  }
  claude.next({ type: 'status', status: 529 })
  const request = new UndiciRequest(url, { method: 'POST', headers, body, dispatcher })
  const wrapped = wrapFetch(undiciFetch as unknown as Fetch, retry({ baseDelay: 0, maxDelay: 0 }))
  expect(await (await wrapped(request as unknown as Request)).json()).toMatchObject({ type: 'message' })
  expect(used).toBe(2)
  await dispatcher.close()
})

it('the fetch below gets every other option as it was given', async () => {
  const { signal } = new AbortController()
  const options = {
    agent: {},
    cache: 'no-store',
    client: {},
    credentials: 'omit',
    dispatcher: {},
    keepalive: true,
    next: { revalidate: 60 },
    priority: 'high',
    proxy: 'http://proxy',
    redirect: 'error',
    tls: { ca: 'pem' },
    unheardOf: 1,
    zero: 0,
    off: false,
    nothing: null,
  }
  const {
    method,
    headers: _,
    body: __,
    signal: own,
    ...rest
  } = await seenBy({ headers, body, signal, ...options })
  expect(rest).toEqual(options)
  expect(method).toBe('POST')
  expect(own).toBeInstanceOf(AbortSignal)
})

it('the signal of the fetch below aborts with the caller’s reason, and the caller sees that reason', async () => {
  const caller = new AbortController()
  const reason = new Error('the user pressed Escape')
  const hanging = ((_: unknown, { signal }: RequestInit) =>
    new Promise((_, reject) => {
      seen.push({ input: signal, init: {} })
      signal?.addEventListener('abort', () => reject(signal.reason))
    })) as unknown as Fetch
  const call = wrapFetch(hanging, retry())(url, { method: 'POST', headers, body, signal: caller.signal })
  await new Promise((resolve) => setTimeout(resolve))
  caller.abort(reason)
  await expect(call).rejects.toBe(reason)
  expect(seen[0]?.input).toMatchObject({ aborted: true, reason })
  expect(seen).toHaveLength(1)
})

describe('redirects', () => {
  let servers: Server[]
  let other: string[]
  let from: string

  beforeAll(async () => {
    const listening = async (server: Server): Promise<string> => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    other = []
    const second = createServer((request, response) => {
      other.push(String(request.headers['x-api-key']))
      request.resume()
      response.writeHead(200, 'Fine', { 'content-type': 'application/json' }).end(answer)
    })
    const to = await listening(second)
    const first = createServer((request, response) => {
      request.resume()
      response.writeHead(307, { location: `${to}/v1/messages` }).end()
    })
    from = `${await listening(first)}/v1/messages`
    servers = [first, second]
  })

  afterAll(() => {
    for (const server of servers) server.close()
  })

  it('are errors where the caller says so, and no second host gets the call with its key', async () => {
    const call = wrapFetch(fetch, retry())(from, { method: 'POST', headers, body, redirect: 'error' })
    await expect(call).rejects.toThrow('fetch failed')
    expect(other).toEqual([])
  })

  it('are told of by the response', async () => {
    const response = await wrapFetch(fetch, retry())(from, { method: 'POST', headers, body })
    const plain = await fetch(from, { method: 'POST', headers, body })
    const { url, redirected, type, status, statusText, ok } = plain
    expect(response).toMatchObject({ url, redirected, type, status, statusText, ok })
    expect({ redirected, statusText }).toEqual({ redirected: true, statusText: 'Fine' })
    expect(await response.json()).toEqual(await plain.json())
  })
})

describe.each([
  ['without Spillway', fetch],
  ['with it', wrapFetch(fetch)],
])('a response %s', (_, ask) => {
  const get = async (): Promise<Response> => ask(url, { method: 'POST', headers, body })

  it('says whether it was read', async () => {
    const response = await get()
    const { body: stream } = response
    expect(response.bodyUsed).toBe(false)
    const reader = stream?.getReader()
    expect(response.bodyUsed).toBe(false)
    await expect(response.text()).rejects.toThrow(TypeError)
    expect(() => response.clone()).toThrow(TypeError)
    await reader?.read()
    expect(response.bodyUsed).toBe(true)
    await reader?.cancel()
    expect(response.bodyUsed).toBe(true)
  })

  it('is used up by cancelling its body', async () => {
    const response = await get()
    await response.body?.cancel()
    expect(response.bodyUsed).toBe(true)
    await expect(response.json()).rejects.toThrow(TypeError)
  })

  it('has a clone that says the same of itself', async () => {
    const response = await get()
    const clone = response.clone()
    for (const each of [response, clone]) {
      expect(each).toBeInstanceOf(Response)
      expect(each).toMatchObject({
        url,
        redirected: false,
        type: 'basic',
        status: 200,
        statusText: 'OK',
        ok: true,
      })
    }
    expect(await response.text()).toBe(await clone.text())
    await expect(clone.text()).rejects.toThrow(TypeError)
    expect(response.bodyUsed).toBe(true)
  })

  it('can be read in each form, and makes another response', async () => {
    const text = await (await get()).text()
    const form = { type: 'message' }
    expect(await (await get()).json()).toMatchObject(form)
    expect(new TextDecoder().decode(await (await get()).arrayBuffer()).length).toBe(text.length)
    expect((await (await get()).bytes()).length).toBe(text.length)
    const blob = await (await get()).blob()
    expect([blob.size, blob.type]).toEqual([text.length, 'application/json'])
    const response = await get()
    const copy = new Response(response.body, response)
    expect(copy).toMatchObject({ status: 200, statusText: 'OK' })
    expect(copy.headers.get('request-id')).toMatch(/^req_/)
    expect(await copy.json()).toMatchObject(form)
    await expect((await get()).formData()).rejects.toThrow(TypeError)
  })
})

it('a body that a policy has made is sent as text where text was given', async () => {
  const replaced: Middleware = (next) => (request) =>
    next(deriveRequest(request, { body: jsonBodyFromObject({ ...request.body.json, max_tokens: 1 }) }))
  expect((await seenBy({ headers, body }, replaced)).body).toBe(
    body.replace('"max_tokens":9', '"max_tokens":1'),
  )
})

it('the wrapped fetch has what belongs to the one below', () => {
  const own = Object.assign(async () => new Response(), { Response, preconnect: () => 'connected' })
  const wrapped = wrapFetch(own as unknown as Fetch) as unknown as typeof own
  expect(wrapped.Response).toBe(Response)
  expect(wrapped.preconnect()).toBe('connected')
  expect('Headers' in wrapped).toBe(false)
})
