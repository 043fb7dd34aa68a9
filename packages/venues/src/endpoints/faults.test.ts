import { createClient, type ProviderProfile } from '@spillway/core-client'
import { createRequest, type FailureKind } from '@spillway/middleware'
import { type FailureScope, jsonBodyFromObject } from '@spillway/middleware/kit'
import {
  type Fault,
  type SimulatedServer,
  startBedrock,
  startClaudeAws,
  startFoundry,
  startMantle,
  startVertex,
  venueFaults,
} from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bedrock, bedrockMantle, claudeOnAws, foundry, vertex } from '../index.ts'

type Row = readonly [kind: FailureKind, retryable: boolean, scope: FailureScope, retryAfterMs?: number]
type Rows = Readonly<Record<string, Row>>

const limited: Row = ['rate_limited', true, 'key']
const limitedFor = (seconds: number): Row => ['rate_limited', true, 'key', seconds * 1000]
const notHere: Row = ['not_found', false, 'model']
const notGranted: Row = ['permission', false, 'model']
const refused: Row = ['permission', false, 'key']
const unknown: Row = ['authentication', false, 'key']
const failed: Row = ['server', true, 'endpoint']
const away: Row = ['overloaded', true, 'model']
const late: Row = ['timeout', true, 'endpoint']
const broken: Row = ['malformed', true, 'endpoint']

const region = 'us-east-1'
const venues: readonly {
  readonly name: keyof typeof venueFaults
  readonly start: () => Promise<SimulatedServer>
  readonly at: (url: string) => ProviderProfile
  readonly rows: Rows
}[] = [
  {
    name: 'bedrock',
    start: startBedrock,
    at: (url) => bedrock({ region, url, profile: 'none' }),
    rows: {
      tooManyRequests: limited,
      tooManyTokens: limited,
      tooManyTokensPerDay: ['rate_limited', false, 'key'],
      throttledWithoutHeaders: limited,
      quotaExceeded: limited,
      modelNotReady: away,
      modelTimeout: late,
      modelError: failed,
      accessNotGranted: notGranted,
      notForThisAccount: notGranted,
      marketplaceDenied: notGranted,
      useCaseFormMissing: notHere,
      legacyModel: notHere,
      endOfLife: notHere,
      deniedByServicePolicy: notGranted,
      deniedByIdentityPolicy: notGranted,
      countryNotSupported: refused,
      onDemandNotSupported: notHere,
      timeSkewed: unknown,
      expiredToken: unknown,
      internal: failed,
      unavailable: away,
      tooManyConnections: away,
      unknownOperation: notHere,
      internalInStream: failed,
      modelErrorInStream: failed,
      validationInStream: ['invalid_request', false, 'request'],
      throttledInStream: limited,
      timeoutInStream: late,
      unavailableInStream: away,
      errorInStream: failed,
      overloadedInStream: away,
      damagedPayload: broken,
      damagedHeaders: broken,
      damagedPrelude: broken,
      damagedLength: broken,
      cutInFrame: ['truncated', true, 'endpoint'],
    },
  },
  {
    name: 'mantle',
    start: startMantle,
    at: (url) => bedrockMantle({ region, url: `${url}/anthropic` }),
    rows: { throttled: limited, notGranted, modelNotFound: notHere, internal: failed },
  },
  {
    name: 'claudeAws',
    start: startClaudeAws,
    at: (url) => claudeOnAws({ region, workspace: 'wrkspc_1', url }),
    rows: { spendLimit: ['billing', false, 'key'], badSignature: unknown },
  },
  {
    name: 'vertex',
    start: startVertex,
    at: (url) => vertex({ project: 'p', region: 'us-east5', url }),
    rows: {
      exhausted: limited,
      exhaustedWithReason: limited,
      provisionedExhausted: limited,
      requestQuota: limited,
      tokenQuota: limited,
      tokenQuotaInList: limited,
      overloaded: away,
      notEnabled: notGranted,
      apiDisabled: refused,
      billingDisabled: ['billing', false, 'key'],
      permissionDenied: notGranted,
      unauthenticated: unknown,
      modelNotFound: notHere,
      cancelled: failed,
      internal: failed,
      unavailable: away,
      deadlineExceeded: late,
      loadBalancer: away,
    },
  },
  {
    name: 'foundry',
    start: startFoundry,
    at: (url) => foundry({ resource: 'r', url: `${url}/anthropic` }),
    rows: {
      throttledByFront: limitedFor(6),
      throttledByFrontFor: limitedFor(6),
      throttledByMinute: limitedFor(44),
      throttledByClaude: limited,
      unauthorized: unknown,
      expiredToken: unknown,
      networkDenied: refused,
      roleMissing: refused,
      deploymentNotFound: notHere,
      timeout: late,
      internal: failed,
      overloaded: away,
      frontDoor: away,
      applicationGateway: failed,
    },
  },
]

describe.each(venues)('a fault of $name', ({ name, start, at, rows }) => {
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

  it('is named, every one', () => {
    // Only comes in pieces, and is an answer.
    expect(Object.keys(venueFaults[name]).filter((fault) => fault !== 'splitAtEveryByte')).toEqual(
      Object.keys(rows),
    )
  })

  it.each(Object.entries(rows))('%s is what it means', async (fault, [kind, retryable, scope, wait]) => {
    server.next((venueFaults[name] as Readonly<Record<string, Fault>>)[fault] as Fault)
    const body = {
      model: 'claude-opus-5',
      max_tokens: 9,
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    }
    const response = await client.handler(
      createRequest({
        ...{ api: 'anthropic', model: body.model, stream: true, url: '/v1/messages' },
        headers: { 'anthropic-version': '2023-06-01' },
        body: jsonBodyFromObject(body),
      }),
    )
    let error: unknown
    const chunks: Uint8Array[] = []
    try {
      for await (const chunk of response.body) chunks.push(chunk)
    } catch (thrown) {
      error = thrown
    }
    const failure = response.failure ?? (error as { readonly failure: unknown } | undefined)?.failure
    expect(failure).toMatchObject({ kind, retryable, scope, origin: 'upstream' })
    if (wait !== undefined) expect(failure).toMatchObject({ retryAfterMs: wait })
    expect((await response.outcome).failure?.kind).toBe(kind)
    const said = Buffer.concat(chunks).toString()
    if (response.failure !== undefined)
      expect(JSON.parse(said)).toMatchObject({ type: 'error', error: { message: expect.any(String) } })
    else expect(said).toMatch(/^event: message_start\n/)
  })
})
