import { createClient, isSpillwayError, type UnsignedRequest } from '@spillway/core-client'
import { startClaudeAws, virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signatureProblem } from '../../../testing/src/signature-v4.ts'
import type { AwsKeys } from './aws-keys.ts'
import { type AwsService, awsSignature } from './aws-signature.ts'

const minute = 60_000
const keys: AwsKeys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const region = 'us-east-1'

const request = (method: string, url: string, body = ''): UnsignedRequest => ({
  method,
  url: new URL(url),
  headers: {},
  body: Buffer.from(body),
})

/** From AWS's own test suite of Signature Version 4. */
describe('a signature', () => {
  const clock = virtualClock({ epoch: Date.UTC(2015, 7, 30, 12, 36) })
  const service = 'service' as AwsService
  it.each([
    ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'post-vanilla-query',
      'POST',
      '/?Param1=value1',
      '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
    ],
  ])('is the one of %s', async (_, method, path, expected) => {
    const { headers } = await awsSignature({ service, region, credentials: keys }).sign(
      request(method, `https://example.amazonaws.com${path}`),
      clock,
    )
    expect(headers).toEqual({
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${expected}`,
      'x-amz-date': '20150830T123600Z',
    })
  })

  it('holds for any path, query, type, body and token, as the server computes it again', async () => {
    const clock = virtualClock()
    const part = fc.oneof(
      fc.constantFrom(
        'us.anthropic.claude-opus-5-v1:0',
        'arn:aws:bedrock:us-east-1:1:inference-profile/x',
        'ü 漢/🙂',
        "!'()*~+",
        '%2e',
        'a//b',
      ),
      fc
        .string({ unit: 'grapheme', maxLength: 12 })
        .filter((text) => text.isWellFormed() && text !== '__proto__'),
    )
    const anything = fc.record({
      segments: fc.array(part, { maxLength: 4 }),
      isRaw: fc.boolean(),
      query: fc.array(fc.tuple(part, part), { maxLength: 4 }),
      type: fc.constantFrom(
        undefined,
        'application/json',
        'text/plain;  charset=utf-8',
        ' application/json ',
      ),
      token: fc.constantFrom(undefined, 'token/+='),
      body: fc.uint8Array({ maxLength: 40 }),
      service: fc.constantFrom<AwsService>('bedrock', 'bedrock-mantle', 'aws-external-anthropic'),
    })
    await fc.assert(
      fc.asyncProperty(anything, async ({ segments, isRaw, query, type, token, body, service }) => {
        const path = segments.map((text) => (isRaw ? text.replace(/[?#]/g, '') : encodeURIComponent(text)))
        const search = query.map((pair) => pair.map(encodeURIComponent).join('='))
        const url = new URL(
          `https://bedrock-runtime.us-east-1.amazonaws.com/model/${path.join('/')}?${search.join('&')}`,
        )
        const headers = type === undefined ? {} : { 'content-type': type }
        const identity = { ...keys, ...(token !== undefined && { sessionToken: token }) }
        const signer = awsSignature({ service, region, credentials: identity })
        const signature = await signer.sign({ method: 'POST', url, headers, body }, clock)
        const arrived = {
          method: 'POST',
          path: url.pathname + url.search,
          headers: { ...headers, host: url.host, 'user-agent': 'a proxy changes it', ...signature.headers },
          body,
        }
        const check = { service, region, identities: [identity as never], now: clock.epoch() + minute }
        expect(signatureProblem(arrived, check)).toBeUndefined()
        expect(signatureProblem({ ...arrived, body: Buffer.from('other') }, check)?.message).toContain(
          'does not match',
        )
      }),
      { numRuns: 300 },
    )
  })

  it('does not stop the process for a large body', async () => {
    const signer = awsSignature({ service: 'bedrock', region, credentials: keys })
    const large = { ...request('POST', 'https://host/'), body: Buffer.alloc(30_000_000, 'a') }
    await signer.sign(request('POST', 'https://host/'), clock)
    const signed = signer.sign(large, clock)
    let turns = 0
    const count = (): void => {
      turns++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    await signed
    clearImmediate(timer)
    expect(turns).toBeGreaterThan(2)
  })
})

it.each(['', 'us east 1', 'https://x'])('takes no region %j', (wrong) => {
  expect(() => awsSignature({ service: 'bedrock', region: wrong })).toThrow(TypeError)
})

it('says that a key is none where it is given, and not what it was', () => {
  const wrong = { ...keys, secretAccessKey: 'two\nlines' }
  expect(() => awsSignature({ service: 'bedrock', region, credentials: wrong })).toThrow(
    /^the AWS credentials hold/,
  )
})

