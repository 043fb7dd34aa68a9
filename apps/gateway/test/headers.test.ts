import { startClaude, startOllama, startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { chat, messages, send } from './raw-client.ts'

describe('headers of the upstream’s answer', () => {
  it.each([false, true])('reach the client, with stream: %s', async (stream) => {
    const headers = { 'x-some-vendor': 'says this', 'anthropic-organization-id': 'org', 'retry-after': '1' }
    const claude = forThisTest(await startClaude({ headers }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
    expect(received.headers).toMatchObject(headers)
    expect(received.headers['request-id']).toMatch(/^req_/)
  })

  const limits = {
    'anthropic-ratelimit-unified-5h-utilization': '0.97',
    'anthropic-priority-input-tokens-remaining': '5',
    'x-ratelimit-remaining-requests': '0',
  }
  const unsaid = (headers: object): string[] =>
    Object.keys(headers).filter((name) => /limit|priority/.test(name))

  describe.each([
    ['an answer', undefined],
    ['a failure', { type: 'status', status: 429, retryAfter: 7, headers: limits } as const],
  ])('of %s that tell what is left of a key', (_, fault) => {
    it.each([false, true])('stay here where callers share the key, with stream: %s', async (stream) => {
      const claude = forThisTest(await startClaude({ headers: limits }))
      if (fault !== undefined) claude.next(fault)
      const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
      const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream }) })
      expect(received.status).toBe(fault?.status ?? 200)
      expect(unsaid(received.headers)).toEqual([])
      if (fault !== undefined) expect(received.headers['retry-after']).toBe('7')
    })

    it('reach the caller whose key it is', async () => {
      const claude = forThisTest(await startClaude({ headers: limits }))
      if (fault !== undefined) claude.next(fault)
      const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
      const gateway = await gatewayOf(configOf(target))
      const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
      expect(received.headers).toMatchObject(limits)
      expect(received.headers['anthropic-ratelimit-requests-limit']).toBe('4000')
      expect(received.headers['anthropic-ratelimit-input-tokens-reset']).toMatch(/Z$/)
    })
  })

  it('stay here where no key is configured, and in another protocol', async () => {
    const claude = forThisTest(await startClaude({ headers: limits }))
    const open = { api: 'anthropic', endpoints: [{ url: claude.url }] }
    const gateway = await gatewayOf(configOf(open))
    expect(unsaid((await send(`${gateway.url}/v1/messages`, { body: messages() })).headers)).toEqual([])
    const shared = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const translated = await send(`${shared.url}/v1/chat/completions`, { body: chat() })
    expect([translated.status, unsaid(translated.headers)]).toEqual([200, []])
  })

  it.each(['/v1/messages/batches', '/v1/files'])(
    'stay here with %s, unless the key is the caller’s',
    async (path) => {
      const claude = forThisTest(await startClaude({ headers: limits }))
      const shared = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
      const headers = { 'x-api-key': 'sk-of-the-caller', 'anthropic-version': '2023-06-01' }
      const asked = async (url: string): Promise<Headers> => {
        const { status, headers: received } = await fetch(`${url}${path}`, { headers })
        expect(status).toBe(200)
        return received
      }
      expect(unsaid(Object.fromEntries(await asked(shared.url)))).toEqual([])
      const own = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
      const passing = await gatewayOf(configOf(own))
      expect((await asked(passing.url)).get('anthropic-ratelimit-requests-limit')).toBe('4000')
    },
  )

  const acting = {
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': '*',
    'alt-svc': 'h3="evil.example:443"; ma=86400',
    'clear-site-data': '"*"',
    'content-disposition': 'attachment; filename=x.exe',
    'cross-origin-opener-policy': 'unsafe-none',
    link: '<https://evil.example/x.js>; rel=preload; as=script',
    location: 'https://evil.example/',
    nel: '{"report_to":"x","max_age":1}',
    refresh: '0; url=https://evil.example/',
    'report-to': '{"group":"x"}',
    'reporting-endpoints': 'x="https://evil.example/"',
    'service-worker-allowed': '/',
    'set-cookie': ['a=b; Path=/', 'c=d'],
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'timing-allow-origin': '*',
    'www-authenticate': 'Basic realm="vendor"',
    'x-accel-redirect': '/internal',
    'x-frame-options': 'ALLOWALL',
    'x-should-retry': 'true',
    'x-spillway-call-id': 'theirs',
    'x-spillway-degraded': 'theirs',
    'x-spillway-fallback': 'timeout',
    'x-spillway-served-by': 'other',
  }

  const ownCallId = { 'x-spillway-call-id': expect.stringMatching(/^[\da-f-]{36}$/) }

  describe.each([
    ['an answer', undefined],
    ['an error', 400],
    ['an overload', 529],
    ['a refused key', 401],
  ])('of %s that make a browser, a proxy or a client act', (_, status) => {
    it.each([
      ['/v1/messages', messages()],
      ['/v1/messages', messages({ stream: true })],
      ['/v1/chat/completions', chat()],
    ])('do not pass: %s', async (path, body) => {
      const claude = forThisTest(await startClaude({ headers: acting as never }))
      if (status !== undefined) claude.always({ type: 'status', status, headers: acting as never })
      const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
      const { headers } = await send(`${gateway.url}${path}`, { body })
      const own = {
        ...ownCallId,
        'x-spillway-served-by': 'claude',
        ...(status && { 'x-should-retry': 'false' }),
      }
      expect(headers).toMatchObject({ ...own, 'x-content-type-options': 'nosniff' })
      const passed = Object.keys(acting).filter((name) => name in headers && !(name in own))
      expect(passed).toEqual([])
    })
  })

  it('do not stand in the comment of a stream that was kept alive', async () => {
    const claude = forThisTest(await startClaude({ headers: acting as never }))
    claude.next({ type: 'slow-first-token', ms: 300 })
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { server: { keepAliveAfter: '50ms' } })
    const gateway = await gatewayOf(config)
    const { headers, text } = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
    expect(text).toContain(': x-spillway-attempts: 1; x-spillway-served-by: claude\n')
    expect(text).not.toContain('theirs')
    expect(Object.keys(acting).filter((name) => name in headers)).toEqual(Object.keys(ownCallId))
    expect(headers).toMatchObject({ ...ownCallId, 'x-content-type-options': 'nosniff' })
  })

  it('cannot make its body a page of the gateway', async () => {
    const claude = forThisTest(await startClaude())
    claude.next({ type: 'status', status: 400, headers: { 'content-type': 'text/html' } })
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(headers).toMatchObject({
      'content-type': 'text/html',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    })
  })

  it('of what got lost in translation are told once, by the gateway', async () => {
    const claude = forThisTest(await startClaude({ headers: { 'x-spillway-degraded': 'theirs' } }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const body = chat({ seed: 7, logit_bias: { 1: 2 } })
    const { headers } = await send(`${gateway.url}/v1/chat/completions`, { body })
    expect(headers['x-spillway-degraded']).toMatch(/seed|logit_bias/)
    expect(headers['x-spillway-degraded']).not.toContain('theirs')
  })

  it('that belong to one connection do not', async () => {
    const headers = {
      'proxy-authenticate': 'Basic',
      'keep-alive': 'timeout=99',
      upgrade: 'h2c',
      trailer: 'x-later',
    }
    const claude = forThisTest(await startClaude({ headers }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages({ stream: true }) })
    expect(received.status).toBe(200)
    for (const name of ['proxy-authenticate', 'upgrade', 'trailer'])
      expect(received.headers).not.toHaveProperty(name)
    expect(received.headers['keep-alive']).not.toBe('timeout=99')
  })

  it('cannot pose as the gateway’s own', async () => {
    const headers = {
      'x-spillway-served-by': 'other',
      'x-spillway-attempts': '9',
      'x-spillway-fallback': 'timeout',
    }
    const claude = forThisTest(await startClaude({ headers }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const received = await send(`${gateway.url}/v1/messages`, { body: messages() })
    expect(received.headers).toMatchObject({ 'x-spillway-served-by': 'claude', 'x-spillway-attempts': '1' })
    expect(received.headers).not.toHaveProperty('x-spillway-fallback')
  })
})

describe('headers of the client’s request', () => {
  async function forwarded(headers: Record<string, string>, path = '/v1/messages') {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    await send(`${gateway.url}${path}`, { headers, body: messages() })
    const [request] = claude.requests
    if (request === undefined) throw new Error('nothing reached the upstream')
    return request
  }

  it('that say what is wanted reach the upstream unchanged', async () => {
    const wanted = {
      'anthropic-beta': 'one-2025-05-14, another-2026-06-27,never-heard-of',
      'anthropic-version': '2026-10-21',
      'anthropic-of-next-year': 'a=b; c="d"',
      'user-agent': 'A/1.0 (test)',
      'x-claude-code-session-id': 'session-1',
      'x-stainless-retry-count': '0',
    }
    expect((await forwarded(wanted)).headers).toMatchObject(wanted)
  })

  it('leave the query string as it is', async () => {
    const { path } = await forwarded({}, '/v1/messages?beta=true&x=%20y&beta=2')
    expect(path).toBe('/v1/messages?beta=true&x=%20y&beta=2')
  })

  it('that are cookies or the gateway’s own stay here', async () => {
    const private_ = { cookie: 'session=secret', 'x-spillway-restart': 'accept', 'x-spillway-tenant': 'a' }
    const { headers } = await forwarded(private_)
    for (const name of Object.keys(private_)) expect(headers).not.toHaveProperty(name)
  })

  it('that belong to one connection stay here', async () => {
    const { headers } = await forwarded({
      'proxy-authorization': 'Basic secret',
      te: 'trailers',
      'keep-alive': '5',
      connection: 'close, x-hop',
      'x-hop': 'named by connection',
    })
    for (const name of ['proxy-authorization', 'te', 'keep-alive', 'x-hop'])
      expect(headers).not.toHaveProperty(name)
    expect(headers.host).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  it('do not change a byte of the body', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const body = `{ "messages" : [{"role":"user","content":"h\\u00e9"}],\n"max_tokens":10, "unknown_field": 1.0,"model":"m"}`
    await send(`${gateway.url}/v1/messages`, { body })
    expect(Buffer.from(claude.requests[0]?.body ?? []).toString()).toBe(body)
  })
})

describe('the caller’s key', () => {
  const bearer = { authorization: 'Bearer sk-of-the-caller' }

  it('never reaches a target with a credential of its own', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    await send(`${gateway.url}/v1/messages`, { headers: bearer, body: messages() })
    const { headers } = claude.requests[0]!
    expect(headers['x-api-key']).toBe(ownKey.value)
    expect(JSON.stringify(headers)).not.toContain('sk-of-the-caller')
  })

  it('never reaches a bearer target with a credential of its own', async () => {
    const server = forThisTest(await startOpenRouter())
    const gateway = await gatewayOf(configOf(targetAt(server, 'openrouter')))
    await send(`${gateway.url}/v1/chat/completions`, { headers: bearer, body: chat() })
    const { headers } = server.requests[0]!
    expect(headers.authorization).toBe(`Bearer ${ownKey.value}`)
    expect(JSON.stringify(headers)).not.toContain('sk-of-the-caller')
  })

  it('never reaches a target without a credential', async () => {
    const ollama = forThisTest(await startOllama())
    const target = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'llama3.2' }
    const gateway = await gatewayOf(configOf(target))
    const { status } = await send(`${gateway.url}/v1/messages`, { headers: bearer, body: messages() })
    expect(status).toBe(200)
    const { headers } = ollama.requests[0]!
    expect(headers).not.toHaveProperty('x-api-key')
    expect(headers).not.toHaveProperty('authorization')
  })

  it('never reaches the fallback, though the first target has it', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'status', status: 529 })
    const ollama = forThisTest(await startOllama())
    const first = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const second = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'llama3.2' }
    const gateway = await gatewayOf(configOf(first, second))
    await send(`${gateway.url}/v1/messages`, { headers: bearer, body: messages() })
    expect(claude.requests[0]!.headers).toMatchObject({ ...bearer, 'x-api-key': 'sk-of-the-caller' })
    expect(JSON.stringify(ollama.requests[0]!.headers)).not.toContain('sk-of-the-caller')
  })

  it('never reaches a target whose credential is an environment variable that is not set', async () => {
    const claude = forThisTest(await startClaude())
    const target = {
      api: 'anthropic',
      endpoints: [{ url: claude.url, credential: 'env:SPILLWAY_TEST_UNSET' }],
    }
    const gateway = await gatewayOf(configOf(target))
    const { status } = await send(`${gateway.url}/v1/messages`, { headers: bearer, body: messages() })
    expect(status).toBe(401)
    // Without a key it would be refused there.
    expect(claude.requests).toEqual([])
  })

  it('passes on where credential: caller says so', async () => {
    const claude = forThisTest(await startClaude({ apiKeys: ['sk-of-the-caller'] }))
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const gateway = await gatewayOf(configOf(target))
    const { status } = await send(`${gateway.url}/v1/messages`, { headers: bearer, body: messages() })
    expect(status).toBe(200)
  })
})
