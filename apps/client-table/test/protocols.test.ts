import { Readable } from 'node:stream'
import AnthropicBedrock from '@anthropic-ai/bedrock-sdk'
import type Anthropic from '@anthropic-ai/sdk'
import AnthropicVertex from '@anthropic-ai/vertex-sdk'
import {
  BedrockRuntimeClient,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { EventStreamCodec } from '@smithy/core/event-streams'
import { sdkMiddleware, timeouts, wrapFetch } from '@spillway/attempt'
import type { Middleware, Outcome } from '@spillway/middleware'
import { retry } from '@spillway/retry'
import { type Fault, type SimulatedServer, startBedrock, startOpenAi, startVertex } from '@spillway/testing'
import { renderErrorEvent, StreamReader, truncatedFailure } from '@spillway/wire'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const text = 'The spillway carries the water safely around the dam.'
const identity = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const options = { reply: { text, usage: { inputTokens: 40, outputTokens: 9, cacheReadTokens: 30 } } }

/** What goes wrong before an answer is good. */
const troubles: readonly (readonly [name: string, ...faults: Fault[]])[] = [
  ['nothing'],
  ['503, twice', { type: 'status', status: 503 }, { type: 'status', status: 503 }],
  ['429', { type: 'status', status: 429, retryAfter: 0 }],
  ['death before content', { type: 'cut', at: 'before-content', how: 'reset' }],
  ['an end before content', { type: 'cut', at: 'before-content', how: 'end' }],
  ['an error before content', { type: 'error-in-200', at: 'before-content' }],
  ['a broken first event', { type: 'malformed', how: 'json' }],
  ['an empty answer', { type: 'malformed', how: 'empty' }],
]
/** Takes the time of a limit, so it is tried with streams alone. */
const silence = ['silence', { type: 'slow-first-token', ms: Number.POSITIVE_INFINITY }] as const
const streamTroubles = [...troubles, silence]

let outcome: Promise<Outcome> | undefined
const watch: Middleware = (next) => async (request) => {
  const response = await next(request)
  outcome = response.outcome
  return response
}
const policies: readonly Middleware[] = [
  watch,
  retry({ attempts: 4, baseDelay: 1, budget: false }),
  timeouts({ firstContent: 1_000, attempt: 1_500 }),
]
const used = { inputTokens: 40, outputTokens: 9, cacheReadTokens: 30 }

describe('openai.responses behind wrapFetch', () => {
  let server: SimulatedServer
  let openai: OpenAI
  const asked = { model: 'gpt-5.5', input: 'Where does it go?' }

  beforeAll(async () => {
    server = await startOpenAi(options)
    const fetch = wrapFetch(globalThis.fetch, ...policies)
    openai = new OpenAI({ apiKey: 'sk', baseURL: `${server.url}/v1`, maxRetries: 0, fetch })
  })
  afterAll(() => server.close())

  const ways: readonly (readonly [name: string, ask: () => Promise<string>])[] = [
    ['create, whole', async () => (await openai.responses.create(asked)).output_text],
    [
      'stream, to its final response',
      async () => (await openai.responses.stream(asked).finalResponse()).output_text,
    ],
    ['create, streamed', said],
  ]
  async function said(): Promise<string> {
    let all = ''
    for await (const event of await openai.responses.create({ ...asked, stream: true }))
      if (event.type === 'response.output_text.delta') all += event.delta
    return all
  }

  it.each(
    ways.flatMap(([way, ask]) =>
      (ask === said ? streamTroubles : troubles).map((trouble) => ({ way, ask, trouble })),
    ),
  )(
    'answers through $trouble.0 ($way)',

    async ({ ask, trouble: [, ...faults] }) => {
      server.next(...faults)
      expect(await ask()).toBe(text)
      expect(await outcome).toMatchObject({ failure: undefined, stopReason: 'completed', usage: used })
    },
  )

  it('comes byte for byte', async () => {
    const body = JSON.stringify({ ...asked, stream: true })
    const headers = { authorization: 'Bearer sk', 'content-type': 'application/json' }
    const response = await wrapFetch(fetch)(`${server.url}/v1/responses`, { method: 'POST', headers, body })
    expect(await response.text()).toBe(Buffer.from(server.requests.at(-1)?.sent ?? []).toString())
  })

  it.each<[string, Fault]>([
    ['the upstream says so', { type: 'error-in-200', at: 'after-content', errorType: 'server_error' }],
    ['its stream ends too early', { type: 'cut', at: 'after-content', how: 'end' }],
    ['its connection breaks within an event', { type: 'cut', at: 'mid-event', how: 'reset' }],
  ])('throws in the middle where %s', async (_name, fault) => {
    server.next(fault)
    await expect(said()).rejects.toMatchObject({ name: 'Error', code: 'server_error' })
    server.next(fault)
    await expect(openai.responses.stream(asked).finalResponse()).rejects.toThrow()
  })

  it('knows an answer that its limit has cut, and the count of tokens', async () => {
    await using short = await startOpenAi({ reply: { text, stopReason: 'max_tokens' } })
    const client = openai.withOptions({ baseURL: `${short.url}/v1` })
    const { status, incomplete_details } = await client.responses.stream(asked).finalResponse()
    expect([status, incomplete_details?.reason]).toEqual(['incomplete', 'max_output_tokens'])
    expect(await outcome).toMatchObject({ failure: undefined, stopReason: 'max_output_tokens' })
    expect((await client.responses.inputTokens.count(asked)).input_tokens).toBeGreaterThan(0)
  })
})

describe('Claude on Bedrock behind wrapFetch', () => {
  let server: SimulatedServer
  let claude: AnthropicBedrock
  const model = 'us.anthropic.claude-opus-5'
  const asked = { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'Where does it go?' }] }

  beforeAll(async () => {
    server = await startBedrock({ ...options, identities: [identity] })
    claude = new AnthropicBedrock({
      ...{
        awsAccessKey: identity.accessKeyId,
        awsSecretKey: identity.secretAccessKey,
        awsRegion: 'us-east-1',
      },
      ...{ baseURL: server.url, maxRetries: 0, fetch: wrapFetch(globalThis.fetch, ...policies) },
    })
  })
  afterAll(() => server.close())

  const whole = async (): Promise<string> => textOf(await claude.messages.create(asked))
  const streamed = (): Promise<string> => claude.messages.stream(asked).finalText()
  const textOf = ({ content }: Anthropic.Message): string =>
    content.map((block) => (block.type === 'text' ? block.text : '')).join('')

  it.each([
    ...troubles.map((trouble) => ({ way: 'whole', ask: whole, trouble })),
    ...streamTroubles.map((trouble) => ({ way: 'streamed', ask: streamed, trouble })),
  ])('answers through $trouble.0 ($way), signed as AWS wants it', async ({ ask, trouble: [, ...faults] }) => {
    server.next(...faults)
    expect(await ask()).toBe(text)
    expect(await outcome).toMatchObject({ failure: undefined, stopReason: 'end_turn', usage: used })
  })

  it('comes byte for byte, and is another model where a middleware says so', async () => {
    const body = JSON.stringify({ anthropic_version: '2026-10-21', max_tokens: 9, messages: asked.messages })
    const headers = { authorization: 'Bearer key', 'content-type': 'application/json' }
    const url = `${server.url}/model/${encodeURIComponent(model)}/invoke-with-response-stream`
    const other: Middleware = (next) => (request) => {
      expect(request).toMatchObject({ api: 'anthropic', venue: 'bedrock', model, stream: true })
      return next(request)
    }
    const response = await wrapFetch(fetch, other)(url, { method: 'POST', headers, body })
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.equals(Buffer.from(server.requests.at(-1)?.sent ?? []))).toBe(true)
    expect(response.headers.get('content-type')).toBe('application/vnd.amazon.eventstream')
  })

  it.each<[string, Fault, string]>([
    [
      'the upstream says so',
      { type: 'error-in-200', at: 'after-content', errorType: 'throttlingException', message: 'Slow down' },
      'throttlingException',
    ],
    [
      'its stream ends too early',
      { type: 'cut', at: 'after-content', how: 'end' },
      'internalServerException',
    ],
    [
      'its connection breaks within a frame',
      { type: 'cut', at: 'mid-event', how: 'reset' },
      'internalServerException',
    ],
  ])('throws in the middle where %s', async (_name, fault, name) => {
    server.next(fault)
    await expect(streamed()).rejects.toThrow(name)
  })

  it('reads errors as Bedrock says them, and final ones as its clients read them', async () => {
    server.next({ type: 'status', status: 403 })
    await expect(whole()).rejects.toMatchObject({ status: 403 })
    expect((await outcome)?.failure).toMatchObject({ kind: 'permission', code: 'AccessDeniedException' })
    server.next(...Array<Fault>(4).fill({ type: 'reset' }))
    await expect(streamed()).rejects.toMatchObject({ status: 500, error: { message: expect.any(String) } })
  })

  it('answers the same by the middleware of the SDK', async () => {
    const signing = claude.withOptions({
      fetch: globalThis.fetch,
      middleware: [sdkMiddleware(...policies)],
    })
    server.next({ type: 'status', status: 503 })
    expect(await signing.messages.stream(asked).finalText()).toBe(text)
  })

  describe("and AWS's own client", () => {
    /** As small as a request handler of the AWS SDK can be. */
    const handler = (fetch: typeof globalThis.fetch) => ({
      async handle(request: {
        hostname: string
        port?: number
        path: string
        headers: Record<string, string>
        body: unknown
      }) {
        const url = `http://${request.hostname}:${request.port}${request.path}`
        const { 'content-length': _, host: __, ...headers } = request.headers
        const response = await fetch(url, { method: 'POST', headers, body: request.body as string })
        const body = Readable.fromWeb(response.body as never)
        return {
          response: { statusCode: response.status, headers: Object.fromEntries(response.headers), body },
        }
      },
    })
    const body = JSON.stringify({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 9,
      messages: asked.messages,
    })
    const input = { modelId: model, contentType: 'application/json', body }
    const client = (): BedrockRuntimeClient =>
      new BedrockRuntimeClient({
        ...{ region: 'us-east-1', endpoint: server.url, credentials: identity, maxAttempts: 1 },
        requestHandler: handler(wrapFetch(globalThis.fetch, ...policies)) as never,
      })

    it.each(troubles.map((trouble) => ({ trouble })))(
      'answers through $trouble.0, whole and streamed',
      async ({ trouble: [, ...faults] }) => {
        server.next(...faults)
        const whole = await client().send(new InvokeModelCommand(input))
        expect(textOf(JSON.parse(Buffer.from(whole.body).toString()))).toBe(text)
        server.next(...faults)
        const { body: events } = await client().send(new InvokeModelWithResponseStreamCommand(input))
        let said = ''
        for await (const { chunk } of events ?? [])
          said += JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()).delta?.text ?? ''
        expect(said).toBe(text)
      },
    )

    it('throws in the middle', async () => {
      server.next({ type: 'cut', at: 'after-content', how: 'end' })
      const { body: events } = await client().send(new InvokeModelWithResponseStreamCommand(input))
      const read = async (): Promise<void> => {
        for await (const _ of events ?? []);
      }
      await expect(read()).rejects.toMatchObject({ name: 'InternalServerException' })
    })
  })
})

