import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import Anthropic from '@anthropic-ai/sdk'
import {
  startBedrock,
  startClaude,
  startClaudeAws,
  startFoundry,
  startMantle,
  startVertex,
  virtualClock,
} from '@spillway/testing'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { describeConfig } from '../src/cli/describe.ts'
import { examineEndpoints } from '../src/doctor/endpoints.ts'
import { ConfigError, parseConfig } from '../src/index.ts'
import { watchCredentials } from '../src/vault/credential-watch.ts'
import { configOf, forThisTest, gatewayOf, ownKey, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const nowhere = join(tmpdir(), 'spillway-no-such-folder')
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const region = 'us-east-1'

/** What the clouds find here, and nothing of the machine that runs the test. */
beforeEach(async () => {
  const metadata = createServer((request, response) => {
    request.resume()
    response.setHeader('metadata-flavor', 'Google')
    response.setHeader('content-type', 'application/json')
    const expires = Math.floor(Date.now() / 1000) + 86_400
    const entra = { access_token: 'entra-token', expires_on: String(expires), token_type: 'Bearer' }
    const google = { access_token: 'google-token', expires_in: 3600, token_type: 'Bearer' }
    response.end(request.url?.includes('/msi') ? JSON.stringify(entra) : JSON.stringify(google))
  })
  await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(metadata.address() as AddressInfo).port}`
  const environment = {
    ...{ AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey },
    ...{ AWS_PROFILE: undefined, AWS_SESSION_TOKEN: undefined, AWS_BEARER_TOKEN_BEDROCK: undefined },
    ...{ AWS_SHARED_CREDENTIALS_FILE: nowhere, AWS_CONFIG_FILE: nowhere, AWS_EC2_METADATA_DISABLED: 'true' },
    ...{ GOOGLE_APPLICATION_CREDENTIALS: undefined, CLOUDSDK_CONFIG: nowhere, HOME: temporaryFolder() },
    ...{ METADATA_SERVER_DETECTION: 'assume-present', GCE_METADATA_HOST: host },
    ...{ IDENTITY_ENDPOINT: `http://${host}/msi`, IDENTITY_HEADER: 'x' },
    ...{ AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential', AZURE_CLIENT_ID: undefined },
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    metadata.close().closeAllConnections()
  })
})

/** The simulators of all venues, and a target over them. */
async function cloudsOf(usage = { inputTokens: 1_000_000, outputTokens: 100_000 }) {
  const reply = { text: 'Good day', usage }
  const options = { reply, identities: [keys], region }
  const [direct, bedrock, mantle, aws, vertex, foundry] = await Promise.all([
    startClaude({ apiKeys: [ownKey.value], reply }),
    startBedrock(options),
    startMantle(options),
    startClaudeAws({ ...options, workspaces: ['wrkspc_1'] }),
    startVertex({ reply, tokens: ['google-token'], projects: ['my-project'] }),
    startFoundry({ reply, apiKeys: ['entra-token'] }),
  ])
  const servers = { direct, bedrock, mantle, aws, vertex, foundry }
  for (const server of Object.values(servers)) forThisTest(server)
  const all = [
    { name: 'direct', url: direct.url, credential: ownKey.reference },
    { name: 'bedrock', api: 'bedrock', region, url: bedrock.url, credential: 'aws' },
    { name: 'mantle', api: 'bedrock-mantle', region, url: `${mantle.url}/anthropic`, credential: 'aws' },
    { name: 'aws', api: 'claude-aws', region, workspace: 'wrkspc_1', url: aws.url, credential: 'aws' },
    {
      name: 'vertex',
      api: 'vertex',
      project: 'my-project',
      region: 'global',
      url: vertex.url,
      credential: 'google',
    },
    { name: 'foundry', api: 'foundry', url: `${foundry.url}/anthropic`, credential: 'azure' },
  ]
  const at = (...names: readonly (keyof typeof servers)[]): object[] =>
    all.filter(({ name }) => names.length === 0 || names.includes(name as never))
  return { servers, at }
}

