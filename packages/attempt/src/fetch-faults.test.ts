import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

const call = {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
  body: JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'Hi' }],
  }),
}

/** A fetch that does this at its first call and answers afterwards, behind a retry that does not wait. */
function failingOnce(fail: () => unknown): { send: Fetch; calls: () => number } {
  let calls = 0
  const wrapper = (async (input: string, init: RequestInit) => {
    calls++
    return calls === 1 ? await fail() : await fetch(input, init)
  }) as Fetch
  return { send: wrapFetch(wrapper, retry({ baseDelay: 0, maxDelay: 0 })), calls: () => calls }
}

const coded = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code })

class TokenError extends Error {}

describe('an error of the program', () => {
  it.each<[string, unknown]>([
    ['a mistake in a wrapper', new TypeError("Cannot read properties of undefined (reading 'headers')")],
    ['an error of a wrapper’s own', new TokenError('no token for this tenant')],
    ['a wrapper’s error with a code of its own', coded('NO_TENANT')],
    ['a file that is missing', coded('ENOENT', "ENOENT: no such file or directory, open 'ca.pem'")],
    ['an argument of another function', coded('ERR_INVALID_ARG_TYPE')],
    ['an assertion', coded('ERR_ASSERTION')],
    ['a URL that is none', new TypeError('Failed to parse URL from x', { cause: coded('ERR_INVALID_URL') })],
    ['an error with a harmless cause', new Error('outer', { cause: new Error('inner') })],
    ['text', 'no token'],
    ['a number', 7],
    ['undefined', undefined],
    ['null', null],
  ])('is thrown to the caller at once and unchanged: %s', async (_, thrown) => {
    const { send, calls } = failingOnce(() => Promise.reject(thrown))
    const seen: unknown = await send(url, call).then(
      () => 'answered',
      (error: unknown) => ({ error }),
    )
    expect(seen).toEqual({ error: thrown })
    expect((seen as { error: unknown }).error).toBe(thrown)
    expect(calls()).toBe(1)
  })

  it('may be thrown before the fetch has returned anything', async () => {
    const error = new TokenError('no token')
    const send = wrapFetch((() => {
      throw error
    }) as Fetch)
    await expect(send(url, call)).rejects.toBe(error)
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'returned undefined'],
    ['null', null, 'returned null'],
    ['an object', { ok: true }, 'an object without a status'],
    ['a function', () => {}, 'a function'],
  ])('is a fetch that returns %s', async (_, returned, words) => {
    const { send, calls } = failingOnce(() => returned)
    await expect(send(url, call)).rejects.toThrow(words)
    expect(calls()).toBe(1)
  })

  it('is a response that a wrapper has read', async () => {
    const { send, calls } = failingOnce(async () => {
      const response = await fetch(url, call)
      await response.text()
      return response
    })
    await expect(send(url, call)).rejects.toThrow('read a clone of it')
    expect(calls()).toBe(1)
  })

  it.each([
    ['ftp://127.0.0.1/v1/messages', 'fetch failed'],
    ['http://127.0.0.1:1/v1/messages', 'fetch failed'],
    ['http://a b/v1/messages', 'Failed to parse URL'],
    ['/v1/messages', 'Failed to parse URL'],
  ])('is an address that no fetch takes: %s', async (address, words) => {
    let calls = 0
    const counted: Fetch = (input, init) => {
      calls++
      return fetch(input, init)
    }
    const sent = wrapFetch(counted, retry({ baseDelay: 0 }))(address, call)
    await expect(sent).rejects.toThrow(words)
    await expect(sent).rejects.toHaveProperty('cause')
    expect(calls).toBe(1)
  })

  it.each([undefined, null, {}, 'fetch'])('is a fetch option that is no function: %s', (fetch) => {
    expect(() => wrapFetch(fetch as unknown as Fetch)).toThrow(/fetch function is needed/)
  })

  it('is a request whose body has been read', async () => {
    const request = new Request(url, call)
    await request.text()
    await expect(wrapFetch(fetch)(request)).rejects.toThrow(TypeError)
  })
})

describe('a failure of the network', () => {
  const reset = coded('ECONNRESET')
  it.each<[string, unknown]>([
    ['with a code', reset],
    ['below the error of a fetch', new TypeError('fetch failed', { cause: coded('UND_ERR_SOCKET') })],
    ['wrapped by a wrapper', new TokenError('my fetch failed', { cause: new Error('x', { cause: reset }) })],
    [
      'below a code of a wrapper’s own',
      Object.assign(new Error('x', { cause: reset }), { code: 'MY_FETCH' }),
    ],
    ['of each address at once', new TypeError('fetch failed', { cause: new AggregateError([reset]) })],
    ['in the words of Chrome', new TypeError('Failed to fetch')],
    ['in the words of Firefox', new TypeError('NetworkError when attempting to fetch resource.')],
    ['in the words of Safari', new TypeError('Load failed')],
    ['in the words of Deno', new TypeError('error sending request for url (http://a.example/v1/messages)')],
    ['in the words of Workers', new Error('Network connection lost.')],
    [
      'in the words of Bun',
      coded('ConnectionRefused', 'Unable to connect. Is the computer able to access the url?'),
    ],
    ['by the time limit of a wrapper', new DOMException('timed out', 'TimeoutError')],
    ['by a wrapper that aborts', new DOMException('This operation was aborted', 'AbortError')],
    [
      'by the time limit of node-fetch',
      Object.assign(new Error('network timeout'), { type: 'request-timeout' }),
    ],
  ])('is retried: %s', async (_, thrown) => {
    const { send, calls } = failingOnce(() => Promise.reject(thrown))
    const response = await send(url, call)
    expect(response.status).toBe(200)
    await response.text()
    expect(calls()).toBe(2)
  })

  it('in the middle of a body is retried, whatever it is called', async () => {
    const { send, calls } = failingOnce(
      () => new Response(new ReadableStream({ start: (c) => c.error(new Error('the tunnel collapsed')) })),
    )
    expect((await send(url, call)).status).toBe(200)
    expect(calls()).toBe(2)
  })
})
