import Anthropic from '@anthropic-ai/sdk'
import { sdkMiddleware, timeouts } from '@spillway/attempt'
import { fallback, target } from '@spillway/circuit-breaker-fallback'
import { deriveRequest, type Middleware } from '@spillway/middleware'
import { withField } from '@spillway/middleware/kit'
import { retry } from '@spillway/retry'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, faults, type OfficialClient, officialClients, prompt, text } from './official-clients.ts'

const venueOf = (name: string): OfficialClient =>
  officialClients.find((client) => client.name === name) as OfficialClient
const claudes = venueOf('@anthropic-ai/sdk')
const bedrocks = venueOf('@anthropic-ai/bedrock-sdk')

let venue: SimulatedServer
/** A simulated venue for each test of a group. */
const venueBeforeEach = ({ start }: OfficialClient): void => {
  beforeEach(async () => {
    venue = await start({ reply: { text } })
  })
  afterEach(() => venue.close())
}
/** Waits until that many requests have come. */
const received = (count: number): Promise<void> =>
  vi.waitFor(() => expect(venue.requests.length).toBeGreaterThanOrEqual(count), {
    timeout: 10_000,
    interval: 5,
  })

const patient = () => retry({ attempts: 6, baseDelay: 0, maxDelay: 0 })

describe.each(officialClients.map((client) => [client.name, client] as const))('%s', (_, official) => {
  const { make, path, model } = official
  venueBeforeEach(official)

  describe.each([
    ['whole', false],
    ['streamed', true],
  ])('%s', (_, stream) => {
    it.each([
      ['answers 503 twice and then well', [faults.unavailable, faults.unavailable], 3],
      ['dies before content', [faults.dies], 2],
    ] as const)('is answered with policies where the upstream %s', async (_, planned, requests) => {
      venue.next(...planned)
      const client = make(venue.url, { middleware: [sdkMiddleware(patient())], maxRetries: 0 })
      expect(await ask(client, stream, model)).toBe(text)
      expect(venue.requests).toHaveLength(requests)
      for (const each of venue.requests) expect(each.path.replace(/\?.*/, '')).toMatch(path)
    })

    it('is answered with policies where the upstream stalls before content', async () => {
      venue.next(faults.stalls)
      const middleware = [sdkMiddleware(timeouts({ attempt: 250, firstContent: 250 }), patient())]
      expect(await ask(make(venue.url, { middleware, maxRetries: 0 }), stream, model)).toBe(text)
      expect(venue.requests.length).toBeGreaterThan(1)
    })

    it.each([
      ['answers 503 twice', [faults.unavailable, faults.unavailable]],
      ['dies before content', [faults.dies]],
    ] as const)('fails without them where the upstream %s', async (_, planned) => {
      venue.next(...planned)
      await expect(ask(make(venue.url, { maxRetries: 0 }), stream, model)).rejects.toThrow()
    })

    it('waits without them where the upstream stalls', async () => {
      venue.next(faults.stalls)
      const ended = ask(make(venue.url, { maxRetries: 0 }), stream, model).catch(() => 'failed')
      await received(1)
      const waited = new Promise((resolve) => setTimeout(resolve, 20, 'waits'))
      expect(await Promise.race([ended, waited])).toBe('waits')
    })
  })
})

