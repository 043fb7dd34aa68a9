import { startClaude, startConnectProxy } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type ClientOptions, createClient } from '../src/index.ts'
import { intercepting } from './certificate.ts'

const modelHeaders = { headers: { 'anthropic-version': '2023-06-01' } }

let certificate: { key: string; cert: string; ca: string }

beforeAll(async () => {
  certificate = await intercepting(['api.anthropic.com', 'claude.internal'])
})

afterAll(() => vi.unstubAllEnvs())

/** A network whose only way out is a proxy. */
async function network(options: { credentials?: string; isBlind?: boolean } = {}) {
  const claude = await startClaude()
  const hosts = { 'api.anthropic.com': claude.url, 'claude.internal': claude.url }
  const { isBlind, ...rest } = options
  const proxy = await startConnectProxy({ hosts, certificate: isBlind ? undefined : certificate, ...rest })
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await proxy.close()
    await claude.close()
  })
  return { claude, proxy }
}

async function ask({ pool, ...options }: Partial<ClientOptions> = {}): Promise<string> {
  await using client = createClient({
    provider: 'anthropic',
    baseUrl: 'https://claude.internal',
    credential: 'k',
    pool: { tls: { ca: certificate.ca }, ...pool },
    ...options,
  })
  return (await client.complete('Hello')).text
}

describe('a client', () => {
  it('goes through the proxy that it is given, streams and other requests too', async () => {
    const { proxy } = await network()
    await using client = createClient({
      provider: 'anthropic',
      baseUrl: 'https://claude.internal',
      credential: 'k',
      pool: { tls: { ca: certificate.ca }, proxy: proxy.url, connections: 2 },
    })
    let streamed = ''
    for await (const piece of client.stream('Hello')) streamed += piece
    expect(streamed).not.toBe('')
    expect((await client.complete('Hello')).text).not.toBe('')
    expect((await client.fetch('https://claude.internal/v1/models', modelHeaders)).status).toBe(200)
    expect(proxy.requests.map(({ host, path }) => `${host}${path}`)).toEqual([
      'claude.internal/v1/messages',
      'claude.internal/v1/messages',
      'claude.internal/v1/models',
    ])
    expect(new Set(proxy.tunnels)).toEqual(new Set(['claude.internal:443']))
  })

  it.each(['HTTPS_PROXY', 'https_proxy'])('follows %s, also where it has no scheme', async (name) => {
    const { proxy } = await network()
    vi.stubEnv(name, proxy.url.replace('http://', ''))
    expect(await ask()).not.toBe('')
    expect(proxy.tunnels).toEqual(['claude.internal:443'])
  })

  it('sends the password of a proxy to the proxy alone', async () => {
    const { claude, proxy } = await network({ credentials: 'me:s e/cret' })
    vi.stubEnv('HTTPS_PROXY', proxy.url.replace('//', '//me:s%20e%2Fcret@'))
    expect(await ask()).not.toBe('')
    expect(claude.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
  })

  it('does without a proxy where NO_PROXY names the host, where it is told to, and for its own machine', async () => {
    const { claude, proxy } = await network()
    vi.stubEnv('HTTPS_PROXY', proxy.url)
    vi.stubEnv('HTTP_PROXY', proxy.url)
    const own = { baseUrl: claude.url }
    expect(await ask(own)).not.toBe('')
    expect(await ask({ ...own, pool: { proxy: null } })).not.toBe('')
    vi.stubEnv('NO_PROXY', '.internal')
    await expect(ask()).rejects.toThrow()
    expect(proxy.tunnels).toEqual([])
    expect(proxy.requests).toEqual([])
    // A proxy that is given is one for this machine, too.
    const named = await startConnectProxy({ hosts: { '127.0.0.1': claude.url } })
    onTestFinished(() => named.close())
    expect(await ask({ ...own, pool: { proxy: named.url } })).not.toBe('')
    expect(named.tunnels.length + named.requests.length).toBe(1)
  })

  it('does not trust a proxy that reads along, without its certificate', async () => {
    const { claude, proxy } = await network()
    await expect(ask({ pool: { proxy: proxy.url, tls: undefined } })).rejects.toThrow(
      'SELF_SIGNED_CERT_IN_CHAIN',
    )
    expect(claude.requests).toHaveLength(0)
  })
})

describe('a proxy', () => {
  it.each([
    ['wants another password', 407],
    ['has no such host', 502],
    ['refuses', 403],
  ])('that %s is a failure of the connection, which does not repeat its password', async (_, status) => {
    const { proxy } = await network()
    proxy.next({ status })
    const url = proxy.url.replace('//', '//me:secret@')
    const failure = await ask({ pool: { proxy: url } }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ failure: { kind: 'connection', retryable: status !== 407 } })
    expect(String((failure as Error).message)).toContain(String(status))
    expect(JSON.stringify(failure) + String(failure)).not.toContain('secret')
  })

  it('that never answers is given up after the time that a connection may take', async () => {
    const { proxy } = await network()
    proxy.next('hangs')
    const started = performance.now()
    const call = ask({ pool: { proxy: proxy.url, connectTimeout: 100 } })
    await expect(call).rejects.toMatchObject({
      failure: { kind: expect.stringMatching(/connection|timeout/) },
    })
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it.each(['', 'http://', 'ftp://proxy:21', 'http://me:secret@proxy:99999', 'http://a b'])(
    'that is none is refused at once, without repeating it: %j',
    (proxy) => {
      const make = () => createClient({ provider: 'anthropic', pool: { proxy } })
      expect(make).toThrow('pool.proxy is not the URL of a proxy')
      expect(make).not.toThrow('secret')
    },
  )

  it('of the environment that is none says which variable it is', async () => {
    vi.stubEnv('HTTPS_PROXY', 'ftp://me:secret@proxy')
    expect(() => createClient({ provider: 'anthropic' })).toThrow(/^HTTPS_PROXY is not the URL of a proxy/)
    vi.unstubAllEnvs()
  })
})
