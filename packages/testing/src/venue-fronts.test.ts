import { describe, expect, it } from 'vitest'
import {
  type SimulatedServer,
  startClaudeAws,
  startClaudeGoogle,
  startFoundry,
  startMantle,
} from './index.ts'

const body = { model: 'claude-opus-5', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }
const version = { 'anthropic-version': '2023-06-01' }

/** Status, headers and body of an answer. */
async function ask(
  server: SimulatedServer,
  path: string,
  headers: Record<string, string>,
  more: object = {},
): Promise<{ status: number; headers: Headers; json: never }> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { ...version, ...headers },
    body: JSON.stringify({ ...body, ...more }),
  })
  return { status: response.status, headers: response.headers, json: (await response.json()) as never }
}
const error = (type: string, message: string): object => ({
  ...{ type: 'error', error: { type, message: expect.stringContaining(message) } },
  request_id: expect.stringMatching(/^req_/),
})
const limitsIn = (headers: Headers): number =>
  [...headers.keys()].filter((name) => name.startsWith('anthropic-ratelimit-')).length

describe('Mantle', () => {
  const path = '/anthropic/v1/messages'
  const model = 'anthropic.claude-opus-5'

  it('takes a key in either header, counts, and says nothing of limits', async () => {
    await using server = await startMantle({ apiKeys: ['right'] })
    for (const headers of [{ 'x-api-key': 'right' }, { authorization: 'Bearer right' }]) {
      const answer = await ask(server, path, headers as Record<string, string>, { model })
      expect(answer.status).toBe(200)
      expect(limitsIn(answer.headers)).toBe(0)
      expect(answer.headers.get('x-amzn-requestid')).toMatch(/\w/)
    }
    const counted = await ask(
      server,
      `${path}/count_tokens`,
      { 'x-api-key': 'right' },
      { model, max_tokens: undefined },
    )
    expect(counted.json).toEqual({ input_tokens: 2 })
    expect((await ask(server, path, { 'x-api-key': 'wrong' }, { model })).status).toBe(401)
    expect((await ask(server, path, {}, { model })).status).toBe(401)
  })

  it.each([
    ['profiles', { model: `us.${model}` }, 404, "The model 'us.anthropic.claude-opus-5' does not exist"],
    ['first-party names', {}, 404, "The model 'claude-opus-5' does not exist"],
    [
      'schemas of answers',
      { model, output_config: { format: { type: 'json_schema' } } },
      400,
      'output_config.format',
    ],
    ['other models to try', { model, fallbacks: [] }, 400, 'fallbacks: Extra inputs are not permitted'],
    [
      'tools of servers',
      { model, tools: [{ type: 'code_execution_20250825', name: 'c' }] },
      400,
      'tools.0: Input tag',
    ],
    [
      'sources to fetch',
      {
        model,
        messages: [
          { role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://a.b' } }] },
        ],
      },
      400,
      'URL sources are not supported',
    ],
  ])('refuses %s', async (_name, more, status, message) => {
    await using server = await startMantle()
    const answer = await ask(server, path, { 'x-api-key': 'key' }, more)
    const type = status === 404 ? 'not_found_error' : 'invalid_request_error'
    expect([answer.status, answer.json]).toEqual([status, error(type, message)])
  })

  it('has neither models nor batches, nor anything outside of its path', async () => {
    await using server = await startMantle()
    const status = async (path: string): Promise<number> =>
      (await ask(server, path, { 'x-api-key': 'key' })).status
    expect(await status('/anthropic/v1/messages/batches')).toBe(404)
    expect(await status('/v1/messages')).toBe(404)
    const models = await fetch(`${server.url}/anthropic/v1/models`, {
      headers: { 'x-api-key': 'key', ...version },
    })
    expect(models.status).toBe(404)
  })
})

describe('the Claude Platform on AWS', () => {
  const key = { 'x-api-key': 'right' }
  const inside = { ...key, 'anthropic-workspace-id': 'wrkspc_1' }

  it('wants a workspace, and says what is left of its limits', async () => {
    await using server = await startClaudeAws({ apiKeys: ['right'], workspaces: ['wrkspc_1'] })
    const { status, headers } = await ask(server, '/v1/messages', inside)
    expect(status).toBe(200)
    expect(limitsIn(headers)).toBe(12)
    expect([headers.get('request-id'), headers.get('x-amzn-requestid')]).toEqual([
      expect.stringMatching(/^req_/),
      expect.stringMatching(/\w/),
    ])
    const refusals = [
      await ask(server, '/v1/messages', { ...inside, 'x-api-key': 'wrong' }),
      await ask(server, '/v1/messages', key),
      await ask(server, '/v1/messages', { ...key, 'anthropic-workspace-id': 'wrkspc_2' }),
    ]
    expect(refusals.map((each) => [each.status, each.json])).toEqual([
      [401, error('authentication_error', 'API Key')],
      [400, error('invalid_request_error', 'anthropic-workspace-id: header is required')],
      [404, error('not_found_error', 'wrkspc_2')],
    ])
    const models = await fetch(`${server.url}/v1/models`, { headers: { ...inside, ...version } })
    expect(models.status).toBe(200)
  })

  it('says with 400 that the spend limit is reached, until it is raised', async () => {
    let isReached = true
    await using server = await startClaudeAws({ spendLimitReached: () => isReached })
    const refused = await ask(server, '/v1/messages', inside)
    expect([refused.status, refused.json]).toEqual([
      400,
      error('invalid_request_error', 'You have reached your specified API usage limits'),
    ])
    isReached = false
    expect((await ask(server, '/v1/messages', inside)).status).toBe(200)
  })
})

describe('Foundry', () => {
  const path = '/anthropic/v1/messages'

  it('takes keys and tokens, and answers with the model of a deployment', async () => {
    await using server = await startFoundry({
      ...{ apiKeys: ['key'], tokens: ['token'], deployments: { mine: 'claude-opus-5' } },
    })
    for (const headers of [{ 'api-key': 'key' }, { 'x-api-key': 'key' }, { authorization: 'Bearer token' }]) {
      const answer = await ask(server, path, headers as Record<string, string>, { model: 'mine' })
      expect([answer.status, answer.json]).toMatchObject([200, { model: 'claude-opus-5' }])
      expect(limitsIn(answer.headers)).toBe(0)
      expect(answer.headers.get('apim-request-id')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      expect(answer.headers.get('request-id')).toMatch(/^req_/)
    }
    const unknown = await ask(server, path, { 'api-key': 'key' })
    expect([unknown.status, unknown.json]).toEqual([
      404,
      { error: { code: 'DeploymentNotFound', message: expect.stringMatching(/^The API deployment/) } },
    ])
    for (const headers of [{}, { 'api-key': 'wrong' }, { authorization: 'Bearer key' }]) {
      const stranger = await ask(server, path, headers as Record<string, string>, { model: 'mine' })
      expect([stranger.status, stranger.json, stranger.headers.get('request-id')]).toEqual([
        401,
        {
          error: {
            code: '401',
            message: expect.stringMatching(/^Access denied due to invalid subscription key/),
          },
        },
        null,
      ])
    }
  })
})

describe('Claude on Google Cloud', () => {
  it('is there in its projects, places and workspaces', async () => {
    await using server = await startClaudeGoogle({
      ...{ tokens: (token) => token === 'right', projects: ['p'], locations: ['us'], workspaces: ['w'] },
    })
    const status = async (place: string, token = 'right'): Promise<number> => {
      const [project, location, workspace] = place.split('/')
      const path = `/v1/projects/${project}/locations/${location}/workspaces/${workspace}/invoke/v1/messages`
      return (await ask(server, path, { authorization: `Bearer ${token}` })).status
    }
    expect(await status('p/us/w')).toBe(200)
    expect(await status('p/us/w', 'wrong')).toBe(401)
    expect(await status('q/us/w')).toBe(403)
    expect(await status('p/eu/w')).toBe(404)
    expect(await status('p/us/v')).toBe(404)
    expect((await ask(server, '/v1/messages', { authorization: 'Bearer right' })).status).toBe(404)
  })
})
