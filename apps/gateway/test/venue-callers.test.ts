import { type IncomingMessage, request } from 'node:http'
import type { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import type Anthropic from '@anthropic-ai/sdk'
import {
  ConverseCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { type SimulatedServer, startClaude, startOpenAi } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'
import { awsClient, secretsOfClients, type VenueMessages, venueClients } from './venue-clients.ts'

const asked = {
  max_tokens: 2048,
  messages: [{ role: 'user' as const, content: 'How is the dam?' }],
  system: 'Be brief.',
}
const thinking = { type: 'adaptive' as const }
const tools = [{ name: 'look', description: 'Looks.', input_schema: { type: 'object' as const } }]
const reply = {
  thinking: 'I look.',
  text: 'It is full of water.',
  toolUse: [{ name: 'look', input: { at: 'the dam' } }],
}
const content = [
  { type: 'thinking', thinking: 'I look.' },
  { type: 'text', text: 'It is full of water.' },
  { type: 'tool_use', name: 'look', input: { at: 'the dam' } },
]
const bedrock = venueClients[0]?.make as (url: string) => AnthropicBedrock
const bedrockModel = 'us.anthropic.claude-opus-4-6-v1'
const body = JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', ...asked })

/** A route for Claude's models alone, in front of a Claude that refuses every field that it does not know. */
async function claudeBehind(
  options: Parameters<typeof startClaude>[0] = {},
): Promise<{ url: string; claude: Awaited<ReturnType<typeof startClaude>>; calls: AnsweredCall[] }> {
  const claude = forThisTest(await startClaude({ reply, checkRules: true, separateWrites: true, ...options }))
  const calls: AnsweredCall[] = []
  const config = {
    ...configOf(targetAt(claude, 'anthropic')),
    routes: [{ models: 'claude-*', target: 'claude' }],
  }
  const { url } = await gatewayOf(config, calls)
  return { url, claude, calls }
}

function expectNoSecretOf(server: Pick<SimulatedServer, 'requests'>): void {
  for (const { headers } of server.requests) {
    const sent = JSON.stringify(headers)
    for (const secret of secretsOfClients) expect(sent).not.toContain(secret)
    expect(Object.keys(headers).filter((name) => name.startsWith('x-amz'))).toEqual([])
  }
}

describe.each(venueClients)('$name at the gateway', ({ model, make, counts }) => {
  it('gets whole answers, streams and errors, and counts tokens', async () => {
    const { url, claude, calls } = await claudeBehind()
    const messages = make(url).messages as VenueMessages
    const call = { ...asked, model, thinking, tools }
    const whole = await messages.create(call)
    expect(whole.content).toMatchObject(content)
    const stream = messages.stream(call)
    expect(await stream.finalMessage()).toMatchObject({
      content,
      stop_reason: 'tool_use',
      usage: { output_tokens: whole.usage.output_tokens },
    })
    const [first] = claude.requests
    expect(first?.json).toMatchObject({ model: 'claude-opus-4-6', max_tokens: 2048 })
    expect(first?.json).not.toHaveProperty('anthropic_version')
    expect(first?.headers).toMatchObject({ 'x-api-key': ownKey.value })
    expect(calls.map((each) => each.model)).toEqual(['claude-opus-4-6', 'claude-opus-4-6'])
    if (counts) {
      const { input_tokens } = await messages.countTokens({ model, messages: asked.messages })
      expect(input_tokens).toBeGreaterThan(1)
    }
    claude.next({ type: 'status', status: 429, message: 'Too many tokens.' })
    await expect(messages.create(call)).rejects.toMatchObject({
      status: 429,
      message: expect.stringContaining('Too many tokens.'),
    })
    await expect(messages.create({ ...call, model: 'other' })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('model: other (no route serves it'),
    })
    claude.next({ type: 'error-in-200', at: 'after-content', message: 'The dam broke.' })
    await expect(messages.stream(call).finalMessage()).rejects.toThrow('The dam broke.')
    expectNoSecretOf(claude)
  })
})

describe('AWS’s own client at the gateway', () => {
  const input = { modelId: bedrockModel, body }

  it('gets whole answers and streams, and counts tokens', async () => {
    const { url, claude, calls } = await claudeBehind()
    const client = awsClient(url)
    const whole = await client.send(new InvokeModelCommand(input))
    expect(JSON.parse(whole.body.transformToString()).content).toMatchObject(content)
    const [call] = calls
    expect(whole.$metadata.requestId).toMatch(/^req_/)
    expect(call?.tenant).toMatch(/^key-/)
    const { body: frames, contentType } = await client.send(new InvokeModelWithResponseStreamCommand(input))
    expect(contentType).toBe('application/json')
    const events: { type: string }[] = []
    for await (const { chunk } of frames ?? [])
      events.push(JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()))
    const types = events.map(({ type }) => type).filter((type) => type !== 'ping')
    expect(types.slice(0, 2)).toEqual(['message_start', 'content_block_start'])
    expect(events.at(-1)?.type).toBe('message_stop')
    const counted = await client.send(
      new CountTokensCommand({ modelId: bedrockModel, input: { invokeModel: { body: Buffer.from(body) } } }),
    )
    expect(counted.inputTokens).toBeGreaterThan(1)
    const story = await vi.waitFor(
      async () => {
        const told = await fetch(`${url}/api/calls/${call?.callId}`)
        expect(told.status).toBe(200)
        return told.json()
      },
      { timeout: 10_000 },
    )
    expect(story).toMatchObject({ call: { model: 'claude-opus-4-6' }, api: 'bedrock', operation: 'generate' })
    // Its signatures differ, and it is the same caller.
    expect(new Set(calls.map(({ tenant }) => tenant)).size).toBe(1)
    expectNoSecretOf(claude)
  })

  it('gets AWS’s own exceptions, before a stream and within it', async () => {
    const { url, claude } = await claudeBehind()
    const client = awsClient(url)
    const streamed = async (): Promise<void> => {
      const { body: frames } = await client.send(new InvokeModelWithResponseStreamCommand(input))
      for await (const _ of frames ?? []);
    }
    for (const [status, name] of [
      [400, 'ValidationException'],
      [401, 'UnrecognizedClientException'],
      [429, 'ThrottlingException'],
      [500, 'InternalServerException'],
      [529, 'ServiceUnavailableException'],
    ] as const) {
      claude.always({ type: 'status', status, message: 'No water.' })
      const failed = { name, message: 'No water.', $metadata: { requestId: expect.stringMatching(/./) } }
      await expect(client.send(new InvokeModelCommand(input)), name).rejects.toMatchObject(failed)
      await expect(streamed(), name).rejects.toMatchObject(failed)
    }
    claude.always({ type: 'cut', at: 'after-content', how: 'reset' })
    await expect(streamed()).rejects.toMatchObject({ name: 'InternalServerException' })
    claude.always(undefined)
    await expect(
      client.send(new ConverseCommand({ modelId: bedrockModel, messages: [] })),
    ).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(/converse is not served/),
    })
    await expect(client.send(new InvokeModelCommand({ ...input, body: '{' }))).rejects.toMatchObject({
      name: 'ValidationException',
    })
    await expect(
      client.send(new InvokeModelCommand({ ...input, body: JSON.stringify({ prompt: 'a' }) })),
    ).rejects.toMatchObject({ message: expect.stringMatching(/anthropic_version: Field required/) })
    await expect(
      client.send(new InvokeModelCommand({ ...input, guardrailIdentifier: 'g', guardrailVersion: '1' })),
    ).rejects.toMatchObject({ message: expect.stringMatching(/Guardrail/) })
  })
})

