import {
  createRequest,
  emit,
  type Failure,
  type FailureKind,
  type Handler,
  type ModelRequest,
  type Outcome,
  type Usage,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, type Operation } from '@spillway/middleware/kit'
import { TypicalDuration } from '@spillway/wire/internal'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import type { Cost, VendorFeedback } from './limits.ts'
import { type AdmittedCall, sendAndSettle } from './settlement.ts'
import { TokenEstimator } from './token-estimator.ts'

const reserved = { inputTokens: 1_000, outputTokens: 300 }

function requestOf(operation: Operation = 'generate'): ModelRequest {
  const body = jsonBodyFromObject({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
  return createRequest({ api: 'anthropic', operation, model: 'm', stream: false, url: '/', body })
}

function usageOf(usage: Partial<Usage>): Usage {
  return {
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    reasoningTokens: 0,
    estimated: false,
    ...usage,
  }
}

function failureOf(kind: FailureKind, more: Partial<Failure> = {}): Failure {
  return { kind, message: '', retryable: false, scope: 'key', origin: 'upstream', ...more }
}

function outcomeOf(more: Partial<Outcome>): Outcome {
  return {
    failure: undefined,
    usage: undefined,
    stopReason: undefined,
    model: undefined,
    timings: { startedAt: 0, end: 1 },
    bytes: 0,
    ...more,
  }
}

interface Ended {
  readonly operation?: Operation
  readonly countCacheReads?: boolean
  readonly wasSent?: boolean
}

/** A call that has been admitted. */
function callWith(lease: Lease, operation?: Operation): AdmittedCall {
  const estimator = new TokenEstimator()
  const usual = new TypicalDuration()
  const request = requestOf(operation)
  return { request, lease, reserved, estimator, usual, countCacheReads: false, appliesVendorLimits: true }
}

/** Answers with this outcome. */
function answering(outcome: Outcome, wasSent = true): Handler {
  return async (watched) => {
    if (wasSent) emit(watched, 'attempt.started', { target: undefined, endpoint: undefined } as never)
    return {
      status: 200,
      headers: {},
      body: bodyOf(new Uint8Array()),
      failure: outcome.failure,
      outcome: Promise.resolve(outcome),
      target: undefined,
    }
  }
}

/** What a call with this outcome settles at. */
async function settled(outcome: Outcome, how: Ended = {}): Promise<Cost | undefined> {
  const { operation, countCacheReads = false, wasSent = true } = how
  const settlements: (Cost | undefined)[] = []
  const call = callWith({ settle: (actual) => settlements.push(actual) }, operation)
  const response = await sendAndSettle(answering(outcome, wasSent), { ...call, countCacheReads })
  await response.outcome
  await Promise.resolve()
  expect(settlements).toHaveLength(1)
  return settlements[0]
}

const free = { inputTokens: 0, outputTokens: 0 }

describe('a call whose usage was reported settles', () => {
  const usage = usageOf({ inputTokens: 5, cacheWriteTokens: 70, cacheReadTokens: 900, outputTokens: 11 })

  it.each([
    [false, 75],
    [true, 975],
  ])('at what counts, with the reads of the cache: %s', async (countCacheReads, inputTokens) => {
    expect(await settled(outcomeOf({ usage }), { countCacheReads })).toEqual({
      inputTokens,
      outputTokens: 11,
    })
  })

  it('at no input where all of it came from the cache', async () => {
    const cached = usageOf({ cacheReadTokens: 900, outputTokens: 11 })
    expect(await settled(outcomeOf({ usage: cached }))).toEqual({ inputTokens: 0, outputTokens: 11 })
  })

  it('with the output that was reserved where the stream was cut, or what was seen if that is more', async () => {
    for (const [seen, expected] of [
      [1, 300],
      [301, 301],
    ] as const) {
      const cut = { ...usage, outputTokens: seen, estimated: true }
      const failure = failureOf('truncated')
      expect(await settled(outcomeOf({ usage: cut, failure }))).toEqual({
        inputTokens: 75,
        outputTokens: expected,
      })
    }
  })
})

describe('a call whose usage nobody has reported settles at what was reserved', () => {
  it.each<[string, Partial<Outcome>]>([
    ['an answer without usage', {}],
    ['a stream whose output was guessed', { usage: usageOf({ outputTokens: 7, estimated: true }) }],
    ['a time-out', { failure: failureOf('timeout', { phase: 'first_content' }) }],
    ['a time-out of a proxy', { failure: failureOf('timeout', { phase: 'headers', status: 504 }) }],
    ['a connection that broke', { failure: failureOf('connection', { code: 'ECONNRESET' }) }],
    ['a connection of which no more is known', { failure: failureOf('connection') }],
    ['a refusal of somebody before the vendor', { failure: failureOf('overloaded', { origin: 'spillway' }) }],
    ['a caller who left', { failure: failureOf('cancelled', { origin: 'spillway' }) }],
    ['an answer that makes no sense', { failure: failureOf('malformed') }],
    ['a refusal in the answer', { failure: failureOf('refusal') }],
  ])('%s', async (_, outcome) => {
    expect(await settled(outcomeOf(outcome))).toEqual(reserved)
  })

  it('for its prompt, where a server reports that as nothing', async () => {
    const usage = usageOf({ outputTokens: 7 })
    expect(await settled(outcomeOf({ usage }))).toEqual({ inputTokens: 1_000, outputTokens: 7 })
  })
})

describe('a call of which certainly nothing was counted settles at no tokens', () => {
  it.each<[FailureKind, number | undefined]>([
    ['overloaded', 529],
    ['overloaded', undefined],
    ['rate_limited', 429],
    ['server', 500],
    ['server', 502],
    ['invalid_request', 400],
    ['authentication', 401],
    ['billing', 402],
    ['permission', 403],
    ['not_found', 404],
    ['too_large', 413],
    ['refusal', 400],
    ['saturated', 503],
  ])('%s, %s', async (kind, status) => {
    expect(await settled(outcomeOf({ failure: failureOf(kind, { status }) }))).toEqual(free)
  })

  it('but at what was reported where it failed after that', async () => {
    const usage = usageOf({ inputTokens: 40, outputTokens: 400, estimated: true })
    const failure = failureOf('overloaded')
    expect(await settled(outcomeOf({ usage, failure }))).toEqual({ inputTokens: 40, outputTokens: 400 })
  })

  it('a count of tokens', async () => {
    expect(await settled(outcomeOf({}), { operation: 'count_tokens' })).toEqual(free)
  })
})

describe('a call of which nothing was sent gives everything back', () => {
  it.each<[string, Failure, boolean]>([
    ['refused by Spillway', failureOf('circuit_open', { origin: 'spillway' }), false],
    ['no connection', failureOf('timeout', { phase: 'connect' }), true],
    ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].map(
      (code): [string, Failure, boolean] => [code, failureOf('connection', { code }), true],
    ),
  ])('%s', async (_, failure, wasSent) => {
    expect(await settled(outcomeOf({ failure }), { wasSent })).toBeUndefined()
  })
})

describe('a call whose caller leaves before an answer settles', () => {
  const usage = usageOf({ inputTokens: 40, outputTokens: 400, estimated: true })

  it.each<[string, boolean, Outcome | undefined, Cost | undefined]>([
    ['at nothing where nothing was sent', false, undefined, undefined],
    ['at what was reserved where nobody knows more', true, undefined, reserved],
    ['at what was seen', true, outcomeOf({ usage }), { inputTokens: 40, outputTokens: 400 }],
  ])('%s', async (_, wasSent, outcome, expected) => {
    const settlements: (Cost | undefined)[] = []
    const lease: Lease = { settle: (actual) => settlements.push(actual) }
    const left = new Error('left')
    const next = async (watched: ModelRequest): Promise<never> => {
      if (wasSent) emit(watched, 'attempt.started', {} as never)
      if (outcome !== undefined) emit(watched, 'attempt.ended', { outcome } as never)
      throw left
    }
    const call = { ...callWith(lease), reserved }
    await expect(sendAndSettle(next, call)).rejects.toBe(left)
    expect(settlements).toEqual([expected])
  })
})

describe('what the vendor answers', () => {
  const headers = {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '7',
    'anthropic-ratelimit-requests-reset': '1970-01-01T00:00:30Z',
    'anthropic-ratelimit-input-tokens-limit': '1000',
    'anthropic-ratelimit-input-tokens-remaining': '700',
    'anthropic-ratelimit-input-tokens-reset': '1970-01-01T00:00:30Z',
    'anthropic-ratelimit-output-tokens-limit': '500',
    'anthropic-ratelimit-output-tokens-remaining': '70',
    'anthropic-ratelimit-output-tokens-reset': '1970-01-01T00:00:30Z',
  }
  const heard = async (failure?: Failure, more: Partial<AdmittedCall> = {}): Promise<VendorFeedback[]> => {
    const answers: VendorFeedback[] = []
    const lease: Lease = { settle() {}, observe: (answer) => answers.push(answer) }
    const next: Handler = async (watched) => ({
      ...(await answering(outcomeOf({ failure }))(watched)),
      headers,
    })
    await sendAndSettle(next, { ...callWith(lease), ...more })
    return answers
  }

  it('is heard with all of its limits', async () => {
    const [answer] = await heard()
    expect(answer).toMatchObject({ isSuccess: true, closedMs: undefined })
    const limits = answer?.limits.map(({ name, limit, remaining }) => [name, limit, remaining])
    expect(limits).toEqual(
      expect.arrayContaining([
        ['requestsPerMinute', 50, 7],
        ['inputTokensPerMinute', 1_000, 700],
        ['outputTokensPerMinute', 500, 70],
      ]),
    )
  })

  it.each<[string, Failure, number | undefined]>([
    ['for as long as a 429 says', failureOf('rate_limited', { retryAfterMs: 7_000 }), 7_000],
    ['for a second where it says nothing', failureOf('rate_limited'), 1_000],
    ['not by another failure', failureOf('overloaded', { retryAfterMs: 7_000 }), undefined],
    ['not by a refusal of Spillway', failureOf('rate_limited', { origin: 'spillway' }), undefined],
  ])('closes the limits %s', async (_, failure, closedMs) => {
    expect(await heard(failure)).toMatchObject([{ closedMs, isSuccess: false }])
  })

  it('is not heard where it concerns no limits of these', async () => {
    expect(await heard(undefined, { appliesVendorLimits: false })).toEqual([])
  })
})

describe('how much an upstream bears', () => {
  const lateFailure = failureOf('timeout', { phase: 'total' })
  /** Whether each of these outcomes was passed on. */
  const told = async (outcomes: readonly Outcome[], request = requestOf()): Promise<boolean[]> => {
    const seen: boolean[] = []
    const lease: Lease = { settle: (_actual, _now, outcome) => seen.push(outcome !== undefined) }
    const call = { ...callWith(lease), request }
    for (const outcome of outcomes) {
      await (await sendAndSettle(answering(outcome), call)).outcome
      await Promise.resolve()
    }
    return seen
  }
  const after = (end: number, failure?: Failure): Outcome =>
    outcomeOf({ failure, timings: { startedAt: 0, end } })

  it('is told by answers and failures', async () => {
    expect(await told([after(1_000), after(10, failureOf('overloaded'))])).toEqual([true, true])
  })

  it('is not told by a call whose own deadline was shorter than answers take', async () => {
    expect(await told([after(1_000), after(10, lateFailure), after(2_000, lateFailure)])).toEqual([
      true,
      false,
      true,
    ])
  })

  it('is not told by counts of tokens, nor by calls that nobody waits for', async () => {
    expect(await told([after(10)], requestOf('count_tokens'))).toEqual([false])
    const request = requestOf()
    const shadow = { ...request, context: { ...request.context, isShadow: true } } as ModelRequest
    expect(await told([after(10)], shadow)).toEqual([false])
  })
})

it('teaches nothing by what was guessed', async () => {
  const estimator = new TokenEstimator()
  const estimate = estimator.estimate(requestOf())
  for (const estimated of [true, false]) {
    const outcome = outcomeOf({ usage: usageOf({ inputTokens: 500, outputTokens: 900, estimated }) })
    const call = { ...callWith({ settle() {} }), reserved: estimate, estimator }
    for (let time = 0; time < 5; time++) await (await sendAndSettle(answering(outcome), call)).outcome
    await Promise.resolve()
    expect((estimator.estimate(requestOf()).predicted?.outputTokens ?? 0) > 0).toBe(!estimated)
  }
})

const counts = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000_000 }))
const usages = fc.record({
  inputTokens: counts,
  outputTokens: counts,
  cacheReadTokens: counts,
  cacheWriteTokens: counts,
  estimated: fc.boolean(),
})
const unknownKinds = ['timeout', 'connection', 'truncated', 'malformed', 'cancelled'] as const
const failures = fc.constantFrom<Failure | undefined>(
  undefined,
  ...unknownKinds.map((kind) => failureOf(kind, { phase: 'idle', code: 'ECONNRESET' })),
)

