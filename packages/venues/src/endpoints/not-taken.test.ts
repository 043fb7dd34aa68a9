import { createClient, type ProviderProfile } from '@spillway/core-client'
import { createRequest, listen } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import {
  type BedrockOptions as ServerOptions,
  startBedrock,
  startMantle,
  startVertex,
  virtualClock,
} from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { bedrock, bedrockMantle, vertex } from '../index.ts'

const model = 'claude-sonnet-4-6'
const hello = [{ role: 'user', content: 'Hello' }]

/** A client whose calls tell what they have lost. */
function asking(provider: ProviderProfile) {
  const client = createClient({ provider, credential: 'key' })
  const clock = virtualClock()
  const ask = async (body: object, headers: Record<string, string> = {}, operation?: 'count_tokens') => {
    const told: string[] = []
    const request = createRequest({
      ...{ api: 'anthropic', model, stream: false, url: '/v1/messages', clock, deadline: Infinity },
      ...(operation && { operation }),
      headers: { 'anthropic-version': '2026-10-21', ...headers },
      body: jsonBodyFromObject({ model, max_tokens: 9, messages: hello, ...body }),
    })
    const response = await client.handler(
      listen(request, (event) => {
        if (event.type === 'degraded') told.push(...event.losses)
      }),
    )
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    return { ...response, told, said: JSON.parse(Buffer.concat(chunks).toString()) }
  }
  return { ask, clock, close: () => client.close() }
}

const atBedrock = async (options: ServerOptions = {}) => {
  const server = await startBedrock(options)
  return { server, ...asking(bedrock({ region: 'us-east-1', url: server.url })) }
}

describe('what Bedrock does not take', () => {
  it('is left out and told where it is a hint', async () => {
    const { server, ask, close } = await atBedrock()
    const betas = 'interleaved-thinking-2025-05-14, prompt-caching-scope-2026-01-05'
    const hints = { metadata: { user_id: 'u' }, service_tier: 'auto', fallbacks: null }
    const { failure, headers, told } = await ask(hints, { 'anthropic-beta': betas, 'x-amz-date': 'callers' })
    expect(failure).toBeUndefined()
    expect(told).toEqual(['service_tier', 'betas'])
    expect(headers['x-spillway-degraded']).toBe('betas, service_tier')
    expect(server.requests[0]?.json).toEqual({
      anthropic_version: 'bedrock-2023-05-31',
      anthropic_beta: ['interleaved-thinking-2025-05-14'],
      ...{ max_tokens: 9, messages: hello, metadata: { user_id: 'u' } },
    })
    expect(server.requests[0]?.headers['x-amz-date']).toBeUndefined()
    await close()
    await server.close()
  })

  const image = (source: object) => ({ messages: [{ role: 'user', content: [{ type: 'image', source }] }] })
  it.each([
    [
      'a server tool',
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      'web_search_20250305',
    ],
    ['a container', { container: 'c' }, '`container`'],
    ['an MCP server', { mcp_servers: [{ type: 'url', url: 'https://x' }] }, '`mcp_servers`'],
    ['a place', { inference_geo: 'us' }, '`inference_geo`'],
    ['a URL', image({ type: 'url', url: 'https://x/y.png' }), 'by their URL'],
    ['a file', image({ type: 'file', file_id: 'f' }), 'uploaded files'],
  ])('is for another endpoint where the answer would be another: %s', async (_, body, words) => {
    const { server, ask, close } = await atBedrock()
    const { failure } = await ask(body)
    expect(failure).toMatchObject({
      kind: 'unfit',
      origin: 'spillway',
      message: expect.stringContaining(words),
    })
    expect(server.requests).toHaveLength(0)
    await close()
    await server.close()
  })

  it('is not what only looks like it', async () => {
    const { server, ask, close } = await atBedrock()
    const text = [{ type: 'text', text: 'a "url" and a "file"' }]
    const body = {
      messages: [{ role: 'user', content: text }],
      container: null,
      mcp_servers: [],
      inference_geo: null,
    }
    const tool = { name: 'web_search_20250305', input_schema: { type: 'object' } }
    // `null` is nothing to ask for, yet Bedrock knows no such field.
    expect((await ask({ ...body, tools: [tool] })).failure).toBeUndefined()
    await close()
    await server.close()
  })
})