describe('a caller in Bedrock’s form', () => {
  it('is answered by a server of chat completions where Claude is overloaded', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'status', status: 529 })
    const other = forThisTest(await startOpenAi({ reply, separateWrites: true }))
    const { url } = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), targetAt(other, 'openai', { model: 'gpt-5' })),
    )
    const call = { ...asked, model: bedrockModel, tools }
    const { messages } = bedrock(url)
    const { data, response } = await messages.create(call).withResponse()
    expect(data.content).toMatchObject(content.slice(1))
    expect(response.headers.get('x-spillway-served-by')).toBe('local')
    expect(response.headers.get('x-spillway-fallback')).toBe('overloaded')
    const message = await messages.stream(call).finalMessage()
    expect(message.content).toMatchObject(content.slice(1))
  })

  it('reads a stream to its end that another target went on with', async () => {
    const claude = forThisTest(
      await startClaude({ reply: { text: 'one two three four' }, separateWrites: true }),
    )
    claude.always({ type: 'cut', at: 'after-content', how: 'reset' })
    const other = forThisTest(await startClaude({ reply: { text: ' five six' } }))
    const { url } = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), targetAt(other, 'anthropic'), {
        fallback: { midStream: 'continue' },
      }),
    )
    const message = await bedrock(url)
      .messages.stream({ ...asked, model: bedrockModel })
      .finalMessage()
    const [block] = message.content as Anthropic.TextBlock[]
    expect(block?.text).toMatch(/^one.*six$/)
    expect(message.stop_reason).toBe('end_turn')
  })

  it('that accepts restarts sees the marker and the other answer', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'one two three' }, separateWrites: true }))
    claude.always({ type: 'cut', at: 'after-content', how: 'reset' })
    const other = forThisTest(await startClaude({ reply: { text: 'four' } }))
    const { url } = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), targetAt(other, 'anthropic'), {
        fallback: { midStream: 'restart' },
      }),
    )
    const events = await bedrock(url).messages.create(
      { ...asked, model: bedrockModel, stream: true },
      { headers: { 'x-spillway-restart': 'accept' } },
    )
    const types: string[] = []
    for await (const { type } of events) types.push(type)
    const starts = types.filter((type) => /^(?:message_start|spillway_restart|message_stop)$/.test(type))
    expect(starts).toEqual(['message_start', 'spillway_restart', 'message_start', 'message_stop'])
  })

  it('is kept waiting by frames that its client skips', async () => {
    const claude = forThisTest(await startClaude({ reply }))
    claude.always({ type: 'slow-first-token', ms: 300 })
    const { url } = await gatewayOf(
      configOf(targetAt(claude, 'anthropic'), undefined, { server: { keepAliveAfter: '60ms' } }),
    )
    const message = await bedrock(url)
      .messages.stream({ ...asked, model: bedrockModel })
      .finalMessage()
    expect(message.content).toMatchObject(content)
    const vertex = venueClients[2]?.make(url).messages as VenueMessages
    const said = await vertex.stream({ ...asked, model: 'claude-opus-4-6' }).finalMessage()
    expect(said.content).toMatchObject(content)
    const { body: frames } = await awsClient(url).send(
      new InvokeModelWithResponseStreamCommand({ modelId: bedrockModel, body }),
    )
    const types: string[] = []
    for await (const { chunk } of frames ?? [])
      types.push(JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()).type)
    expect(types.slice(0, 2)).toEqual(['ping', 'ping'])
    expect(types.at(-1)).toBe('message_stop')
  })

  it('that leaves takes the upstream with it', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'slow-first-token', ms: Infinity })
    const { url } = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const leaving = new AbortController()
    const coming = claude.nextRequest()
    const answer = bedrock(url).messages.create(
      { ...asked, model: bedrockModel, stream: true },
      { signal: leaving.signal },
    )
    const request = await coming
    leaving.abort()
    await expect(answer).rejects.toThrow()
    await request.closedByPeer
  })
})

