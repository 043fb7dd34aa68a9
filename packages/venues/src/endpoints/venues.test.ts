import { createClient, type ProviderProfile } from '@spillway/core-client'
import { createRequest, listen, type SpillwayEvent } from '@spillway/middleware'
import { jsonBodyFromBytes } from '@spillway/middleware/kit'
import {
  type Fault,
  type Reply,
  type SimulatedServer,
  startBedrock,
  startClaudeAws,
  startClaudeGoogle,
  startFoundry,
  startMantle,
  startVertex,
} from '@spillway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  bedrock,
  bedrockMantle,
  claudeOnAws,
  claudeOnGoogle,
  firstPartyName,
  foundry,
  vertex,
} from '../index.ts'

const reply: Reply = {
  thinking: 'Hm.',
  text: 'Hello from a cloud.',
  toolUse: [{ name: 'look', input: { at: 'x' } }],
}
const tools = [{ name: 'look', input_schema: { type: 'object' } }]
const model = 'claude-opus-5'
const hello = [{ role: 'user', content: 'Hello' }]

interface Venue {
  readonly name: string
  readonly start: () => Promise<SimulatedServer>
  readonly at: (url: string) => ProviderProfile
  readonly path: string
  readonly counts: string
}

const region = 'us-east-1'
const vertexModels = '/v1/projects/p/locations/us-east5/publishers/anthropic/models'

const venues: readonly Venue[] = [
  {
    name: 'Bedrock',
    start: () => startBedrock({ reply }),
    at: (url) => bedrock({ region, url }),
    path: '/model/us.anthropic.claude-opus-5/invoke-with-response-stream',
    counts: '/model/anthropic.claude-opus-5/count-tokens',
  },
  {
    name: 'Mantle',
    start: () => startMantle({ reply }),
    at: (url) => bedrockMantle({ region, url: `${url}/anthropic` }),
    path: '/anthropic/v1/messages',
    counts: '/anthropic/v1/messages/count_tokens',
  },
  {
    name: 'Claude on AWS',
    start: () => startClaudeAws({ reply, workspaces: ['wrkspc_1'] }),
    at: (url) => claudeOnAws({ region, workspace: 'wrkspc_1', url }),
    path: '/v1/messages',
    counts: '/v1/messages/count_tokens',
  },
  {
    name: 'Vertex',
    start: () => startVertex({ reply }),
    at: (url) => vertex({ project: 'p', region: 'us-east5', url }),
    path: `${vertexModels}/claude-opus-5:streamRawPredict`,
    counts: `${vertexModels}/count-tokens:rawPredict`,
  },
  {
    name: 'Claude on Google',
    start: () => startClaudeGoogle({ reply, workspaces: ['wrkspc_1'] }),
    at: (url) => claudeOnGoogle({ project: 'p', location: 'global', workspace: 'wrkspc_1', url }),
    path: '/v1/projects/p/locations/global/workspaces/wrkspc_1/invoke/v1/messages',
    counts: '/v1/projects/p/locations/global/workspaces/wrkspc_1/invoke/v1/messages/count_tokens',
  },
  {
    name: 'Foundry',
    start: () => startFoundry({ reply, apiKeys: ['key'], deployments: { mine: model } }),
    at: (url) => foundry({ resource: 'r', url: `${url}/anthropic`, models: { [model]: 'mine' } }),
    path: '/anthropic/v1/messages',
    counts: '/anthropic/v1/messages/count_tokens',
  },
]

