import { AnthropicAws } from '@anthropic-ai/aws-sdk'
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import { AnthropicGoogleCloud } from '@anthropic-ai/google-cloud-sdk'
import Anthropic from '@anthropic-ai/sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import { sdkMiddleware, timeouts } from '@spillway/attempt'
import { fallback, target } from '@spillway/circuit-breaker-fallback'
import { deriveRequest, type Middleware, withField } from '@spillway/middleware'
import { retry } from '@spillway/retry'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startVenue, text, type VenueServer } from './venue-server.ts'

let venue: VenueServer

beforeAll(async () => {
  venue = await startVenue()
})

beforeEach(() => {
  venue.faults.length = 0
  venue.requests.length = 0
})

afterAll(() => venue[Symbol.asyncDispose]())

type Options = Pick<
  NonNullable<ConstructorParameters<typeof Anthropic>[0]>,
  'middleware' | 'maxRetries' | 'timeout'
>
type Client = Pick<Anthropic, 'messages'>

const keys = { awsAccessKey: 'AKIATEST', awsRegion: 'us-east-1' }
const authClient = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer g' }) }

/** Each client as its users make it, at a simulated venue; what shows that a request was put into the venue's form. */
const clients: readonly (readonly [name: string, make: (o: Options) => unknown, path: RegExp])[] = [
  ['@anthropic-ai/sdk', (o) => new Anthropic({ baseURL: venue.url, apiKey: 'k', ...o }), /^\/v1\/messages$/],
  [
    '@anthropic-ai/bedrock-sdk',
    (o) => new AnthropicBedrock({ baseURL: venue.url, ...keys, awsSecretKey: 's', ...o }),
    /^\/model\/claude-opus-5\/invoke(-with-response-stream)?$/,
  ],
  [
    '@anthropic-ai/bedrock-sdk (Mantle)',
    (o) =>
      new AnthropicBedrockMantle({
        baseURL: `${venue.url}/anthropic`,
        ...keys,
        awsSecretAccessKey: 's',
        ...o,
      }),
    /^\/anthropic\/v1\/messages$/,
  ],
  [
    '@anthropic-ai/vertex-sdk',
    (o) =>
      new AnthropicVertex({
        baseURL: `${venue.url}/v1`,
        region: 'global',
        projectId: 'p',
        authClient: authClient as never,
        ...o,
      }),
    /^\/v1\/projects\/p\/locations\/global\/publishers\/anthropic\/models\/claude-opus-5:(streamR|r)awPredict$/,
  ],
  [
    '@anthropic-ai/foundry-sdk',
    (o) => new AnthropicFoundry({ baseURL: `${venue.url}/anthropic/`, apiKey: 'k', ...o }),
    /^\/anthropic\/v1\/messages$/,
  ],
  [
    '@anthropic-ai/aws-sdk',
    (o) =>
      new AnthropicAws({
        baseURL: venue.url,
        workspaceId: 'wrkspc_1',
        ...keys,
        awsSecretAccessKey: 's',
        ...o,
      }),
    /^\/v1\/messages$/,
  ],
  [
    '@anthropic-ai/google-cloud-sdk',
    (o) => new AnthropicGoogleCloud({ baseURL: venue.url, bearerTokenProvider: async () => 'g', ...o }),
    /^\/v1\/messages$/,
  ],
]

const prompt = {
  model: 'claude-opus-5',
  max_tokens: 20,
  messages: [{ role: 'user' as const, content: 'Hi' }],
}