it('never settles below the reservation what was not reported', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.option(usages, { nil: undefined }),
      failures,
      fc.boolean(),
      async (given, failure, countCacheReads) => {
        const usage = given && usageOf(given)
        const cost = (await settled(outcomeOf({ usage, failure }), { countCacheReads })) as Cost
        const hasPrompt =
          usage !== undefined && usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens > 0
        if (!hasPrompt) expect(cost.inputTokens).toBe(reserved.inputTokens)
        if (usage === undefined || usage.estimated)
          expect(cost.outputTokens).toBeGreaterThanOrEqual(reserved.outputTokens)
        if (usage !== undefined) expect(cost.outputTokens).toBeGreaterThanOrEqual(usage.outputTokens)
      },
    ),
  )
})

it('settles once, however often and in whatever order leases are settled', () => {
  const costs = fc.record({
    inputTokens: fc.integer({ min: 0, max: 100 }),
    outputTokens: fc.integer({ min: 0, max: 100 }),
  })
  const settlements = fc.array(fc.tuple(fc.nat(9), fc.option(costs, { nil: undefined })), { maxLength: 40 })
  fc.assert(
    fc.property(fc.array(costs, { minLength: 10, maxLength: 10 }), settlements, (taken, given) => {
      const limiter = new Limiter({
        requestsPerMinute: 1e6,
        inputTokensPerMinute: 1e6,
        outputTokensPerMinute: 1e6,
        concurrency: 10,
      })
      const leases = taken.map((cost) => limiter.tryAcquire(cost, 0) as Lease)
      const first = new Map<number, Cost | undefined>()
      for (const [index, actual] of given) {
        leases[index]?.settle(actual, 1)
        if (!first.has(index)) first.set(index, actual)
      }
      const counted = taken.map((cost, index) => (first.has(index) ? first.get(index) : cost))
      const sum = (of: (cost: Cost) => number): number =>
        counted.reduce((total, cost) => total + (cost === undefined ? 0 : of(cost)), 0)
      const headroom = limiter.headroom(1)
      expect(headroom.requestsPerMinute?.used).toBe(sum(() => 1))
      expect(headroom.inputTokensPerMinute?.used).toBe(sum((cost) => cost.inputTokens))
      expect(headroom.outputTokensPerMinute?.used).toBe(sum((cost) => cost.outputTokens))
      expect(headroom.concurrency?.used).toBe(10 - first.size)
    }),
  )
})
