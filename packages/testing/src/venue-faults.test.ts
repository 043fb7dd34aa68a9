import { AnthropicAws } from '@anthropic-ai/aws-sdk'
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import type Anthropic from '@anthropic-ai/sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import {
  BedrockRuntimeClient,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type BedrockFaultName,
  type SimulatedServer,
  startBedrock,
  startClaudeAws,
  startFoundry,
  startMantle,
  startVertex,
  venueFaults,
} from './index.ts'

const messages = [{ role: 'user' as const, content: 'Hi' }]
const prompt = { model: 'anthropic.claude-opus-5', max_tokens: 20, messages }
const keys = { awsAccessKey: 'AKIDEXAMPLE', awsRegion: 'us-east-1', maxRetries: 0 }

/** The class of the official client's error by status. */
const classOf = (status: number): string => {
  const names: Readonly<Record<number, string>> = {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    403: 'PermissionDeniedError',
    404: 'NotFoundError',
    408: 'RequestTimeoutError',
    424: 'APIError',
    429: 'RateLimitError',
    499: 'ClientClosedRequestError',
    503: 'ServiceUnavailableError',
    504: 'GatewayTimeoutError',
    529: 'OverloadedError',
  }
  return names[status] ?? 'InternalServerError'
}

/** The class, status and words of a client's error. */
async function failure(call: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  const error: Error & { status?: number; headers?: Headers; $metadata?: { httpStatusCode?: number } } =
    await call.then(
      () => new Error('taken'),
      (reason: Error) => reason,
    )
  const status = error.status ?? error.$metadata?.httpStatusCode
  const { name, message, headers } = error
  return { class: error.constructor.name, name, status, message, headers }
}

describe('faults of Bedrock', () => {
  let server: SimulatedServer
  let aws: BedrockRuntimeClient
  let claude: AnthropicBedrock
  beforeAll(async () => {
    server = await startBedrock({ chunks: 8 })
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
    aws = new BedrockRuntimeClient({
      ...{ endpoint: server.url, credentials, region: 'us-east-1', maxAttempts: 1 },
      requestHandler: new NodeHttpHandler(),
    })
    claude = new AnthropicBedrock({ baseURL: server.url, awsSecretKey: 'secret', ...keys })
  })
  afterAll(() => server.close())

  const command = {
    modelId: prompt.model,
    body: JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 20, messages }),
  }
  /** The types of the events that came, and the error that ended the stream of AWS's SDK. */
  const streamed = async (): Promise<{ events: number; failed: Record<string, unknown> }> => {
    let events = 0
    const failed = await failure(
      (async () => {
        const { body = [] } = await aws.send(new InvokeModelWithResponseStreamCommand(command))
        for await (const _ of body) events++
      })(),
    )
    return { events, failed }
  }

  const statuses: readonly (readonly [BedrockFaultName, number, string])[] = [
    ['tooManyRequests', 429, 'ThrottlingException'],
    ['tooManyTokens', 429, 'ThrottlingException'],
    ['tooManyTokensPerDay', 429, 'ThrottlingException'],
    ['quotaExceeded', 400, 'ServiceQuotaExceededException'],
    ['modelNotReady', 429, 'ModelNotReadyException'],
    ['modelTimeout', 408, 'ModelTimeoutException'],
    ['modelError', 424, 'ModelErrorException'],
    ['accessNotGranted', 403, 'AccessDeniedException'],
    ['marketplaceDenied', 403, 'AccessDeniedException'],
    ['useCaseFormMissing', 404, 'ResourceNotFoundException'],
    ['legacyModel', 404, 'ResourceNotFoundException'],
    ['endOfLife', 404, 'ResourceNotFoundException'],
    ['deniedByServicePolicy', 403, 'AccessDeniedException'],
    ['deniedByIdentityPolicy', 403, 'AccessDeniedException'],
    ['countryNotSupported', 400, 'ValidationException'],
    ['onDemandNotSupported', 400, 'ValidationException'],
    ['timeSkewed', 403, 'RequestTimeTooSkewed'],
    ['expiredToken', 403, 'ExpiredTokenException'],
    ['internal', 500, 'InternalServerException'],
    ['unavailable', 503, 'ServiceUnavailableException'],
    ['tooManyConnections', 503, 'ServiceUnavailableException'],
  ]
  it.each(statuses)('%s are errors of both official clients', async (name, status, error) => {
    const fault = venueFaults.bedrock[name]
    server.next(fault, fault)
    const said = fault.type === 'status' ? fault.message : undefined
    expect(await failure(aws.send(new InvokeModelCommand(command)))).toMatchObject({
      ...{ name: error, status },
      message: expect.stringContaining(said ?? ''),
    })
    expect(await failure(claude.messages.create(prompt))).toMatchObject({
      ...{ class: classOf(status), status },
      message: expect.stringContaining(said ?? ''),
    })
  })

  it('names of errors may be missing, and their bodies those of Claude', async () => {
    const { notForThisAccount, throttledWithoutHeaders } = venueFaults.bedrock
    server.next(throttledWithoutHeaders, throttledWithoutHeaders, notForThisAccount)
    expect(await failure(aws.send(new InvokeModelCommand(command)))).toMatchObject({ status: 429 })
    const bare = await fetch(`${server.url}/model/${prompt.model}/invoke`, {
      ...{ method: 'POST', body: command.body, headers: { authorization: 'Bearer key' } },
    })
    expect([...bare.headers.keys()].filter((each) => !/^(date|connection|keep-alive)$/.test(each))).toEqual([
      'content-length',
      'content-type',
    ])
    expect(await failure(claude.messages.create(prompt))).toMatchObject({
      ...{ class: 'PermissionDeniedError', status: 403 },
      message: expect.stringContaining('permission_error'),
    })
  })

  const exceptions: readonly (readonly [BedrockFaultName, string])[] = [
    ['internalInStream', 'InternalServerException'],
    ['modelErrorInStream', 'ModelStreamErrorException'],
    ['validationInStream', 'ValidationException'],
    ['throttledInStream', 'ThrottlingException'],
    ['timeoutInStream', 'ModelTimeoutException'],
    ['unavailableInStream', 'ServiceUnavailableException'],
  ]
  it.each(exceptions)('%s ends the stream of both official clients by %s', async (name, exception) => {
    server.next(venueFaults.bedrock[name], venueFaults.bedrock[name])
    const { events, failed } = await streamed()
    expect(failed).toMatchObject({ name: exception, message: expect.stringMatching(/\w/) })
    expect(events).toBe(6)
    const camel = exception.charAt(0).toLowerCase() + exception.slice(1)
    expect(await failure(claude.messages.stream(prompt).finalMessage())).toMatchObject({
      message: expect.stringContaining(camel),
    })
  })

  it('a path that is not known is said with 200, in a form of neither client', async () => {
    server.next(venueFaults.bedrock.unknownOperation, venueFaults.bedrock.unknownOperation)
    const said = { Output: { __type: 'com.amazon.coral.service#UnknownOperationException' } }
    expect(await claude.messages.create(prompt)).toMatchObject(said)
    const { body } = await aws.send(new InvokeModelCommand(command))
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject(said)
  })

  it('an error of Claude comes in a chunk, which the client of AWS takes for an event', async () => {
    const { overloadedInStream } = venueFaults.bedrock
    server.next(overloadedInStream, overloadedInStream)
    expect(await streamed()).toMatchObject({ events: 7, failed: { message: 'taken' } })
    expect(await failure(claude.messages.stream(prompt).finalMessage())).toMatchObject({
      message: expect.stringContaining('overloaded_error'),
    })
  })

  it.each([
    'errorInStream',
    'damagedPayload',
    'damagedHeaders',
    'damagedPrelude',
    'damagedLength',
    'cutInFrame',
  ] as const)('%s ends the stream of both official clients, after what was sound', async (name) => {
    server.next(venueFaults.bedrock[name], venueFaults.bedrock[name])
    const { events, failed } = await streamed()
    expect(failed.message).not.toBe('taken')
    // The decoder of AWS gives out nothing that came in one piece with the damage.
    expect(events).toBeLessThanOrEqual(6)
    expect((await failure(claude.messages.stream(prompt).finalMessage())).message).not.toBe('taken')
  })

  it('frames split at every byte are taken', async () => {
    server.next(venueFaults.bedrock.splitAtEveryByte, venueFaults.bedrock.splitAtEveryByte)
    expect(await streamed()).toMatchObject({ events: 13, failed: { message: 'taken' } })
    expect((await claude.messages.stream(prompt).finalMessage()).stop_reason).toBe('end_turn')
  })
})