describe('at Bedrock', () => {
  venueBeforeEach(bedrocks)

  it('signs each attempt at Bedrock by itself, with the body that a policy has chosen', async () => {
    venue.next(faults.unavailable)
    let attempts = 0
    const growing: Middleware = (next) => (request) =>
      next(deriveRequest(request, { body: withField(request.body, 'max_tokens', ++attempts) }))
    const middleware = [sdkMiddleware(retry({ baseDelay: 0, maxDelay: 0 }), growing)]
    const client = bedrocks.make(venue.url, { maxRetries: 0, middleware })
    expect(await ask(client, false, bedrocks.model)).toBe(text)
    const signatures = venue.requests.map(({ headers }) => headers.authorization)
    for (const each of signatures) expect(each).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIATEST\/.+Signature=/)
    expect(new Set(signatures).size).toBe(2)
    expect(venue.requests.map(({ json }) => json)).toMatchObject([{ max_tokens: 1 }, { max_tokens: 2 }])
    expect(Object.keys(venue.requests[0]?.json ?? {}).sort()).toEqual([
      'anthropic_version',
      'max_tokens',
      'messages',
    ])
  })

  it('falls back to another handler where the venue does not answer', async () => {
    await using local = await startClaude({ reply: { text } })
    venue.next(faults.unavailable)
    const spare = target('spare', async (request) => {
      const { attempt, fetchTransport } = await import('@spillway/attempt')
      return attempt(
        fetchTransport((_, init) => {
          const headers = new Headers(init?.headers)
          headers.set('x-api-key', 'k')
          headers.set('anthropic-version', '2026-10-21')
          return fetch(`${local.url}/v1/messages`, { ...init, headers })
        }),
      )(request)
    })
    const client = bedrocks.make(venue.url, { maxRetries: 0, middleware: [sdkMiddleware(fallback([spare]))] })
    expect(await ask(client, true, bedrocks.model)).toBe(text)
    const [{ path, headers, json } = { path: '', headers: {}, json: {} }] = local.requests
    expect(path).toBe('/v1/messages')
    expect(headers).not.toHaveProperty('authorization')
    expect(json).toMatchObject({ model: bedrocks.model, stream: true })
  })
})

describe('at Claude', () => {
  venueBeforeEach(claudes)

  describe('retries', () => {
    it('of the SDK do not multiply those of the policies', async () => {
      venue.always(faults.unavailable)
      const middleware = [sdkMiddleware(retry({ attempts: 3, baseDelay: 0, maxDelay: 0 }))]
      const client = claudes.make(venue.url, { maxRetries: 2, middleware })
      await expect(ask(client, false)).rejects.toMatchObject({ status: 503 })
      expect(venue.requests).toHaveLength(3)
    })

    it('of the SDK beside those of the policies are reported once', async () => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      venue.next(faults.unavailable, faults.stalls)
      const middleware = [sdkMiddleware(retry({ attempts: 3, baseDelay: 0, maxDelay: 0 }))]
      const client = claudes.make(venue.url, { maxRetries: 3, timeout: 250, middleware })
      expect(await ask(client, false)).toBe(text)
      expect(warn.mock.calls).toEqual([
        [expect.stringContaining('set maxRetries: 0'), { code: 'SPILLWAY_SDK_RETRIES' }],
      ])
      warn.mockRestore()
    })
  })

  it('what is no model call goes on through the SDK, and is reported', async () => {
    const heard: unknown[] = []
    const client = new Anthropic({
      baseURL: venue.url,
      apiKey: 'k',
      maxRetries: 0,
      middleware: [sdkMiddleware({ onNotCovered: ({ kind }) => heard.push(kind) }, retry())],
    })
    for (let i = 0; i < 2; i++)
      await client.messages.batches.create({ requests: [{ custom_id: 'one', params: prompt }] })
    expect(venue.requests.map(({ path }) => path)).toEqual(['/v1/messages/batches', '/v1/messages/batches'])
    expect(heard).toEqual(['batches'])
  })

  it('other middleware outside sees one call, parsed, and the caller’s abort ends it', async () => {
    venue.next(faults.unavailable, faults.dies)
    const parsed: unknown[] = []
    const caller = new AbortController()
    const client = new Anthropic({
      baseURL: venue.url,
      apiKey: 'k',
      maxRetries: 0,
      middleware: [
        async (request, next, ctx) => {
          const response = await next(request)
          parsed.push(await ctx.parse(response))
          return response
        },
        sdkMiddleware(patient()),
      ],
    })
    expect(await ask(client, false)).toBe(text)
    expect(parsed).toMatchObject([{ content: [{ text }] }])
    venue.next(faults.stalls)
    const plain = new Anthropic({
      baseURL: venue.url,
      apiKey: 'k',
      maxRetries: 0,
      middleware: [sdkMiddleware(retry())],
    })
    const call = plain.messages.create(prompt, { signal: caller.signal })
    await received(4)
    caller.abort()
    await expect(call).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
  })
})
