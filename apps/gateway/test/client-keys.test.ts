import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import { startClaude } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { newClientKey } from '../src/clients/client-key.ts'
import type { AnsweredCall, Gateway } from '../src/index.ts'
import { callPaths } from '../src/server/call-paths.ts'
import { clientsOf, type TestClients } from './clients.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'

const model = 'claude-opus-5-5'
const question = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hello?' }] }

async function gatewayFor(settings: Parameters<typeof clientsOf>[0], more: object = {}) {
  const claude = forThisTest(await startClaude({ models: [model, 'claude-haiku-5-5'] }))
  const clients = await clientsOf(settings)
  const calls: AnsweredCall[] = []
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), undefined, { server: clients.server, ...more }),
    calls,
  )
  return { claude, clients, gateway, calls }
}

const ask = (
  gateway: Gateway,
  headers: Record<string, string>,
  body: object = question,
  path = '/v1/messages',
) =>
  fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const keyOf = ({ keys }: TestClients, name: string): string => keys[name] as string

/** A request with a path that `fetch` would have tidied up. */
const rawStatus = (gateway: Gateway, method: string, path: string, headers = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url)
    request({ hostname, port, method, path, headers, agent: false }, (res) => {
      res.resume()
      resolve(res.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })

describe('a gateway with auth: keys', () => {
  it('serves a client by its key, however it is sent, and shows the key to nobody', async () => {
    const { claude, clients, gateway, calls } = await gatewayFor({ web: { team: 'shop' } })
    const key = keyOf(clients, 'web')
    const ways = [
      { 'x-api-key': key },
      { authorization: `Bearer ${key}` },
      { authorization: `bearer  ${key}` },
      { 'api-key': key },
      { 'x-api-key': key, authorization: 'Bearer sk-ant-of-another-vendor' },
      { 'x-api-key': 'sk-ant-of-another-vendor', authorization: `Bearer ${key}` },
      // A key that was set with its scheme, and the session of an app that has a login besides.
      { authorization: `Bearer Bearer ${key}` },
      { 'x-api-key': `Bearer ${key}` },
      { 'x-api-key': key, authorization: 'Bearer sk-ant-oat01-of-a-login' },
    ]
    for (const headers of ways) expect((await ask(gateway, headers)).status).toBe(200)
    expect(calls.map(({ tenant }) => tenant)).toEqual(ways.map(() => 'web'))
    const sent = JSON.stringify(claude.requests)
    expect(sent).not.toContain(key)
    expect(sent).not.toMatch(/of-another-vendor|of-a-login/)
    expect(new Set(claude.requests.map(({ headers }) => headers['x-api-key']))).toEqual(
      new Set([ownKey.value]),
    )
    const file = clients.server.clientsFile
    expect(readFileSync(file, 'utf8')).not.toContain(key.slice(8))
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('refuses all else, says no more than that a key is unknown, and asks no upstream', async () => {
    const { claude, clients, gateway } = await gatewayFor({
      gone: {},
      late: { expiresAt: Date.now() - 1 },
      other: {},
    })
    await clients.revoke('gone')
    const key = keyOf(clients, 'other')
    await expect
      .poll(async () => (await ask(gateway, { 'x-api-key': keyOf(clients, 'gone') })).status, {
        timeout: 3_000,
      })
      .toBe(401)
    const before = claude.requests.length
    const messageFor = async (headers: Record<string, string>): Promise<string> => {
      const response = await ask(gateway, headers)
      expect(response.status).toBe(401)
      expect(response.headers.get('x-should-retry')).toBe('false')
      const { error } = (await response.json()) as { error: { type: string; message: string } }
      expect(error.type).toBe('authentication_error')
      return error.message
    }
    const unknown = [keyOf(clients, 'gone'), keyOf(clients, 'late'), newClientKey()]
    const said = await Promise.all(unknown.map((each) => messageFor({ 'x-api-key': each })))
    expect(new Set(said)).toEqual(new Set(['this key is unknown, revoked or expired']))
    expect(await messageFor({})).toContain('is missing')
    expect(await messageFor({ authorization: 'Bearer sk-ant-x' })).toContain('start with sw-')
    expect(await messageFor({ authorization: `Bearer ${key.slice(0, -1)}` })).toContain('mistyped')
    expect(await messageFor({ authorization: `Bearer ${key}, Bearer ${key}` })).toContain('mistyped')
    expect(await messageFor({ authorization: 'AWS4-HMAC-SHA256 Credential=a/b, Signature=c' })).toContain(
      'not verified',
    )
    const inUrl = await ask(gateway, { 'x-api-key': key }, question, `/v1/messages?key=${key}`)
    expect([inUrl.status, await inUrl.text()]).toEqual([401, expect.stringMatching(/in the URL.*replace it/)])
    expect(claude.requests.length).toBe(before)
  })

  it('asks for a key on every path, known or not, whatever its method, but for its health', async () => {
    const { claude, gateway } = await gatewayFor({ web: {} })
    const bedrock = '/model/us.anthropic.claude-opus-5-5/invoke'
    const vertex = `/v1/projects/p/locations/l/publishers/anthropic/models/${model}:rawPredict`
    const ofItself = [
      ...callPaths,
      ...[
        '/v1/models',
        `/v1/models/${model}`,
        '/v1/models/',
        '/v1/messages/batches',
        '/v1/messages/batches/msgbatch_1',
      ],
      ...[
        '/v1/messages/batches/msgbatch_1/results',
        '/v1/batches',
        '/v1/batches/batch_1/cancel',
        '/v1/files',
      ],
      ...[
        '/v1/files/file_1',
        '/v1/files/file_1/content',
        '/anthropic/v1/messages',
        '/anthropic/v1/messages/count_tokens',
      ],
      ...[vertex, vertex.replace('raw', 'streamRaw'), vertex.replace('/v1/', '/')],
      ...[
        '/chat/completions',
        '/v1/v1/messages',
        '/messages',
        '/v1/nothing',
        '/nothing',
        '/admin',
        '/dashboard',
      ],
    ]
    // What confuses one parser and not another.
    const tricks = [
      ...[
        '//v1/messages',
        '/v1/messages/',
        '/v1//messages',
        '/%761/messages',
        '/v1/messages;a=b',
        '/V1/MESSAGES',
      ],
      ...[
        '/healthz/../v1/messages',
        '/healthz/..%2fv1/messages',
        '/healthz;/v1/messages',
        '/v1/messages#/healthz',
      ],
      ...['/readyz/x', '/api/../v1/messages', '/assets/../v1/messages', '/v1/messages?/healthz', '//healthz'],
      ...['/apis', '/api%2f..%2fv1/messages', '/.well-known/oauth-authorization-server'],
    ]
    for (const method of ['POST', 'GET', 'DELETE']) {
      const statuses = await Promise.all(ofItself.map((path) => rawStatus(gateway, method, path)))
      expect(statuses.map((status, index) => [ofItself[index], status])).toEqual(
        ofItself.map((path) => [path, 401]),
      )
      for (const path of tricks) {
        const status = await rawStatus(gateway, method, path)
        // Files of the pages hold nothing of this gateway, and need no key.
        expect([path, method, status]).toEqual([path, method, path.startsWith('/assets/') ? 404 : 401])
      }
    }
    // As AWS says it.
    for (const path of [
      bedrock,
      `${bedrock}-with-response-stream`,
      '/inference-profiles',
      '/model/x/converse',
    ])
      expect([path, await rawStatus(gateway, 'POST', path)]).toEqual([path, 403])
    expect(claude.requests).toEqual([])
    for (const path of ['/healthz', '/readyz', '/']) expect(await rawStatus(gateway, 'GET', path)).toBe(200)
    for (const path of ['/metrics', '/api/overview', '/api'])
      expect([path, await rawStatus(gateway, 'GET', path)]).toEqual([path, 401])
  })

  it('answers in the words of the protocol, so that official SDKs throw their own errors', async () => {
    const { clients, gateway } = await gatewayFor({
      cheap: { models: ['claude-haiku-*'] },
      code: { permissions: ['claude:code'] },
      revoked: {},
    })
    const anthropic = (apiKey: string) =>
      new Anthropic({ apiKey, authToken: null, baseURL: gateway.url, maxRetries: 2 })
    const openai = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 2 })
    const wrong = newClientKey()
    await expect(anthropic(wrong).messages.create(question)).rejects.toThrow(Anthropic.AuthenticationError)
    await expect(openai(wrong).chat.completions.create(question)).rejects.toThrow(OpenAI.AuthenticationError)
    await expect(openai(wrong).responses.create({ model, input: 'Hello?' })).rejects.toThrow(
      OpenAI.AuthenticationError,
    )
    const cheap = keyOf(clients, 'cheap')
    const refused = anthropic(cheap).messages.create(question)
    await expect(refused).rejects.toThrow(Anthropic.PermissionDeniedError)
    await expect(refused).rejects.toThrow(
      `the model ${model} is not allowed for cheap; allowed: claude-haiku-*`,
    )
    const code = keyOf(clients, 'code')
    const chat = openai(code).chat.completions.create(question)
    await expect(chat).rejects.toThrow(OpenAI.PermissionDeniedError)
    await expect(chat).rejects.toThrow('code lacks the permission call:chat')
    expect((await anthropic(code).messages.create(question)).type).toBe('message')
    const google = await ask(
      gateway,
      { authorization: `Bearer ${wrong}` },
      question,
      `/v1/projects/p/locations/l/publishers/anthropic/models/${model}:rawPredict`,
    )
    expect([google.status, await google.json()]).toMatchObject([
      401,
      { error: { status: 'UNAUTHENTICATED' } },
    ])
    const aws = await ask(
      gateway,
      { authorization: `Bearer ${wrong}` },
      question,
      `/model/anthropic.${model}/invoke`,
    )
    expect([aws.status, aws.headers.get('x-amzn-errortype')]).toEqual([
      403,
      expect.stringContaining('UnrecognizedClientException'),
    ])
  })

  it('lets a client do what it may, and says which permission is missing', async () => {
    const { claude, clients, gateway } = await gatewayFor({
      plain: { permissions: ['chat'] },
      small: { permissions: ['chat', 'tools', 'batches'], models: ['claude-haiku-*'], maxTokens: 200 },
      none: { permissions: ['of-a-newer-version'] },
    })
    const said = async (name: string, body: object, path?: string): Promise<readonly [number, string]> => {
      const response = await ask(gateway, { 'x-api-key': keyOf(clients, name) }, body, path)
      return [response.status, await response.text()]
    }
    const tools = [{ name: 'a', input_schema: { type: 'object' } }]
    const haiku = { ...question, model: 'claude-haiku-5-5' }
    const refused: readonly (readonly [string, object, string, string?])[] = [
      ['plain', { ...question, tools }, 'permission tools:client'],
      ['plain', question, 'permission batches', '/v1/messages/batches'],
      ['plain', question, 'permission files', '/v1/files'],
      ['none', question, 'permission call:messages'],
      ['small', question, 'claude-opus-5-5 is not allowed'],
      ['small', { ...haiku, fallbacks: [{ model }] }, 'claude-opus-5-5 is not allowed'],
      [
        'small',
        { ...haiku, tools: [{ type: 'advisor_20260301', name: 'advisor', model }] },
        'is not allowed',
      ],
      ['small', { ...haiku, models: [model] }, 'is not allowed', '/v1/chat/completions'],
      ['small', { ...haiku, max_tokens: 201 }, 'max_tokens: small may ask for at most 200'],
      ['small', { ...haiku, max_tokens: '201' }, 'max_tokens: small may ask for at most 200'],
      ['small', { ...haiku, max_completion_tokens: 201 }, 'max_completion_tokens', '/v1/chat/completions'],
      ['small', { ...haiku, max_tokens: undefined }, 'max_tokens is missing', '/v1/chat/completions'],
      ['small', question, 'cannot make any', '/v1/messages/batches'],
      [
        'small',
        { ...question, anthropic_version: 'vertex-2023-10-16', model: undefined },
        'is not allowed',
        `/v1/projects/p/locations/l/publishers/anthropic/models/${model}:rawPredict`,
      ],
    ]
    for (const [name, body, message, path] of refused)
      expect(await said(name, body, path)).toEqual([403, expect.stringContaining(message)])
    expect(claude.requests.filter(({ method }) => method === 'POST')).toEqual([])
    expect((await said('plain', question))[0]).toBe(200)
    expect((await said('small', { ...haiku, tools }))[0]).toBe(200)
    // A cloud's name of a model that is allowed.
    const aws = { ...haiku, model: undefined, anthropic_version: 'bedrock-2023-05-31' }
    expect((await said('small', aws, '/model/us.anthropic.claude-haiku-5-5/invoke'))[0]).toBe(200)
  })

  it('refuses what reaches outside, costs more or is no text to clients that may not, by the permission that is missing', async () => {
    const { claude, clients, gateway } = await gatewayFor({
      text: { permissions: ['call:messages', 'call:chat', 'tools:client'] },
      usual: {},
      counter: { permissions: ['call:count_tokens'] },
      scraper: { permissions: ['metrics'] },
      small: { maxTokens: 200 },
    })
    const said = async (name: string, body: object, path?: string): Promise<readonly [number, string]> => {
      const response = await ask(gateway, { 'x-api-key': keyOf(clients, name) }, body, path)
      return [response.status, await response.text()]
    }
    const showing = (block: object) => ({ ...question, messages: [{ role: 'user', content: [block] }] })
    const source = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' }
    const search = { ...question, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }
    const refused: readonly (readonly [string, object, string, string?])[] = [
      ['text', showing({ type: 'image', source }), 'images'],
      [
        'text',
        showing({ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'image', source }] }),
        'images',
      ],
      ['text', showing({ type: 'document', source }), 'documents'],
      [
        'text',
        showing({ type: 'image_url', image_url: { url: 'https://a' } }),
        'images',
        '/v1/chat/completions',
      ],
      ['text', search, 'tools:web'],
      ['text', { ...question, model: `${model}:online` }, 'tools:web', '/v1/chat/completions'],
      ['text', { ...question, mcp_servers: [{ type: 'url', url: 'https://a', name: 'a' }] }, 'tools:mcp'],
      ['text', { ...question, container: 'container_1' }, 'tools:code'],
      ['text', question, 'call:responses', '/v1/responses'],
      ['text', question, 'call:count_tokens', '/v1/messages/count_tokens'],
      ['counter', question, 'call:messages'],
      ['scraper', question, 'call:messages'],
    ]
    for (const [name, body, permission, path] of refused) {
      const [status, text] = await said(name, body, path)
      expect([status, text]).toEqual([
        403,
        expect.stringContaining(`lacks the permission ${permission}, which`),
      ])
      expect(text).toMatch(new RegExp(`clients set ${name} --permissions [\\w:,]*,?${permission}\\\\"`))
    }
    const messageOf = async (more: object, path?: string) =>
      (await said('small', { ...question, ...more }, path))[1]
    expect(await messageOf({ n: 3 }, '/v1/chat/completions')).toContain('n: small may ask for at most 200')
    expect(await messageOf({ fallbacks: [{ model, max_tokens: 201 }] })).toContain('fallbacks: small may')
    const models = (name: string) =>
      fetch(`${gateway.url}/v1/models`, { headers: { 'x-api-key': keyOf(clients, name) } })
    expect([(await models('scraper')).status, (await models('text')).status]).toEqual([403, 403])
    const posts = () => claude.requests.filter(({ method }) => method === 'POST')
    expect(posts()).toEqual([])
    expect((await said('usual', showing({ type: 'image', source })))[0]).toBe(200)
    expect((await said('usual', search))[0]).toBe(200)
    expect((await said('text', question))[0]).toBe(200)
    expect((await said('small', { ...question, n: 2 }, '/v1/chat/completions'))[0]).toBe(200)
    const { max_tokens: _, ...counted } = question
    expect((await said('counter', counted, '/v1/messages/count_tokens'))[0]).toBe(200)
    expect(posts()).toHaveLength(5)
  })

  it('lets a client be served by the targets alone that it may reach, fallbacks too', async () => {
    const [first, second] = [forThisTest(await startClaude()), forThisTest(await startClaude())]
    const clients = await clientsOf({
      inside: { targets: ['local*'], permissions: ['chat', 'batches'] },
      all: { targets: ['claude', 'local'] },
    })
    const gateway = await gatewayOf({
      ...configOf(targetAt(first, 'anthropic'), targetAt(second, 'anthropic'), { server: clients.server }),
      routes: [
        { models: 'claude-haiku-*', target: 'local' },
        { models: '*', target: 'claude', fallback: ['local'] },
      ],
    })
    const said = async (name: string, body: object, path?: string) => {
      const response = await ask(gateway, { 'x-api-key': keyOf(clients, name) }, body, path)
      return [response.status, await response.text()]
    }
    const haiku = { ...question, model: 'claude-haiku-5-5' }
    expect((await said('inside', haiku))[0]).toBe(200)
    expect(await said('inside', question)).toEqual([
      403,
      expect.stringContaining(
        'may be answered by the target claude, which is not allowed for inside; allowed: local*',
      ),
    ])
    expect((await said('all', question))[0]).toBe(200)
    const headers = { 'x-api-key': keyOf(clients, 'inside') }
    const list = (await (await fetch(`${gateway.url}/v1/models`, { headers })).json()) as {
      data: { id: string }[]
    }
    expect(list.data.map(({ id }) => id)).toEqual(['claude-haiku-5-5'])
    const batch = { requests: [{ custom_id: '1', params: haiku }] }
    const own = { ...headers, 'anthropic-version': '2023-06-01' }
    expect((await ask(gateway, own, batch, '/v1/messages/batches')).status).toBe(200)
    const paths = ({ requests }: typeof first) => requests.map(({ path }) => path)
    expect(paths(first).filter((path) => path.includes('batches'))).toEqual([])
    expect(paths(second)).toContain('/v1/messages/batches')
  })

  it('shows a client the models that it may use', async () => {
    const { clients, gateway } = await gatewayFor({ all: {}, cheap: { models: ['claude-haiku-*'] } })
    const models = async (name: string, path = ''): Promise<unknown> => {
      const headers = { 'x-api-key': keyOf(clients, name) }
      const response = await fetch(`${gateway.url}/v1/models${path}`, { headers })
      const body = (await response.json()) as { data?: { id: string; type: string }[] }
      return body.data?.map(({ id, type }) => `${type} ${id}`) ?? response.status
    }
    expect(await models('all')).toEqual([`model ${model}`, 'model claude-haiku-5-5'])
    expect(await models('cheap')).toEqual(['model claude-haiku-5-5'])
    expect(await models('cheap', `/${model}`)).toBe(404)
  })

  it('keeps batches and files to the client that has made them', async () => {
    const mayAll = { permissions: ['chat', 'batches', 'files'] }
    const { clients, gateway } = await gatewayFor({ a: mayAll, b: mayAll })
    const of = (name: string) =>
      new Anthropic({ apiKey: keyOf(clients, name), authToken: null, baseURL: gateway.url, maxRetries: 0 })
    const [a, b] = [of('a').messages.batches, of('b').messages.batches]
    const mine = await a.create({ requests: [{ custom_id: '1', params: question }] })
    const theirs = await b.create({ requests: [{ custom_id: '1', params: question }] })
    expect((await a.list()).data.map(({ id }) => id)).toEqual([mine.id])
    expect((await b.list()).data.map(({ id }) => id)).toEqual([theirs.id])
    expect((await a.retrieve(mine.id)).id).toBe(mine.id)
    await expect(b.retrieve(mine.id)).rejects.toThrow(Anthropic.NotFoundError)
    await expect(b.cancel(mine.id)).rejects.toThrow(Anthropic.NotFoundError)
    await expect(a.retrieve('msgbatch_of_nobody_seen')).rejects.toThrow(Anthropic.NotFoundError)
  })

  it('refuses a revoked key within a second, while its stream in flight finishes; an old key lives as long as it overlaps', async () => {
    const { claude, clients, gateway } = await gatewayFor({ gone: {}, turned: {} })
    const gone = { 'x-api-key': keyOf(clients, 'gone') }
    const status = async (key: string): Promise<number> => (await ask(gateway, { 'x-api-key': key })).status
    claude.next({ type: 'stall', afterChunks: 1, ms: 2_000 })
    const stream = await ask(gateway, gone, { ...question, stream: true })
    expect(stream.status).toBe(200)
    const text = stream.text()
    const newer = await clients.rotate('turned', 60_000)
    await clients.revoke('gone')
    const at = performance.now()
    await expect.poll(() => status(keyOf(clients, 'gone')), { interval: 20, timeout: 5_000 }).toBe(401)
    expect(performance.now() - at).toBeLessThan(process.env.CI ? 3_000 : 1_000)
    expect(await Promise.all([status(newer), status(keyOf(clients, 'turned'))])).toEqual([200, 200])
    const newest = await clients.rotate('turned', 0)
    await expect.poll(() => status(newer), { interval: 20, timeout: 5_000 }).toBe(401)
    expect(await status(newest)).toBe(200)
    expect(await text).toContain('message_stop')
  })
})

it('keys that were hashed with another secret stop the start, with what to do', async () => {
  const clients = await clientsOf({ web: {} })
  process.env.SPILLWAY_TEST_OTHER_SECRET = 'another-secret-for-tests-of-client-keys-012345'
  const server = { ...clients.server, fingerprintKey: 'env:SPILLWAY_TEST_OTHER_SECRET' }
  const claude = forThisTest(await startClaude())
  await expect(gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }))).rejects.toThrow(
    /hashed with another secret: set server\.fingerprintKey/,
  )
})
