import { AnthropicAws } from '@anthropic-ai/aws-sdk'
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import { AnthropicGoogleCloud } from '@anthropic-ai/google-cloud-sdk'
import type Anthropic from '@anthropic-ai/sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type RecordedRequest,
  type Reply,
  type ServerOptions,
  type SimulatedServer,
  startBedrock,
  startClaudeAws,
  startClaudeGoogle,
  startFoundry,
  startMantle,
  startVertex,
} from './index.ts'

/** What the clients of all venues are. */
type Client = Pick<Anthropic, 'messages' | 'beta'>

/** A venue with its official client. */
interface Venue {
  readonly name: string
  start(options: ServerOptions): Promise<SimulatedServer>
  client(url: string): Client
  /** A client with a credential that the venue does not know. */
  stranger(url: string): Client
  readonly refusedWith: number
}

const awsKeys = { awsAccessKey: 'AKIDEXAMPLE', awsRegion: 'us-east-1' }
const region = 'us-east-1'
const identities = [{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'right' }]
const tokens = ['right']
const authClient = (token: string): never =>
  ({ getRequestHeaders: async () => new Headers({ authorization: `Bearer ${token}` }) }) as never
const aws = { ...awsKeys, maxRetries: 0 }

const google = (baseURL: string, token: string): Client =>
  new AnthropicGoogleCloud({
    ...{ baseURL: `${baseURL}/v1/projects/p/locations/us/workspaces/wrkspc_1/invoke`, maxRetries: 0 },
    bearerTokenProvider: async () => token,
  }) as unknown as Client
const vertex = (url: string, token: string): Client =>
  new AnthropicVertex({
    ...{ baseURL: `${url}/v1`, region: 'global', projectId: 'p', maxRetries: 0 },
    authClient: authClient(token),
  }) as unknown as Client
const bedrock = (baseURL: string, awsSecretKey: string): Client =>
  new AnthropicBedrock({ baseURL, awsSecretKey, ...aws }) as unknown as Client
const mantle = (url: string, awsSecretAccessKey: string): Client =>
  new AnthropicBedrockMantle({ baseURL: `${url}/anthropic`, awsSecretAccessKey, ...aws }) as unknown as Client
const platform = (baseURL: string, awsSecretAccessKey: string): Client =>
  new AnthropicAws({ baseURL, awsSecretAccessKey, workspaceId: 'wrkspc_1', ...aws }) as unknown as Client
const foundry = (url: string, apiKey: string): Client =>
  new AnthropicFoundry({ baseURL: `${url}/anthropic/`, apiKey, maxRetries: 0 }) as unknown as Client

const venues: readonly Venue[] = [
  {
    name: 'Bedrock',
    start: (options) => startBedrock({ identities, region, checkRules: true, ...options }),
    client: (url) => bedrock(url, 'right'),
    stranger: (url) => bedrock(url, 'wrong'),
    refusedWith: 403,
  },
  {
    name: 'Bedrock Mantle',
    start: (options) => startMantle({ identities, region, checkRules: true, ...options }),
    client: (url) => mantle(url, 'right'),
    stranger: (url) => mantle(url, 'wrong'),
    refusedWith: 401,
  },
  {
    name: 'Claude Platform on AWS',
    start: (options) => startClaudeAws({ identities, region, checkRules: true, ...options }),
    client: (url) => platform(url, 'right'),
    stranger: (url) => platform(url, 'wrong'),
    refusedWith: 401,
  },
  {
    name: 'Vertex',
    start: (options) => startVertex({ tokens, checkRules: true, ...options }),
    client: (url) => vertex(url, 'right'),
    stranger: (url) => vertex(url, 'wrong'),
    refusedWith: 401,
  },
  {
    name: 'Claude on Google Cloud',
    start: (options) => startClaudeGoogle({ tokens, checkRules: true, ...options }),
    client: (url) => google(url, 'right'),
    stranger: (url) => google(url, 'wrong'),
    refusedWith: 401,
  },
  {
    name: 'Foundry',
    start: (options) =>
      startFoundry({
        ...{ apiKeys: ['right'], deployments: { 'anthropic.claude-opus-5': 'claude-opus-5' } },
        ...{ checkRules: true, ...options },
      }),
    client: (url) => foundry(url, 'right'),
    stranger: (url) => foundry(url, 'wrong'),
    refusedWith: 401,
  },
]