describe.each([
  {
    venue: 'mantle' as const,
    start: startMantle,
    client: (url: string) =>
      new AnthropicBedrockMantle({ baseURL: `${url}/anthropic`, awsSecretAccessKey: 's', ...keys }),
  },
  {
    venue: 'claudeAws' as const,
    start: startClaudeAws,
    client: (baseURL: string) =>
      new AnthropicAws({ baseURL, awsSecretAccessKey: 's', workspaceId: 'wrkspc_1', ...keys }),
  },
  {
    venue: 'vertex' as const,
    start: startVertex,
    client: (url: string) =>
      new AnthropicVertex({
        ...{ baseURL: `${url}/v1`, region: 'global', projectId: 'p', maxRetries: 0 },
        authClient: { getRequestHeaders: async () => new Headers({ authorization: 'Bearer g' }) } as never,
      }),
  },
  {
    venue: 'foundry' as const,
    start: startFoundry,
    client: (url: string) =>
      new AnthropicFoundry({ baseURL: `${url}/anthropic/`, apiKey: 'k', maxRetries: 0 }),
  },
])('faults of $venue', ({ venue, start, client }) => {
  it.each(Object.entries(venueFaults[venue]))(
    '%s is an error of the official client',
    async (_name, fault) => {
      await using server = await start()
      server.always(fault)
      const official = client(server.url) as unknown as Pick<Anthropic, 'messages'>
      const whole = await failure(official.messages.create(prompt))
      expect(whole).toMatchObject({ status: fault.status, class: classOf(fault.status) })
      expect(await failure(official.messages.stream(prompt).finalMessage())).toMatchObject({
        status: fault.status,
      })
      const headers = whole.headers as Headers
      expect([...headers.keys()].filter((name) => name.includes('ratelimit'))).toEqual(
        venue === 'claudeAws' ? expect.arrayContaining(['anthropic-ratelimit-requests-limit']) : [],
      )
      expect(headers.get('retry-after')).toBe(
        fault.retryAfter === undefined ? null : String(fault.retryAfter),
      )
    },
  )
})