const body = messages({ model: 'claude-sonnet-5-5' })
/** Each call is a conversation of its own, so that all endpoints get some. */
const calls = (url: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      send(`${url}/v1/messages`, {
        body: messages({
          ...{ model: 'claude-sonnet-5-5', stream: index % 2 === 0 },
          messages: [{ role: 'user', content: `Question ${index}` }],
        }),
      }),
    ),
  )

interface Booked {
  readonly endpoint: string
  readonly provider: string
  readonly cost_nano: number | null
}

/** The attempts in a ledger that has been closed. */
function attemptsIn(file: string): Booked[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database
    .prepare('select distinct endpoint, provider, cost_nano from attempts order by endpoint')
    .all()
  database.close()
  return rows.map((row) => ({ ...row })) as unknown as Booked[]
}

describe('a target over several clouds', () => {
  it('is called at each with its own credential, and each is booked as who is paid', async () => {
    const { servers, at } = await cloudsOf()
    const file = join(temporaryFolder(), 'ledger.db')
    const names = Object.keys(servers) as (keyof typeof servers)[]
    const gateway = await gatewayOf({
      targets: Object.fromEntries(
        names.map((name) => [name, { api: 'anthropic', endpoints: at(name), model: 'claude-sonnet-5-5' }]),
      ),
      routes: names.map((name) => ({ models: name, target: name })),
      storage: { url: `sqlite:${file}` },
    })
    for (const model of names) {
      for (const stream of [false, true]) {
        const { status, text } = await send(`${gateway.url}/v1/messages`, {
          body: messages({ model, stream }),
        })
        expect([model, status], text.slice(0, 300)).toEqual([model, 200])
      }
    }
    await gateway.close(0)
    // A million tokens at $2, and a tenth of that at $10; a tenth more where the answer stays in one region.
    expect(attemptsIn(file)).toEqual([
      { endpoint: 'aws', provider: 'claude-aws', cost_nano: 3_000_000_000 },
      { endpoint: 'bedrock', provider: 'bedrock', cost_nano: 3_300_000_000 },
      { endpoint: 'direct', provider: 'anthropic', cost_nano: 3_000_000_000 },
      { endpoint: 'foundry', provider: 'foundry', cost_nano: 3_000_000_000 },
      { endpoint: 'mantle', provider: 'bedrock-mantle', cost_nano: 3_300_000_000 },
      { endpoint: 'vertex', provider: 'vertex', cost_nano: 3_000_000_000 },
    ])
    expect(servers.aws.requests[0]?.headers['anthropic-workspace-id']).toBe('wrkspc_1')
    expect(servers.vertex.requests[0]?.headers).not.toHaveProperty('x-api-key')
  })

  it('no call fails while each of its endpoints in turn fails', async () => {
    const { servers, at } = await cloudsOf({ inputTokens: 10, outputTokens: 3 })
    const four = [servers.direct, servers.bedrock, servers.vertex, servers.foundry]
    const config = configOf(
      { api: 'anthropic', endpoints: at('direct', 'bedrock', 'vertex', 'foundry') },
      undefined,
      { retry: { attempts: 4, baseDelay: '1ms', maxDelay: '5ms', minDelay: '1ms', budget: 1 } },
    )
    const gateway = await gatewayOf(config)
    const faults = [
      { type: 'status', status: 503 },
      { type: 'status', status: 403 },
      { type: 'reset', after: 'request' },
    ]
    for (const [index, server] of four.entries()) {
      server.always(faults[index % faults.length] as never)
      for (const { status, text } of await calls(gateway.url, 12))
        expect(status, text.slice(0, 300)).toBe(200)
      server.always(undefined)
    }
  })
})