describe('what the gateway refuses itself', () => {
  const bedrockPath = `/model/${bedrockModel}/invoke`
  const vertexPath = '/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-5:rawPredict'

  it.each([
    ['a model that no route serves', '/model/meta.llama3/invoke', {}, 404, 'ResourceNotFoundException'],
    ['a body that is no JSON', bedrockPath, { body: '{' }, 400, 'ValidationException'],
    ['a body that is too large', bedrockPath, { body: ' '.repeat(1_100_000) }, 400, 'ValidationException'],
    ['another method', bedrockPath, { method: 'PUT' }, 400, 'ValidationException'],
    [
      'a page of another site',
      bedrockPath,
      { headers: { origin: 'https://evil.example' } },
      403,
      'AccessDeniedException',
    ],
    ['Converse', '/model/m/converse', {}, 400, 'ValidationException'],
    ['a model that no route serves', vertexPath.replace('claude', 'other'), {}, 404, 'NOT_FOUND'],
    ['a body that is too large', vertexPath, { body: ' '.repeat(1_100_000) }, 400, 'INVALID_ARGUMENT'],
    [
      'a page of another site',
      vertexPath,
      { headers: { origin: 'https://evil.example' } },
      403,
      'PERMISSION_DENIED',
    ],
  ])('%s at %s has the form of that cloud', async (_, path, init, status, name) => {
    const config = configOf(targetAt({ url: 'http://127.0.0.1:1' }, 'anthropic'), undefined, {
      server: { maxRequestBytes: '1MiB' },
      routes: [{ models: 'claude-*', target: 'claude' }],
    })
    const { url } = await gatewayOf(config)
    const response = await fetch(`${url}${path}`, { method: 'POST', body, ...init })
    const said = (await response.json()) as { message?: string; error?: { status: string; message: string } }
    expect([response.status, response.headers.get('x-amzn-errortype') ?? said.error?.status]).toEqual([
      status,
      name,
    ])
    expect(said.message ?? said.error?.message).toMatch(/./)
    expect(response.headers.get('x-spillway-call-id')).toMatch(/./)
    if (said.error === undefined) expect(response.headers.get('x-amzn-requestid')).toMatch(/./)
  })

  it('a foreign host at a cloud’s path, before anything else', async () => {
    const { url } = await gatewayOf(configOf(targetAt({ url: 'http://127.0.0.1:1' }, 'anthropic')))
    const headers = { host: 'evil.example' }
    const { statusCode, headers: said } = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${url}${bedrockPath}`, { method: 'POST', headers }, resolve).on('error', reject).end(body)
    })
    expect([statusCode, said['x-amzn-errortype']]).toEqual([403, 'AccessDeniedException'])
  })

  it('says of a signature, and of a cloud’s key, that an endpoint cannot be asked with it', async () => {
    const claude = forThisTest(await startClaude())
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const { url } = await gatewayOf(configOf(target))
    const refused = {
      status: 403,
      message: expect.stringMatching(/give the endpoint its own credential/),
    }
    await expect(bedrock(url).messages.create({ ...asked, model: bedrockModel })).rejects.toMatchObject(
      refused,
    )
    const aws = venueClients.find(({ name }) => name === '@anthropic-ai/aws-sdk')?.make(url)
      .messages as VenueMessages
    await expect(aws.create({ ...asked, model: 'claude-opus-5' })).rejects.toMatchObject({
      status: 401,
      message: expect.stringMatching(/a signature, which cannot be passed on/),
    })
    expect(claude.requests).toEqual([])
  })

  it('has no profiles, so that Claude Code takes the ids that it knows, and tells the model of an id', async () => {
    const { url } = await gatewayOf(configOf(targetAt({ url: 'http://127.0.0.1:1' }, 'anthropic')))
    const listed = await fetch(`${url}/inference-profiles?type=SYSTEM_DEFINED`)
    expect(await listed.json()).toEqual({ inferenceProfileSummaries: [] })
    const one = await fetch(`${url}/inference-profiles/${encodeURIComponent('us.anthropic.claude-opus-5')}`)
    expect(await one.json()).toMatchObject({
      models: [{ modelArn: expect.stringMatching(/anthropic\.claude-opus-5$/) }],
    })
    const unknown = await fetch(`${url}/inference-profiles/mine`)
    expect([unknown.status, unknown.headers.get('x-amzn-errortype')]).toEqual([
      404,
      'ResourceNotFoundException',
    ])
  })
})