async function ask(client: unknown, stream: boolean): Promise<string> {
  const { messages } = client as Client
  const { content } = stream ? await messages.stream(prompt).finalMessage() : await messages.create(prompt)
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

const policies = () =>
  sdkMiddleware(
    timeouts({ firstContent: 200, attempt: 200 }),
    retry({ attempts: 4, baseDelay: 0, maxDelay: 0 }),
  )

describe.each(clients)('%s', (_, make, path) => {
  // The first signature loads code, which takes longer than an attempt may.
  beforeAll(() => ask(make({ maxRetries: 0 }), false))

  describe.each([
    ['whole', false],
    ['streamed', true],
  ])('%s', (_, stream) => {
    it.each([
      ['answers 503 twice and then well', ['unavailable', 'unavailable'], 3],
      ['dies before content', ['dies'], 2],
      ['stalls before content', ['stalls'], 2],
    ] as const)('is answered with policies where the upstream %s', async (_, faults, requests) => {
      venue.faults.push(...faults)
      const client = make({ middleware: [policies()], maxRetries: 0 })
      expect(await ask(client, stream)).toBe(text)
      expect(venue.requests).toHaveLength(requests)
      for (const each of venue.requests) expect(each.path.replace(/\?.*/, '')).toMatch(path)
    })

    it.each([
      ['answers 503 twice', ['unavailable', 'unavailable'], 1_000],
      ['dies before content', ['dies'], 1_000],
      ['stalls before content', ['stalls'], 50],
    ] as const)('fails without them where the upstream %s', async (_, faults, wait) => {
      venue.faults.push(...faults)
      const ended = ask(make({ maxRetries: 0, timeout: 2_000 }), stream).then(
        () => 'answered',
        () => 'failed',
      )
      const waited = new Promise((resolve) => setTimeout(resolve, wait, 'waits'))
      expect(await Promise.race([ended, waited])).toBe(
        faults.includes('stalls' as never) ? 'waits' : 'failed',
      )
    })
  })
})

it('signs each attempt at Bedrock by itself, with the body that a policy has chosen', async () => {
  venue.faults.push('unavailable')
  let attempts = 0
  const growing: Middleware = (next) => (request) =>
    next(deriveRequest(request, { body: withField(request.body, 'max_tokens', ++attempts) }))
  const client = new AnthropicBedrock({
    baseURL: venue.url,
    ...keys,
    awsSecretKey: 's',
    maxRetries: 0,
    middleware: [sdkMiddleware(retry({ baseDelay: 0, maxDelay: 0 }), growing)],
  })
  expect(await ask(client, false)).toBe(text)
  const signatures = venue.requests.map(({ headers }) => headers.authorization)
  for (const each of signatures) expect(each).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIATEST\/.+Signature=/)
  expect(new Set(signatures).size).toBe(2)
  expect(venue.requests.map(({ body }) => body)).toMatchObject([{ max_tokens: 1 }, { max_tokens: 2 }])
  expect(Object.keys(venue.requests[0]?.body ?? {}).sort()).toEqual([
    'anthropic_version',
    'max_tokens',
    'messages',
  ])
})

it('falls back to another handler where the venue does not answer', async () => {
  await using local = await startVenue()
  venue.faults.push('unavailable')
  const spare = target('spare', async (request) => {
    const { attempt, fetchTransport } = await import('@spillway/attempt')
    return attempt(fetchTransport((_, init) => fetch(`${local.url}/v1/messages`, init)))(request)
  })
  const client = new AnthropicBedrock({
    baseURL: venue.url,
    ...keys,
    awsSecretKey: 's',
    maxRetries: 0,
    middleware: [sdkMiddleware(fallback([spare]))],
  })
  expect(await ask(client, true)).toBe(text)
  const [{ path, headers, body } = { path: '', headers: {}, body: {} }] = local.requests
  expect(path).toBe('/v1/messages')
  expect(headers).not.toHaveProperty('authorization')
  expect(body).toMatchObject({ model: 'claude-opus-5', stream: true })
})

describe('retries', () => {
  it('of the SDK do not multiply those of the policies', async () => {
    venue.faults.push(...Array<'unavailable'>(20).fill('unavailable'))
    const client = new Anthropic({
      baseURL: venue.url,
      apiKey: 'k',
      maxRetries: 2,
      middleware: [sdkMiddleware(retry({ attempts: 3, baseDelay: 0, maxDelay: 0 }))],
    })
    await expect(ask(client, false)).rejects.toMatchObject({ status: 503 })
    expect(venue.requests).toHaveLength(3)
  })

  it('of the SDK beside those of the policies are told of once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    venue.faults.push('unavailable', 'stalls', 'unavailable', 'stalls')
    const client = new Anthropic({
      baseURL: venue.url,
      apiKey: 'k',
      maxRetries: 2,
      timeout: 50,
      middleware: [sdkMiddleware(retry({ attempts: 3, baseDelay: 0, maxDelay: 0 }))],
    })
    expect(await ask(client, false)).toBe(text)
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('set maxRetries: 0'), { code: 'SPILLWAY_SDK_RETRIES' }],
    ])
    warn.mockRestore()
  })
})

it('what is no model call goes on through the SDK, and is told of', async () => {
  const heard: unknown[] = []
  const client = new Anthropic({
    baseURL: venue.url,
    apiKey: 'k',
    maxRetries: 0,
    middleware: [sdkMiddleware({ onNotCovered: ({ kind }) => heard.push(kind) }, retry())],
  })
  for (let i = 0; i < 2; i++) await client.messages.batches.create({ requests: [] })
  expect(venue.requests.map(({ path }) => path)).toEqual(['/v1/messages/batches', '/v1/messages/batches'])
  expect(heard).toEqual(['batches'])
})

it('other middleware outside sees one call, parsed, and the caller’s abort ends it', async () => {
  venue.faults.push('unavailable', 'stalls')
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
      policies(),
    ],
  })
  expect(await ask(client, false)).toBe(text)
  expect(parsed).toMatchObject([{ content: [{ text }] }])
  venue.faults.push('stalls')
  const plain = new Anthropic({
    baseURL: venue.url,
    apiKey: 'k',
    maxRetries: 0,
    middleware: [sdkMiddleware(retry())],
  })
  const call = plain.messages.create(prompt, { signal: caller.signal })
  setTimeout(() => caller.abort(), 20)
  await expect(call).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
})