describe('through a client', () => {
  let serverTime = Date.now()
  const identities: {
    accessKeyId: string
    secretAccessKey: string
    sessionToken?: string
    expiresAt?: number
  }[] = []
  let server: Awaited<ReturnType<typeof startClaudeAws>>
  beforeAll(async () => {
    server = await startClaudeAws({ identities, region, now: () => serverTime })
  })
  afterAll(() => server.close())

  let start = 0
  const sent = () => server.requests.slice(start)

  const open = (credentials: Parameters<typeof awsSignature>[0]['credentials']) =>
    createClient({
      provider: { name: 'claude-aws', baseUrl: server.url },
      credential: awsSignature({ service: 'aws-external-anthropic', region, credentials }),
    })
  const call = { model: 'claude-sonnet-5-5', headers: { 'anthropic-workspace-id': 'wrkspc_1' } }
  const plain = { headers: { 'anthropic-workspace-id': 'wrkspc_1', 'anthropic-version': '2023-06-01' } }
  const reset = (...all: typeof identities): void => {
    identities.splice(0, Infinity, ...all)
    serverTime = Date.now()
    start = server.requests.length
  }
  const permanent = keys as { accessKeyId: string; secretAccessKey: string }

  it('corrects its clock by that of AWS, for calls and for other requests', async () => {
    reset(permanent)
    serverTime = Date.now() - 2 * 3_600_000
    await using client = open(keys)
    await Promise.all(Array.from({ length: 5 }, () => client.complete('hello', call)))
    const before = sent().length
    await client.complete('hello', call)
    expect(sent().length - before).toBe(1)
    serverTime += 3_600_000
    const models = await client.fetch(`${server.url}/v1/models`, plain)
    expect(models.status).toBe(200)
    expect(sent().length - before).toBe(3)
  })

  it('tries no second time where the keys are wrong, not the time', async () => {
    reset({ ...permanent, secretAccessKey: 'other' })
    await using client = open(keys)
    const error = await client.complete('hello', call).catch((caught: unknown) => caught)
    expect(isSpillwayError(error) && error.failure?.kind).toBe('authentication')
    expect(sent()).toHaveLength(1)
  })

  it('obtains other keys where AWS says that they have expired, once for all calls', async () => {
    const temporary = (round: number) => ({
      ...{ accessKeyId: `ASIA${round}`, secretAccessKey: 'secret', sessionToken: `token-${round}` },
    })
    reset({ ...temporary(1), expiresAt: Date.now() - minute }, temporary(2))
    let rounds = 0
    await using client = open(() => temporary(++rounds))
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.complete('hello', call)))
    expect(answers.every(({ text }) => text !== '')).toBe(true)
    expect(rounds).toBe(2)
    const models = await client.fetch(`${server.url}/v1/models`, plain)
    expect(models.status).toBe(200)
    expect(sent().at(-1)?.headers['x-amz-security-token']).toBe('token-2')
  })

  it('sends no part of a signature that its caller presents', async () => {
    reset(permanent)
    await using client = open(keys)
    const headers = { ...call.headers, 'x-amz-security-token': 'of the caller', 'x-amz-date': 'yesterday' }
    await client.complete('hello', { ...call, headers })
    await client.fetch(`${server.url}/v1/models`, { headers })
    for (const { headers: arrived } of sent()) expect(arrived).not.toHaveProperty('x-amz-security-token')
    expect(sent()).toHaveLength(2)
  })

  it('signs an upload that comes in parts, and what it is sent with', async () => {
    reset(permanent)
    await using client = open(keys)
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('{"requests":'))
        controller.enqueue(Buffer.from('[]}'))
        controller.close()
      },
    })
    const init = { method: 'POST', body, headers: { ...call.headers, 'content-type': 'application/json' } }
    const response = await client.fetch(`${server.url}/v1/messages/batches?x=a+b&x=%2f&y`, init)
    expect(response.status).not.toBe(401)
    expect(sent()[0]?.headers.authorization).toContain('SignedHeaders=content-type;host;x-amz-date')
  })

  it('renews keys ahead of their expiry, while calls go on with the old ones', async () => {
    const clock = virtualClock()
    let asked = 0
    const signer = awsSignature({
      ...{ service: 'bedrock', region },
      credentials: async () => ({
        ...{ accessKeyId: `ASIA${++asked}`, secretAccessKey: 's', sessionToken: `t${asked}` },
        expiration: new Date(clock.epoch() + 60 * minute),
      }),
    })
    const keyOf = async () => {
      const { headers } = await signer.sign(request('POST', 'https://host/'), clock)
      return /Credential=(\w+)/.exec(headers.authorization as string)?.[1]
    }
    expect(await Promise.all([keyOf(), keyOf(), keyOf()])).toEqual(['ASIA1', 'ASIA1', 'ASIA1'])
    await clock.advance(54 * minute)
    expect(await keyOf()).toBe('ASIA1')
    expect(asked).toBe(1)
    await clock.advance(2 * minute)
    expect(await keyOf()).toBe('ASIA1')
    expect(asked).toBe(2)
    expect(await keyOf()).toBe('ASIA2')
  })
})