describe('what a venue refuses is learned', () => {
  it.each([
    ['context_management: Extra inputs are not permitted', { context_management: { edits: [] } }, 'betas'],
    [
      'Malformed input request: #: extraneous key [user_profile_id] is not permitted, please reformat your input and try again.',
      { user_profile_id: 'u' },
      'metadata',
    ],
    ['output_config.effort: Extra inputs are not permitted', { output_config: { effort: 'low' } }, 'effort'],
    [
      'tools.0.custom.eager_input_streaming: Extra inputs are not permitted',
      { tools: [{ name: 'a', input_schema: { type: 'object' }, eager_input_streaming: true }] },
      'betas',
    ],
    [
      'system.0.cache_control.ephemeral.scope: Extra inputs are not permitted',
      { system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', scope: 'global' } }] },
      'cache_control',
    ],
  ])('for a field that is a hint: %s', async (message, body, loss) => {
    const { server, ask, clock, close } = await atBedrock()
    server.next({ type: 'status', status: 400, message })
    const first = await ask(body)
    expect([first.failure, first.told, server.requests.length]).toEqual([undefined, [loss], 2])
    const second = await ask(body)
    expect([second.failure, second.told, server.requests.length]).toEqual([undefined, [loss], 3])
    expect(second.headers['x-spillway-degraded']).toBe(loss)
    // A cloud learns too.
    await clock.advance(3_600_001)
    expect((await ask(body)).told).toEqual([])
    await close()
    await server.close()
  })

  it('for a field without which the answer would be another: such calls go elsewhere', async () => {
    const { server, ask, close } = await atBedrock()
    server.next({
      type: 'status',
      status: 400,
      message: 'output_config.format: Extra inputs are not permitted',
    })
    const body = { output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }
    for (let turn = 0; turn < 2; turn++) {
      const { failure } = await ask(body)
      expect(failure).toMatchObject({
        kind: 'unfit',
        message: expect.stringContaining('`output_config.format`'),
      })
      expect(server.requests).toHaveLength(1)
    }
    expect((await ask({})).failure).toBeUndefined()
    await close()
    await server.close()
  })

  it('for who shares the prompt cache, wherever that is said', async () => {
    // Claude Code says it to gateways too. Seen to 2026-05 (Wei-Shaw/claude-relay-service#965, caozhiyuan/copilot-api#263).
    const { server, ask, close } = await atBedrock()
    const message = 'tools.0.custom.cache_control.ephemeral.scope: Extra inputs are not permitted'
    server.next({ type: 'status', status: 400, message })
    const body = (control: object) => ({
      system: [
        { type: 'text', text: 'x' },
        { type: 'text', text: 'y', cache_control: control },
      ],
      tools: [{ name: 'a', input_schema: { type: 'object' }, cache_control: control }],
      messages: [{ role: 'user', content: [{ type: 'text', text: '"scope"', cache_control: control }] }],
    })
    expect((await ask(body({ type: 'ephemeral', scope: 'global', ttl: '1h' }))).failure).toBeUndefined()
    expect(server.requests[1]?.json).toMatchObject(body({ type: 'ephemeral', ttl: '1h' }))
    expect(JSON.stringify(server.requests[1]?.json)).not.toContain('global')
    await close()
    await server.close()
  })

  it('for one item of a list: no other call goes elsewhere for it', async () => {
    const { server, ask, close } = await atBedrock()
    const message = 'messages.0.content.0.text.citing: Extra inputs are not permitted'
    server.next({ type: 'status', status: 400, message })
    expect((await ask({})).failure).toMatchObject({ kind: 'unfit' })
    expect((await ask({})).failure).toBeUndefined()
    await close()
    await server.close()
  })

  it('for betas, down to none', async () => {
    const { server, ask, close } = await atBedrock()
    const refusal = { type: 'status', status: 400, message: 'invalid beta flag' } as const
    server.next(refusal)
    server.next(refusal)
    const betas = { 'anthropic-beta': 'interleaved-thinking-2025-05-14,context-1m-2025-08-07' }
    expect((await ask({}, betas)).told).toEqual(['betas'])
    const sent = server.requests.map(({ json }) => (json as { anthropic_beta?: string[] }).anthropic_beta)
    expect(sent).toEqual([
      ['interleaved-thinking-2025-05-14', 'context-1m-2025-08-07'],
      ['interleaved-thinking-2025-05-14'],
      undefined,
    ])
    await ask({}, betas)
    expect(server.requests).toHaveLength(4)
    await close()
    await server.close()
  })

  it('for betas by their names', async () => {
    const server = await startVertex()
    const { ask, close } = asking(vertex({ project: 'p', region: 'global', url: server.url }))
    server.next({
      ...{ type: 'status', status: 400 },
      message: 'Unexpected value(s) `b-2` for the `anthropic-beta` header. Please consult our documentation.',
    })
    expect((await ask({}, { 'anthropic-beta': 'a-1,b-2' })).told).toEqual(['betas'])
    expect(server.requests.map(({ headers }) => headers['anthropic-beta'])).toEqual(['a-1,b-2', 'a-1'])
    await close()
    await server.close()
  })

  it('for the id of a model: its profile, or the model of the region', async () => {
    const { server, ask, close } = await atBedrock()
    server.next({ type: 'status', status: 400, message: 'The provided model identifier is invalid.' })
    expect((await ask({})).failure).toBeUndefined()
    await ask({})
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/model/us.anthropic.claude-sonnet-4-6/invoke',
      '/model/anthropic.claude-sonnet-4-6/invoke',
      '/model/anthropic.claude-sonnet-4-6/invoke',
    ])
    await close()
    await server.close()
  })

  it('and a model that is not there under any id is the venue’s own word', async () => {
    const { server, ask, close } = await atBedrock({ models: [] })
    for (let turn = 0; turn < 2; turn++) {
      const { failure, said } = await ask({})
      expect(failure).toMatchObject({ kind: 'not_found', scope: 'model', origin: 'upstream' })
      expect(said).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
    }
    await close()
    await server.close()
  })

  it('for a count of tokens, which is estimated and told then', async () => {
    const { server, ask, close } = await atBedrock({ uncountedModels: ['anthropic.claude-sonnet-4-6'] })
    for (let turn = 0; turn < 2; turn++) {
      const { told, said, headers } = await ask({}, {}, 'count_tokens')
      expect([told, headers['x-spillway-degraded']]).toEqual([['token_count'], 'token_count'])
      expect(said).toEqual({ input_tokens: expect.any(Number) })
    }
    expect(server.requests).toHaveLength(1)
    await close()
    await server.close()
  })
})

it.each([
  ['output_config', { output_config: { format: { type: 'json_schema' } } }],
  [
    'a URL',
    { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'x' } }] }] },
  ],
])('Mantle does not take %s', async (_, body) => {
  const server = await startMantle()
  const { ask, close } = asking(bedrockMantle({ region: 'us-east-1', url: `${server.url}/anthropic` }))
  expect((await ask(body)).failure?.kind).toBe('unfit')
  expect(server.requests).toHaveLength(0)
  await close()
  await server.close()
})
