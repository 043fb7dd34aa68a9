import {
  BedrockRuntimeClient,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { describe, expect, it } from 'vitest'
import { type BedrockOptions, startBedrock } from './bedrock.ts'
import type { SimulatedServer } from './simulated-server.ts'

const body = { anthropic_version: '2026-10-21', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }
const bearer = { authorization: 'Bearer key' }

/** Asks for an answer of a model. */
function ask(
  server: SimulatedServer,
  model: string,
  sent: object = body,
  headers: Record<string, string> = bearer,
): Promise<Response> {
  return fetch(`${server.url}/model/${encodeURIComponent(model)}/invoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(sent),
  })
}

describe('Bedrock refuses', () => {
  it.each([
    ['no key', {}, body, 403, 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
    ['a wrong key', { authorization: 'Bearer other' }, body, 403, 'AccessDeniedException', 'API Key'],
    [
      'a model in the body',
      bearer,
      { ...body, model: 'm' },
      400,
      'ValidationException',
      '#: extraneous key [model] is not permitted',
    ],
    [
      'a stream in the body',
      bearer,
      { ...body, stream: true },
      400,
      'ValidationException',
      '#: extraneous key [stream] is not permitted',
    ],
  ])('%s', async (_name, headers, sent, status, type, message) => {
    await using server = await startBedrock({ apiKeys: ['key'], checkRules: true })
    const response = await ask(server, 'anthropic.claude-opus-5', sent, headers as Record<string, string>)
    expect(response.status).toBe(status)
    expect(response.headers.get('x-amzn-errortype')).toMatch(new RegExp(`^${type}:`))
    expect((await response.json()) as object).toEqual({ message: expect.stringContaining(message) })
  })

  it.each([
    ['no version', { ...body, anthropic_version: undefined }, 'anthropic_version: Field required'],
    ['a first-party version', { ...body, anthropic_version: '2023-06-01' }, 'not supported'],
    ['betas that are no list', { ...body, anthropic_beta: 'a' }, 'anthropic_beta'],
    [
      'betas that it does not know',
      { ...body, anthropic_beta: ['mcp-client-2025-11-20'] },
      'invalid beta flag',
    ],
    ['no limit', { ...body, max_tokens: undefined }, 'max_tokens: Field required'],
    ['what Claude refuses', { ...body, messages: [] }, 'at least one message'],
    ['an unknown field', { ...body, nonsense: 1 }, 'nonsense'],
    [
      'fields of the first-party API',
      { ...body, fallbacks: [] },
      'fallbacks: Extra inputs are not permitted',
    ],
    [
      'tools that its servers do not run',
      { ...body, tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      "tools.0: Input tag 'web_search_20250305' found using 'type'",
    ],
    [
      'images that it would have to fetch',
      {
        ...body,
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }],
          },
        ],
      },
      'messages.0.content.0.image.source.base64.data: URL sources are not supported',
    ],
  ])('%s, in the words of Claude where the model is new', async (_name, sent, message) => {
    await using server = await startBedrock({ checkRules: true })
    const said = { message: expect.stringContaining(message) }
    const newer = await ask(server, 'us.anthropic.claude-opus-4-7', sent)
    expect([newer.status, await newer.json()]).toEqual([
      400,
      { type: 'error', error: { type: 'invalid_request_error', ...said } },
    ])
    const older = await ask(server, 'anthropic.claude-sonnet-4-5-20250929-v1:0', sent)
    expect([older.status, older.headers.get('x-amzn-errortype')]).toEqual([
      400,
      expect.stringMatching(/^ValidationException:/),
    ])
    expect(Object.keys((await older.json()) as object)).toEqual(['message'])
  })

  it('the newer version for models before 4.7, and each beta by model', async () => {
    await using server = await startBedrock()
    const status = async (model: string, more: object): Promise<number> =>
      (await ask(server, `anthropic.claude-${model}`, { ...body, ...more })).status
    const older = { anthropic_version: 'bedrock-2023-05-31' }
    for (const model of ['opus-4-6-v1', 'sonnet-4-5-20250929-v1:0', 'sonnet-4-6', 'opus-4-20250514-v1:0'])
      expect([await status(model, {}), await status(model, older)]).toEqual([400, 200])
    for (const model of ['opus-4-7', 'opus-5', 'sonnet-5-5', 'haiku-5'])
      expect([await status(model, {}), await status(model, older)]).toEqual([200, 200])
    const context = { anthropic_beta: ['context-1m-2025-08-07'] }
    const code = { ...older, anthropic_beta: ['claude-code-20250219'] }
    expect([await status('opus-4-7', context), await status('opus-5', context)]).toEqual([400, 200])
    expect([await status('opus-4-7', code), await status('opus-4-6-v1', code)]).toEqual([400, 200])
  })

  it('models that do not exist, profiles of other places, models that need a profile, and operations', async () => {
    const id = 'anthropic.claude-opus-5'
    const arn = 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc'
    await using server = await startBedrock({
      ...{ models: [id, `eu.${id}`, `us.${id}`, `global.${id}`], profileOnly: [id], region: 'eu-west-1' },
      profiles: { [arn]: id },
    })
    const said = async (model: string): Promise<unknown> => {
      const response = await ask(server, model)
      const { message, ...answer } = (await response.json()) as { message?: string; model?: string }
      return message ?? answer.model
    }
    expect(await said(`eu.${id}`)).toBe('claude-opus-5')
    expect(await said(`global.${id}`)).toBe('claude-opus-5')
    expect(await said(`arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.${id}`)).toBe(
      'claude-opus-5',
    )
    expect(await said(arn)).toBe('claude-opus-5')
    expect(await said(`us.${id}`)).toBe('The provided model identifier is invalid.')
    expect(await said('anthropic.claude-opus-6')).toBe('The provided model identifier is invalid.')
    expect(await said(id)).toBe(
      `Invocation of model ID ${id} with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.`,
    )
    expect((await fetch(`${server.url}/model/a/converse`, { method: 'POST', headers: bearer })).status).toBe(
      404,
    )
  })

  it('profiles of users where a model does not know them', async () => {
    await using server = await startBedrock({ userProfileModels: ['anthropic.claude-opus-5'] })
    const sent = { ...body, user_profile_id: 'uprof_1' }
    expect((await ask(server, 'us.anthropic.claude-opus-5', sent)).status).toBe(200)
    expect((await ask(server, 'us.anthropic.claude-opus-4-7', sent)).status).toBe(400)
  })
})

describe('Bedrock’s control plane', () => {
  it('lists the profiles of its place, and tells of each', async () => {
    const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc'
    await using server = await startBedrock({
      region: 'us-east-1',
      profiles: { [arn]: 'anthropic.claude-opus-5' },
    })
    const get = async (path: string): Promise<never> =>
      (await (await fetch(server.url + path, { headers: bearer })).json()) as never
    const { inferenceProfileSummaries: list }: { inferenceProfileSummaries: Record<string, string>[] } =
      await get('/inference-profiles?type=SYSTEM_DEFINED')
    expect(list.map((each) => each.inferenceProfileId)).toContain('us.anthropic.claude-opus-5-5')
    for (const each of list) {
      expect(each.inferenceProfileId).toMatch(/^(us|global)\./)
      expect(await get(`/inference-profiles/${each.inferenceProfileId}`)).toEqual(each)
    }
    expect(await get(`/inference-profiles/${encodeURIComponent(arn)}`)).toMatchObject({
      ...{ type: 'APPLICATION', status: 'ACTIVE', inferenceProfileId: 'abc' },
      models: [{ modelArn: 'arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5' }],
    })
    expect((await fetch(`${server.url}/inference-profiles/other`, { headers: bearer })).status).toBe(404)
    expect((await fetch(`${server.url}/inference-profiles`)).status).toBe(403)
  })
})

describe('the SDK of AWS', () => {
  const identity = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'right', sessionToken: 'session' }
  const region = 'us-east-1'
  const start = (options: BedrockOptions = {}): Promise<SimulatedServer> =>
    startBedrock({ identities: [identity], region, ...options })
  const client = (endpoint: string, credentials = identity, at = region): BedrockRuntimeClient =>
    new BedrockRuntimeClient({
      ...{ endpoint, credentials, region: at, maxAttempts: 1 },
      // HTTP/2 by default, which the simulated servers do not speak.
      requestHandler: new NodeHttpHandler(),
    })
  const modelId = 'us.anthropic.claude-haiku-4-5-20251001-v1:0'
  const older = JSON.stringify({ ...body, anthropic_version: 'bedrock-2023-05-31' })
  const command = { modelId, body: older, contentType: 'application/json' }

  it('takes whole answers and frames', async () => {
    await using server = await start({
      reply: { text: 'Good day', usage: { inputTokens: 7, outputTokens: 9 } },
    })
    await using drip = await start({ reply: { text: 'Good day' } })
    const { body: whole } = await client(server.url).send(new InvokeModelCommand(command))
    expect(JSON.parse(new TextDecoder().decode(whole))).toMatchObject({ content: [{ text: 'Good day' }] })
    drip.always({ type: 'drip', bytes: 1, everyMs: 0 })
    for (const { url } of [server, drip]) {
      const { body: frames } = await client(url).send(new InvokeModelWithResponseStreamCommand(command))
      const events: { type: string }[] = []
      for await (const { chunk } of frames ?? [])
        events.push(JSON.parse(new TextDecoder().decode(chunk?.bytes)))
      expect(events.map(({ type }) => type)).toEqual([
        ...['message_start', 'content_block_start', 'content_block_delta', 'content_block_delta'],
        ...['content_block_stop', 'message_delta', 'message_stop'],
      ])
      expect(events.at(-1)).toMatchObject({
        'amazon-bedrock-invocationMetrics': { inputTokenCount: expect.any(Number) },
      })
    }
  })

  it('gets counts of models, and a refusal for profiles', async () => {
    await using server = await start({ uncountedModels: ['anthropic.claude-opus-4-7'] })
    const count = (id: string, sent: string): Promise<unknown> =>
      client(server.url)
        .send(new CountTokensCommand({ modelId: id, input: { invokeModel: { body: Buffer.from(sent) } } }))
        .then(
          ({ inputTokens }) => inputTokens,
          ({ name, message }: Error) => `${name}: ${message}`,
        )
    const model = modelId.replace('us.', '')
    const uncounted = "ValidationException: The provided model doesn't support counting tokens."
    expect(await count(model, older)).toBe(2)
    expect(await count(modelId, older)).toBe(uncounted)
    expect(await count('anthropic.claude-opus-4-7', older)).toBe(uncounted)
    expect(await count(model, '{}')).toBe('ValidationException: anthropic_version: Field required')
  })

  it.each([
    [
      'a wrong secret',
      { secretAccessKey: 'wrong' },
      region,
      0,
      'InvalidSignatureException',
      'does not match',
    ],
    ['an unknown key', { accessKeyId: 'AKIDOTHER' }, region, 0, 'UnrecognizedClientException', 'is invalid'],
    ['another session', { sessionToken: 'other' }, region, 0, 'UnrecognizedClientException', 'is invalid'],
    ['another region', {}, 'eu-west-1', 0, 'InvalidSignatureException', "not 'eu-west-1'"],
    [
      'a clock that is behind',
      {},
      region,
      6,
      'InvalidSignatureException',
      /Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)/,
    ],
    [
      'a clock that is ahead',
      {},
      region,
      -6,
      'InvalidSignatureException',
      /Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 5 min\.\)/,
    ],
  ])('is refused with %s', async (_name, wrong, at, minutes, error, message) => {
    const now = (): number => Date.now() + minutes * 60_000
    await using server = await start({ now })
    const failed = await client(server.url, { ...identity, ...wrong }, at)
      .send(new InvokeModelCommand(command))
      .catch((reason: Error & { $response?: { headers: Record<string, string> } }) => reason)
    expect(failed).toMatchObject({ name: error, message: expect.stringMatching(message) })
    const { date = '' } =
      (failed as { $response?: { headers: Record<string, string> } }).$response?.headers ?? {}
    expect(Math.abs(Date.parse(date) - now())).toBeLessThan(5_000)
  })

  it('is refused once its session has expired', async () => {
    let time = 0
    const begin = Date.now()
    await using server = await start({
      identities: [{ ...identity, expiresAt: begin + 60_000 }],
      now: () => begin + time,
    })
    const name = (): Promise<unknown> =>
      client(server.url)
        .send(new InvokeModelCommand(command))
        .then(
          () => 'taken',
          (reason: Error) => reason.name,
        )
    expect(await name()).toBe('taken')
    time = 61_000
    expect(await name()).toBe('ExpiredTokenException')
  })
})