const reply: Reply = {
  text: 'Good day',
  thinking: 'Hm. Yes.',
  toolUse: [{ id: 'toolu_1', name: 'weather', input: { city: 'Graz' } }],
  usage: { inputTokens: 12, outputTokens: 34, cacheReadTokens: 5 },
}
const prompt: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'anthropic.claude-opus-5',
  max_tokens: 2000,
  messages: [{ role: 'user', content: 'Hi' }],
  tools: [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }],
}

/** The class of the client's error, and what it says. */
async function refusal(call: PromiseLike<unknown>): Promise<object> {
  const error = await call.then(
    () => new Error('taken'),
    (reason: Error & { status?: number }) => reason,
  )
  return {
    error: error.constructor.name,
    status: 'status' in error ? error.status : undefined,
    message: error.message,
  }
}

describe.each(venues)('$name', (venue) => {
  let server: SimulatedServer
  beforeAll(async () => {
    server = await venue.start({ reply })
  })
  afterAll(() => server.close())

  it('answers its official client, whole and streamed', async () => {
    const { messages } = venue.client(server.url)
    for (const message of [await messages.create(prompt), await messages.stream(prompt).finalMessage()]) {
      expect(message.content).toMatchObject([
        { type: 'thinking', thinking: 'Hm. Yes.', signature: expect.stringMatching(/./) },
        { type: 'text', text: 'Good day' },
        { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Graz' } },
      ])
      expect(message).toMatchObject({
        model: expect.stringMatching(/claude-opus-5$/),
        stop_reason: 'tool_use',
      })
      expect(message.usage).toMatchObject({
        input_tokens: 12,
        output_tokens: 34,
        cache_read_input_tokens: 5,
      })
    }
  })

  it('refuses a credential that it does not know, in the client’s own error', async () => {
    const { messages } = venue.stranger(server.url)
    const error = venue.refusedWith === 401 ? 'AuthenticationError' : 'PermissionDeniedError'
    expect(await refusal(messages.create(prompt))).toMatchObject({ error, status: venue.refusedWith })
  })

  it('takes a beta of its official client, and a query, which a signature covers', async () => {
    const { beta } = venue.client(server.url)
    const asked = { ...prompt, betas: ['interleaved-thinking-2025-05-14'] }
    const query = { b: 'it’s (2)!', a: '1 + 1', 'c d': '' }
    expect((await beta.messages.create(asked, { query })).stop_reason).toBe('tool_use')
    const { path, headers, json } = server.requests.at(-1) as RecordedRequest
    const { anthropic_beta } = json as { anthropic_beta?: readonly string[] }
    expect(anthropic_beta?.join() ?? headers['anthropic-beta']).toBe('interleaved-thinking-2025-05-14')
    expect(Object.fromEntries(new URL(path, server.url).searchParams)).toEqual(query)
  })

  it('counts tokens for its official client, where this does', async () => {
    const { messages } = venue.client(server.url)
    const { max_tokens: _, ...counted } = prompt
    const count = messages.countTokens(counted)
    // The client of Bedrock asks at the first-party path, which is not there.
    if (venue.name === 'Bedrock') return expect(await refusal(count)).toMatchObject({ status: 404 })
    expect(await count).toEqual({ input_tokens: expect.any(Number) })
  })

  it('refuses what Claude refuses', async () => {
    const { messages } = venue.client(server.url)
    const bad = { ...prompt, messages: [{ role: 'user' as const, content: ' ' }] }
    await expect(messages.create(bad)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('text content blocks must contain non-whitespace text'),
    })
  })

  it('fails as it is told', async () => {
    const { messages } = venue.client(server.url)
    server.next({ type: 'status', status: 429 })
    expect(await refusal(messages.create(prompt))).toMatchObject({ error: 'RateLimitError', status: 429 })
    server.next({ type: 'cut', at: 'mid-event', how: 'reset' })
    await expect(messages.stream(prompt).finalMessage()).rejects.toThrow()
  })
})