describe.each(venues)('Claude at $name', ({ start, at, path, counts }) => {
  let server: SimulatedServer
  let client: ReturnType<typeof createClient>

  beforeAll(async () => {
    server = await start()
    client = createClient({ provider: at(server.url), credential: 'key' })
  })
  afterAll(async () => {
    await client.close()
    await server.close()
  })
  let before = 0
  beforeEach(() => {
    before = server.requests.length
  })

  const call = (body: object, headers: Record<string, string> = {}, where = '/v1/messages') =>
    client.fetch(`https://api.anthropic.com${where}?beta=true`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': 'callers' },
        ...headers,
      },
      body: JSON.stringify(body),
    })

  it('streams first-party events: thinking, text and tools', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1024 }
    const response = await call({ model, max_tokens: 2000, stream: true, messages: hello, tools, thinking })
    const text = await response.text()
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^text\/event-stream/),
    ])
    const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => ({
      name,
      data: JSON.parse(data as string),
    }))
    expect(events.at(0)?.name).toBe('message_start')
    expect(events.at(-1)?.name).toBe('message_stop')
    for (const said of ['Hm.', 'signature_delta', 'input_json_delta', '"look"']) expect(text).toContain(said)
    const words = events.map(({ data }) => data.delta?.text ?? '').join('')
    expect(words).toBe('Hello from a cloud.')
    expect(response.headers.get('request-id')).toBeTruthy()
    expect(server.requests[before]?.path.replace(/\?.*/, '')).toBe(path)
    expect(JSON.stringify(server.requests[before]?.headers)).not.toContain('callers')
  })

  it('answers whole, and names the model', async () => {
    const response = await call({ model, max_tokens: 9, messages: hello })
    const answer = (await response.json()) as { readonly model: string }
    expect(answer).toMatchObject({ type: 'message', content: expect.any(Array) })
    expect(firstPartyName(answer.model)).toBe(model)
    expect(response.headers.get('x-spillway-degraded')).toBeNull()
  })

  it('counts the tokens of a prompt', async () => {
    const response = await call({ model, messages: hello }, {}, '/v1/messages/count_tokens')
    expect(await response.json()).toEqual({ input_tokens: expect.any(Number) })
    expect(server.requests[before]?.path.replace(/\?.*/, '')).toBe(counts)
  })

  it('sends numbers and bytes as they came', async () => {
    const input = '{ "big": 12345678901234567890.10 }'
    const text = `{"model":"${model}","max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"look","input":${input}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"é"}]}],"tools":${JSON.stringify(tools)}}`
    const response = await client.handler(
      createRequest({
        ...{ api: 'anthropic', model, stream: false, url: '/v1/messages' },
        headers: { 'anthropic-version': '2023-06-01' },
        body: jsonBodyFromBytes(Buffer.from(text)),
      }),
    )
    expect(response.failure).toBeUndefined()
    expect(Buffer.from(server.requests[before]?.body ?? '').toString()).toContain(input)
  })

  const faults: readonly (readonly [string, Fault, string, string])[] = [
    ['too many requests', { type: 'status', status: 429, retryAfter: 3 }, 'rate_limit_error', 'rate_limited'],
    ['being away', { type: 'status', status: 503 }, '_error', 'overloaded'],
    ['an error of its own', { type: 'status', status: 500 }, 'api_error', 'server'],
  ]
  it.each(faults)('says %s as the first-party API does', async (_, fault, type, kind) => {
    server.next(fault)
    const request = createRequest({
      ...{ api: 'anthropic', model, stream: true, url: '/v1/messages' },
      headers: { 'anthropic-version': '2023-06-01' },
      body: jsonBodyFromBytes(
        Buffer.from(JSON.stringify({ model, max_tokens: 9, stream: true, messages: hello })),
      ),
    })
    const { status, headers, body, failure } = await client.handler(request)
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    const error = JSON.parse(Buffer.concat(chunks).toString())
    expect(error).toMatchObject({ type: 'error', error: { message: expect.any(String) } })
    expect(error.error.type).toContain(type)
    expect(failure).toMatchObject({ kind, retryable: true, status, requestId: expect.any(String) })
    expect(headers['request-id']).toBeTruthy()
    if (status === 429) expect([headers['retry-after'], failure?.retryAfterMs]).toEqual(['3', 3000])
  })

  it('breaks off in the middle with a failure that clients read', async () => {
    server.next({ type: 'cut', at: 'after-content', how: 'end', afterChunks: 2 })
    const response = await call({ model, max_tokens: 9, stream: true, messages: hello })
    let text = ''
    const failed = await (async () => {
      for await (const chunk of response.body as ReadableStream<Uint8Array>)
        text += Buffer.from(chunk).toString()
    })().then(
      () => false,
      () => true,
    )
    expect(text).toContain('event: content_block_delta')
    expect(failed || text.includes('event: error')).toBe(true)
  })

  it('is not called in another protocol', async () => {
    const events: SpillwayEvent[] = []
    const request = listen(
      createRequest({
        ...{ api: 'openai', model, stream: false, url: '/v1/chat/completions' },
        body: jsonBodyFromBytes(Buffer.from('{}')),
      }),
      (event) => events.push(event),
    )
    expect((await client.handler(request)).failure).toMatchObject({ kind: 'unfit', origin: 'spillway' })
    expect(server.requests).toHaveLength(before)
  })
})
