import { startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { rejection, serve } from '../test/support.ts'
import { createClient } from './client.ts'
import { refreshingToken } from './credential.ts'

const credentials = (headers: Readonly<Record<string, unknown>> | undefined) => ({
  key: headers?.['x-api-key'],
  bearer: headers?.authorization,
})
const none = { key: undefined, bearer: undefined }
const callers = {
  'anthropic-version': '2023-06-01',
  'x-api-key': 'sk-caller',
  authorization: 'Bearer sk-caller',
}

describe('a request that is no model call', () => {
  it("carries the client's credential to the endpoint", async () => {
    await using claude = await startClaude()
    await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'sk-real' })
    const response = await client.fetch(`${claude.url}/v1/models?limit=1`, { headers: callers })
    expect(response.status).toBe(200)
    expect(claude.requests[0]?.path).toBe('/v1/models?limit=1')
    expect(credentials(claude.requests[0]?.headers)).toEqual({ key: 'sk-real', bearer: undefined })
  })

  it('carries no credential to another origin', async () => {
    await using claude = await startClaude()
    await using other = await startClaude()
    await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'sk-real' })
    await client.fetch(`${other.url}/v1/models`, { headers: callers })
    expect(credentials(other.requests[0]?.headers)).toEqual(none)
  })

  it('carries no credential through a redirect to another origin', async () => {
    await using other = await startClaude()
    await using endpoint = await serve((_, response) => {
      response.writeHead(307, { location: `${other.url}/v1/models` }).end()
    })
    await using client = createClient({ provider: 'anthropic', baseUrl: endpoint.url, credential: 'sk-real' })
    const headers = { ...callers, 'x-secret': 'of the first origin', accept: 'application/json' }
    await client.fetch(`${endpoint.url}/v1/models`, { headers })
    expect(other.requests).toHaveLength(1)
    expect(credentials(other.requests[0]?.headers)).toEqual(none)
    expect(other.requests[0]?.headers).not.toHaveProperty('x-secret')
    expect(other.requests[0]?.headers.accept).toBe('application/json')
  })

  it('keeps its credential through a redirect within the endpoint', async () => {
    const seen: unknown[] = []
    await using endpoint = await serve((request, response) => {
      seen.push([request.url, request.headers['x-api-key']])
      if (request.url === '/v1/old') response.writeHead(302, { location: '/v1/new' })
      response.end('{}')
    })
    await using client = createClient({ provider: 'anthropic', baseUrl: endpoint.url, credential: 'sk-real' })
    await (await client.fetch(`${endpoint.url}/v1/old`)).text()
    expect(seen).toEqual([
      ['/v1/old', 'sk-real'],
      ['/v1/new', 'sk-real'],
    ])
  })

  it("keeps the caller's credential where the client has none", async () => {
    await using claude = await startClaude()
    await using client = createClient({ provider: 'anthropic', baseUrl: claude.url })
    await client.fetch(`${claude.url}/v1/models`, { headers: { 'x-api-key': 'sk-caller' } })
    expect(credentials(claude.requests[0]?.headers)).toEqual({ key: 'sk-caller', bearer: undefined })
  })

  it('sends its body, and hands over status, headers and body as they came', async () => {
    let received = ''
    await using endpoint = await serve(async (request, response) => {
      for await (const chunk of request) received += chunk
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.writeHead(201, { 'x-answer': 'yes' }).end('done')
    })
    await using client = createClient({ provider: 'anthropic', baseUrl: endpoint.url, credential: 'k' })
    const response = await client.fetch(`${endpoint.url}/v1/files`, { method: 'POST', body: 'a file' })
    expect(received).toBe('a file')
    expect(response.status).toBe(201)
    expect(response.headers.get('x-answer')).toBe('yes')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.text()).toBe('done')
  })

  it('rejects when the caller aborts', async () => {
    await using endpoint = await serve(() => {})
    await using client = createClient({ provider: 'anthropic', baseUrl: endpoint.url })
    const controller = new AbortController()
    const sent = rejection(client.fetch(`${endpoint.url}/v1/models`, { signal: controller.signal }))
    controller.abort()
    expect(await sent).toMatchObject({ name: 'AbortError' })
  })

  it('is sent again with a newer credential after a 401', async () => {
    await using claude = await startClaude({ apiKeys: ['token-2'] })
    const tokens = ['token-1', 'token-2']
    const credential = refreshingToken({ refresh: async () => ({ value: tokens.shift() ?? 'none' }) })
    await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential })
    const response = await client.fetch(`${claude.url}/v1/models`, { headers: callers })
    expect(response.status).toBe(200)
    expect(claude.requests.map(({ headers }) => headers['x-api-key'])).toEqual(['token-1', 'token-2'])
  })

  it('is answered with a 401 that tells nothing when its credential cannot be obtained', async () => {
    await using claude = await startClaude()
    const credential = (): Promise<string> => Promise.reject(new Error('400 for sk-very-secret'))
    await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential })
    const response = await client.fetch(`${claude.url}/v1/models`, { headers: callers })
    expect(response.status).toBe(401)
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'authentication_error' } })
    expect(text).not.toContain('sk-very-secret')
    expect(claude.requests).toHaveLength(0)
  })
})