describe('Claude on Vertex AI behind wrapFetch', () => {
  let server: SimulatedServer
  let claude: AnthropicVertex
  const model = 'claude-sonnet-4-5@20250929'
  const asked = { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'Where does it go?' }] }
  const authClient = {
    projectId: 'p',
    getRequestHeaders: async () => new Headers({ authorization: 'Bearer token' }),
  } as unknown as NonNullable<ConstructorParameters<typeof AnthropicVertex>[0]>['authClient']

  beforeAll(async () => {
    server = await startVertex({ ...options, models: [model] })
    claude = new AnthropicVertex({
      ...{ authClient, projectId: 'p', region: 'global', baseURL: `${server.url}/v1`, maxRetries: 0 },
      fetch: wrapFetch(globalThis.fetch, ...policies),
    })
  })
  afterAll(() => server.close())

  const whole = async (): Promise<string> => JSON.stringify((await claude.messages.create(asked)).content)
  const streamed = (): Promise<string> => claude.messages.stream(asked).finalText()

  it.each(troubles.map((trouble) => ({ trouble })))(
    'answers through $trouble.0, whole and streamed',
    async ({ trouble: [, ...faults] }) => {
      server.next(...faults)
      expect(await whole()).toContain(text)
      server.next(...faults)
      expect(await streamed()).toBe(text)
      expect(await outcome).toMatchObject({ failure: undefined, stopReason: 'end_turn', usage: used })
    },
  )

  it('throws in the middle, reads final errors as Google says them, and counts', async () => {
    server.next({ type: 'cut', at: 'mid-event', how: 'end' })
    await expect(streamed()).rejects.toThrow(/before it was complete/)
    server.next(...Array<Fault>(4).fill({ type: 'reset' }))
    await expect(streamed()).rejects.toMatchObject({
      status: 503,
      error: { error: { code: 503, status: 'UNAVAILABLE' } },
    })
    server.next({ type: 'status', status: 403 })
    await expect(whole()).rejects.toMatchObject({ status: 403 })
    expect((await outcome)?.failure).toMatchObject({ kind: 'permission', code: 'PERMISSION_DENIED' })
    const { max_tokens: _, ...counted } = asked
    expect((await claude.messages.countTokens(counted)).input_tokens).toBeGreaterThan(0)
  })
})

