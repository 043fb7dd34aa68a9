import { createRequest, type Handler, type ModelRequest } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { failureResponse, recogniseCall, refusalFailure } from '@spillway/wire'
import { describe, expect, it } from 'vitest'
import { venueCallers } from './venue-callers.ts'

const body = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: [] }
const bedrock = '/model/us.anthropic.claude-opus-4-6-v1/invoke'

/** A call to a path, as it comes out for a target, and its answer. */
async function sent(
  url: string,
  json: Readonly<Record<string, unknown>>,
  { headers = {}, answer = (request: ModelRequest) => answered(request, '{}') }: Sending = {},
): Promise<{ request: ModelRequest | undefined; status: number; headers: object; text: string }> {
  const call = recogniseCall('POST', url.replace(/\?.*/, ''))
  if (call === undefined) throw new Error(`${url} is no call`)
  let seen: ModelRequest | undefined
  const handler = venueCallers()((request) => {
    seen = request
    return Promise.resolve(answer(request))
  })
  const { model = String(json.model), stream = json.stream === true } = call
  const init = { ...call, url, model, stream, headers, body: jsonBodyFromObject(json) }
  const response = await handler(createRequest({ ...init, context: { callId: 'call-1' } }))
  const text = Buffer.from(await readBody(response.body)).toString('latin1')
  return { request: seen, status: response.status, headers: response.headers, text }
}

interface Sending {
  readonly headers?: Readonly<Record<string, string>>
  readonly answer?: (request: ModelRequest) => Awaited<ReturnType<Handler>>
}

const answered = (request: ModelRequest, text: string, type = 'application/json') => ({
  ...failureResponse(request, refusalFailure({ kind: 'server', message: '' })),
  ...{ status: 200, headers: { 'content-type': type, 'request-id': 'req_1' }, failure: undefined },
  body: bodyOf(Buffer.from(text)),
})

describe('a call of Bedrock', () => {
  it('is a first-party one inside, without what is for AWS alone', async () => {
    const headers = {
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'a,b',
      authorization: 'AWS4-HMAC-SHA256 Credential=k',
      'x-amz-date': 'd',
      accept: 'application/vnd.amazon.eventstream',
      'content-type': 'application/octet-stream',
      'x-amz-security-token': 't',
      'x-api-key': 'k',
      'x-app': 'cli',
    }
    const { request } = await sent(
      `${bedrock}-with-response-stream?beta=true`,
      { ...body, anthropic_beta: ['b', 'c'], user_profile_id: 'u' },
      { headers },
    )
    expect(request).toMatchObject({ venue: undefined, model: 'claude-opus-4-6', stream: true })
    expect(request?.url).toBe('/v1/messages?beta=true')
    expect(request?.headers).toEqual({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'a,b,c',
      'anthropic-user-profile-id': 'u',
      'content-type': 'application/json',
      'x-app': 'cli',
    })
    expect(request?.body.json).toEqual({
      model: 'claude-opus-4-6',
      stream: true,
      max_tokens: 9,
      messages: [],
    })
  })

  it('has a request id, its stream in frames', async () => {
    const event = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    const answer = (request: ModelRequest) => answered(request, event, 'text/event-stream')
    const { headers, text } = await sent(`${bedrock}-with-response-stream`, body, { answer })
    expect(headers).toMatchObject({
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-requestid': 'req_1',
      'x-amzn-bedrock-content-type': 'application/json',
    })
    expect(text).toContain(Buffer.from('{"type":"message_stop"}').toString('base64'))
  })

  it('fails with an exception', async () => {
    const failure = refusalFailure({ kind: 'overloaded', message: 'No.', retryAfterMs: 2000 })
    const answer = (request: ModelRequest) => failureResponse(request, failure)
    expect(await sent(bedrock, body, { answer })).toMatchObject({
      status: 503,
      headers: {
        'content-type': 'application/json',
        'retry-after': '2',
        'x-amzn-errortype': 'ServiceUnavailableException',
        'x-amzn-requestid': 'call-1',
      },
      text: '{"message":"No."}',
    })
  })

  it.each([
    ['without a version', bedrock, { messages: [] }, {}, /^anthropic_version: Field required/],
    ['with a guardrail', bedrock, body, { 'x-amzn-bedrock-guardrailidentifier': 'g' }, /Guardrail/],
    ['that counts nothing', '/model/m/count-tokens', {}, {}, /^input: expected/],
    [
      'that counts for Converse',
      '/model/m/count-tokens',
      { input: { converse: {} } },
      {},
      /Converse is not served/,
    ],
    [
      'that counts no JSON',
      '/model/m/count-tokens',
      { input: { invokeModel: { body: Buffer.from('{').toString('base64') } } },
      {},
      /^input\.invokeModel\.body: /,
    ],
  ])('%s is refused in words of AWS', async (_, url, json, headers, message) => {
    const { request, status, text } = await sent(url, json, { headers })
    expect([request, status]).toEqual([undefined, 400])
    expect(JSON.parse(text).message).toMatch(message)
  })

  it('counts what a first-party count takes', async () => {
    const counted = { ...body, temperature: 1, stop_sequences: ['a'], metadata: {}, tools: [] }
    const json = { input: { invokeModel: { body: Buffer.from(JSON.stringify(counted)).toString('base64') } } }
    const answer = (request: ModelRequest) => answered(request, '{"input_tokens":7}')
    const { request, text } = await sent('/model/anthropic.claude-opus-5/count-tokens', json, { answer })
    expect(request).toMatchObject({ operation: 'count_tokens', url: '/v1/messages/count_tokens' })
    expect(request?.body.json).toEqual({ model: 'claude-opus-5', messages: [], tools: [] })
    expect(text).toBe('{"inputTokens":7}')
  })
})

describe('a call of Vertex AI', () => {
  const at = '/v1/projects/p/locations/l/publishers/anthropic/models'

  it('is a first-party one inside, and its answer is what it was', async () => {
    const json = { ...body, anthropic_version: 'vertex-2023-10-16', stream: true }
    const headers = { authorization: 'Bearer g', 'x-goog-user-project': 'p', 'anthropic-beta': 'a' }
    const { request, text } = await sent(`${at}/claude-sonnet-4-5@20250929:streamRawPredict`, json, {
      headers,
    })
    expect(request).toMatchObject({ venue: undefined, url: '/v1/messages', stream: true })
    expect(request?.headers).toEqual({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'a',
      'content-type': 'application/json',
    })
    expect(request?.body.json).toMatchObject({ model: 'claude-sonnet-4-5-20250929', stream: true })
    expect(text).toBe('{}')
  })

  it('counts by the name in its body, and fails in the form of Google', async () => {
    const failure = refusalFailure({ kind: 'rate_limited', message: 'No.' })
    const answer = (request: ModelRequest) => failureResponse(request, failure)
    const json = { model: 'claude-sonnet-4-5@20250929', messages: [] }
    const { request, status, text } = await sent(`${at}/count-tokens:rawPredict`, json, { answer })
    expect(request?.body.json).toEqual({ model: 'claude-sonnet-4-5-20250929', messages: [] })
    expect(status).toBe(429)
    expect(JSON.parse(text)).toEqual({ error: { code: 429, message: 'No.', status: 'RESOURCE_EXHAUSTED' } })
  })
})

it('a call in any other form passes as it is', async () => {
  const { request } = await sent('/v1/messages', { model: 'us.anthropic.claude-opus-5', messages: [] })
  expect(request).toMatchObject({ model: 'us.anthropic.claude-opus-5', url: '/v1/messages' })
})