describe('ids, headers and keys of an endpoint', () => {
  it('a model has the id that its name or its api says, everywhere else its own', async () => {
    const { servers, at } = await cloudsOf()
    const models = {
      'claude-sonnet-5-5': {
        ...{
          bedrock: 'arn:aws:bedrock:us-east-1:1:application-inference-profile/a1',
          foundry: 'my-deployment',
        },
        anthropic: 'claude-sonnet-5',
      },
    }
    for (const name of ['direct', 'bedrock', 'vertex', 'foundry'] as const) {
      const gateway = await gatewayOf(configOf({ api: 'anthropic', endpoints: at(name), models }))
      expect((await send(`${gateway.url}/v1/messages`, { body })).status).toBe(200)
    }
    expect(servers.bedrock.requests[0]?.path).toContain('application-inference-profile%2Fa1')
    expect(JSON.parse(String(servers.foundry.requests[0]?.body))).toHaveProperty('model', 'my-deployment')
    expect(JSON.parse(String(servers.direct.requests[0]?.body))).toHaveProperty('model', 'claude-sonnet-5')
    expect(servers.vertex.requests[0]?.path).toContain('claude-sonnet-5-5')
  })

  it('fixed headers and another scheme go out, to models too', async () => {
    const { servers, at } = await cloudsOf()
    const more = { headers: { 'X-Amzn-Bedrock-Service-Tier': 'flex' } }
    const bedrock = await gatewayOf(
      configOf({ api: 'anthropic', endpoints: [{ ...at('bedrock')[0], ...more }] }),
    )
    expect((await send(`${bedrock.url}/v1/messages`, { body })).status).toBe(200)
    expect(servers.bedrock.requests[0]?.headers['x-amzn-bedrock-service-tier']).toBe('flex')
    const direct = { ...at('direct')[0], auth: 'bearer', headers: { 'X-Tenant': 'a' } }
    const gateway = await gatewayOf(configOf({ api: 'anthropic', endpoints: [direct] }))
    expect((await send(`${gateway.url}/v1/messages`, { body })).status).toBe(200)
    expect(servers.direct.requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${ownKey.value}`,
      'x-tenant': 'a',
    })
    const platform = await gatewayOf(configOf({ api: 'anthropic', endpoints: at('aws') }))
    const models = await send(`${platform.url}/v1/models`, {
      method: 'GET',
      headers: { 'anthropic-version': '2023-06-01' },
    })
    expect([models.status, models.text.includes('claude')]).toEqual([200, true])
    expect(servers.aws.requests.some(({ path }) => path.startsWith('/v1/models'))).toBe(true)
  })

  it('a Bedrock API key of the environment, or of a variable, goes as a bearer token', async () => {
    const bedrock = forThisTest(await startBedrock({ apiKeys: ['bedrock-key'] }))
    const endpoint = { api: 'bedrock', region, url: bedrock.url }
    vi.stubEnv('MY_BEDROCK_KEY', 'bedrock-key')
    for (const credential of ['env:MY_BEDROCK_KEY', 'aws']) {
      if (credential === 'aws') vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', 'bedrock-key')
      const gateway = await gatewayOf(
        configOf({ api: 'anthropic', endpoints: [{ ...endpoint, credential }] }),
      )
      expect((await send(`${gateway.url}/v1/messages`, { body })).status).toBe(200)
    }
  })
})

it('batches go where there are any, and are booked there', async () => {
  const { servers, at } = await cloudsOf()
  const file = join(temporaryFolder(), 'ledger.db')
  const gateway = await gatewayOf(
    configOf({ api: 'anthropic', endpoints: at('bedrock', 'vertex', 'aws') }, undefined, {
      storage: { url: `sqlite:${file}` },
    }),
  )
  const { batches } = new Anthropic({ baseURL: gateway.url, apiKey: 'any', maxRetries: 0 }).messages
  const params = { ...messages({ model: 'claude-sonnet-5-5' }), stream: false } as never
  const { id } = await batches.create({ requests: [{ custom_id: 'a', params }] })
  expect(servers.aws.requests.map(({ path }) => path)).toContain('/v1/messages/batches')
  await expect
    .poll(async () => (await batches.retrieve(id)).processing_status, { timeout: 15_000 })
    .toBe('ended')
  for await (const { result } of await batches.results(id)) expect(result.type).toBe('succeeded')
  await gateway.close(0)
  // Half of 3 USD.
  expect(attemptsIn(file)).toEqual([{ endpoint: 'aws', provider: 'claude-aws', cost_nano: 1_500_000_000 }])
})

describe('the doctor', () => {
  const findings = async (endpoints: readonly object[]) => {
    const { config } = parseConfig(stringify(configOf({ api: 'anthropic', endpoints })), 'test.yaml')
    return (await examineEndpoints(config, undefined)).map(
      ({ level, message, mend = '' }) => `${level}: ${message}; ${mend}`,
    )
  }

  it('obtains each credential and asks each cloud for something that costs nothing', async () => {
    const { servers, at } = await cloudsOf()
    const found = await findings(at())
    expect(found.filter((line) => !line.startsWith('ok'))).toEqual([])
    expect(found.map((line) => /it takes (\S+)/.exec(line)?.[1])).toEqual([
      ...[`${ownKey.reference};`, 'aws;', 'aws;', 'aws;', 'google;', 'azure;'],
    ])
    for (const name of ['bedrock', 'mantle', 'aws', 'vertex', 'foundry'] as const)
      expect(servers[name].requests.at(-1)?.path).toMatch(/count.tokens/)
  })

  it('says why a cloud finds no credential, what it refuses, and that the clock is wrong', async () => {
    const { at } = await cloudsOf()
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
    expect((await findings(at('bedrock'))).join()).toMatch(
      /no AWS credentials: neither the environment.*aws sso login/,
    )
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong')
    expect((await findings(at('bedrock'))).join()).toMatch(/refuses aws.*Amazon Bedrock/)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secretAccessKey)
    const late = forThisTest(await startBedrock({ identities: [keys], now: () => Date.now() - 3_600_000 }))
    const [ok, skew] = await findings([{ api: 'bedrock', region, url: late.url, credential: 'aws' }])
    expect([ok?.slice(0, 3), skew]).toEqual(['ok:', expect.stringMatching(/clock is 3\d{3} s ahead/)])
  })
})

it('/readyz names what a cloud does not find, and the log says what to do', async () => {
  const { at } = await cloudsOf()
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
  const lines: string[] = []
  const clock = virtualClock()
  const { config } = parseConfig(
    stringify(configOf({ api: 'anthropic', endpoints: at('bedrock', 'vertex') })),
    't.yaml',
  )
  const watch = await watchCredentials(config, undefined, (line) => void lines.push(line), undefined, clock)
  onTestFinished(() => watch.close())
  await expect
    .poll(async () => {
      await clock.advance(10_000)
      return watch.state()
    })
    .toEqual({ unusable: 'aws (no credential is found)' })
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^warning: aws cannot be used: no AWS credentials/)
})

describe('what a file says of clouds', () => {
  const problemsOf = (endpoint: object, target: object = {}): string => {
    try {
      const { warnings } = parseConfig(
        stringify(configOf({ api: 'anthropic', endpoints: [endpoint], ...target })),
        'test.yaml',
      )
      return warnings.map(({ key, message }) => `${key}: ${message}`).join('\n')
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      for (const { line } of error.problems) expect(line).toBeGreaterThan(1)
      return error.problems.map(({ key, message }) => `${key}: ${message}`).join('\n')
    }
  }
  const at = 'targets.claude.endpoints[0]'

  it.each<[object, string, object?]>([
    [{ api: 'bedrock', region, credential: 'aws' }, ''],
    [
      { api: 'bedrock', region },
      `${at}: no credential: requests go out without a key; use aws, env:NAME or vault:NAME`,
    ],
    [
      { api: 'bedrock', region, credential: 'caller' },
      `${at}.credential: caller: calls that are signed, and those in a cloud's own form, are refused`,
    ],
    [
      { api: 'bedrock', credential: 'aws' },
      `${at}: region is missing: Amazon Bedrock needs { api: bedrock, region: us-east-1 }`,
    ],
    [
      { api: 'claude-google', credential: 'google' },
      `${at}: project and location and workspace are missing: Claude on Google Cloud needs`,
    ],
    [
      { api: 'foundry', credential: 'azure' },
      `${at}: resource is missing: Microsoft Foundry needs { api: foundry, resource: my-resource }`,
    ],
    [{ api: 'foundry', url: 'https://private.example/anthropic', credential: 'azure' }, ''],
    [
      { api: 'bedrock', region, credential: 'google' },
      `${at}.credential: google is for api: claude-google, vertex; here it is aws, env:NAME or vault:NAME`,
    ],
    [
      { url: 'https://api.anthropic.com', credential: 'aws' },
      `${at}.credential: aws is for api: bedrock, bedrock-mantle, claude-aws; here it is env:NAME or vault:NAME`,
    ],
    [{ credential: 'caller' }, `${at}: url is missing: expected the base URL of the endpoint`],
    [{ region, credential: 'caller' }, 'or api: one of bedrock, bedrock-mantle'],
    [
      { api: 'bedrock', region, project: 'p', credential: 'aws' },
      `${at}.project: this is for api: claude-google, vertex; leave it out`,
    ],
    [
      { url: 'https://openrouter.ai/api', api: 'bedrock', region, credential: 'aws' },
      `${at}.api: an endpoint has its own api in a target with api: anthropic; this one is api: openrouter, make another target of it`,
      { api: 'openrouter' },
    ],
    [
      { api: 'bedrock', region: 'US East', credential: 'aws' },
      `${at}.region: expected a region such as us-east-1`,
    ],
    [{ api: 'azure', credential: 'azure' }, `${at}.api: expected one of anthropic, bedrock`],
    [
      { api: 'bedrock', region, credential: 'aws', auth: 'bearer' },
      `${at}.auth: credential: aws is sent as a signature; leave this out`,
    ],
    [
      { api: 'bedrock', region, credential: 'aws', headers: { 'X-Api-Key': 'k' } },
      `${at}.headers.X-Api-Key: this holds a credential: use credential: env:NAME or vault:NAME`,
    ],
    [
      { api: 'bedrock', region, credential: 'aws', headers: { 'x-goog-api-key': 'k' } },
      `${at}.headers.x-goog-api-key: this holds a credential`,
    ],
    [
      { name: 'east', api: 'bedrock', region, credential: 'aws' },
      'targets.claude.models.claude-opus-5.west: no endpoint has this name or api; there are east, bedrock',
      { models: { 'claude-opus-5': { east: 'a', bedrock: 'b', west: 'c' } } },
    ],
    [
      { api: 'bedrock', region, credential: 'aws', tls: { cert: nowhere } },
      `${at}.tls.cert: cannot read this file (ENOENT); give the path of certificates in PEM`,
    ],
    [
      { api: 'bedrock', region, credential: 'aws', tls: { key: nowhere } },
      `${at}.tls.key: is of no use without its certificate: add cert, the path of a file in PEM`,
    ],
  ])('%j', (endpoint, expected, target) => {
    const found = problemsOf(endpoint, target)
    if (expected === '') expect(found).toBe('')
    else expect(found).toContain(expected)
  })

  it('an address is that of the cloud where none is set', async () => {
    const { config } = parseConfig(
      stringify(
        configOf({
          api: 'anthropic',
          endpoints: [
            { api: 'bedrock', region, credential: 'aws' },
            { api: 'vertex', project: 'my-project', region: 'global', credential: 'google' },
          ],
        }),
      ),
      'test.yaml',
    )
    expect(describeConfig(config)).toContain(
      'bedrock https://bedrock-runtime.us-east-1.amazonaws.com, vertex https://aiplatform.googleapis.com (aws, google)',
    )
  })
})