describe("frames and AWS's own codec", () => {
  const codec = new EventStreamCodec(
    (bytes) => Buffer.from(bytes as Uint8Array).toString(),
    (said) => Buffer.from(said),
  )

  it('agree on errors of ours', () => {
    const frame = renderErrorEvent('anthropic', truncatedFailure(), { venue: 'bedrock' })
    const { headers, body } = codec.decode(frame)
    expect(headers[':exception-type']?.value).toBe('internalServerException')
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({ message: truncatedFailure().message })
  })

  it("agree on AWS's, with headers of every type", () => {
    const json = '{"type":"message_start","message":{"model":"m"}}'
    const frame = codec.encode({
      headers: {
        ':event-type': { type: 'string', value: 'chunk' },
        flag: { type: 'boolean', value: true },
        other: { type: 'boolean', value: false },
        byte: { type: 'byte', value: 1 },
        short: { type: 'short', value: 2 },
        integer: { type: 'integer', value: 3 },
        binary: { type: 'binary', value: Buffer.from('xyz') },
        at: { type: 'timestamp', value: new Date(0) },
        id: { type: 'uuid', value: '12345678-1234-4234-8234-123456789012' },
        ':message-type': { type: 'string', value: 'event' },
      },
      body: Buffer.from(JSON.stringify({ bytes: Buffer.from(json).toString('base64') })),
    })
    const reader = new StreamReader('anthropic', { venue: 'bedrock' })
    expect(Buffer.from(reader.push(frame)).equals(Buffer.from(frame))).toBe(true)
    expect(reader.state).toMatchObject({ failure: undefined, model: 'm' })
  })
})
