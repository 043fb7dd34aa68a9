import { getEventListeners } from 'node:events'
import { type FailureKind, listen, type SpillwayEvent } from '@spillway/middleware'
import { failureOf, requestOn, scriptedHandler, virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retry, retryDefaults } from './retry.ts'
import { depositBudget } from './retry-budget.ts'

/** No chance, so that waits are 500, 1000, 2000 ms. */
const steady = { jitter: 'none' } as const

it('leaves an answer alone and waits for nothing', async () => {
  const clock = virtualClock()
  const target = scriptedHandler([undefined])
  const response = await retry()(target.handler)(requestOn(clock))
  expect(response.failure).toBeUndefined()
  expect([target.asked, target.cancelled, clock.pending]).toEqual([[0], 0, 0])
})

it('repeats a failed call after growing waits until it is answered', async () => {
  const clock = virtualClock()
  const target = scriptedHandler([failureOf('overloaded'), failureOf('connection'), undefined])
  const response = await clock.runUntil(retry(steady)(target.handler)(requestOn(clock)))
  expect(response.failure).toBeUndefined()
  expect(target.asked).toEqual([0, 500, 1500])
  expect(target.cancelled).toBe(2)
})

it('returns the last failure when all attempts are used', async () => {
  const clock = virtualClock()
  const target = scriptedHandler([failureOf('server'), failureOf('server'), failureOf('overloaded')])
  const response = await clock.runUntil(retry(steady)(target.handler)(requestOn(clock)))
  expect(response.failure?.kind).toBe('overloaded')
  expect(target.asked).toHaveLength(3)
  expect(target.cancelled).toBe(2)
})

it('sends the very same request again', async () => {
  const clock = virtualClock()
  const seen = new Set<Uint8Array>()
  const target = scriptedHandler([failureOf('server')])
  await clock.runUntil(
    retry()((request) => {
      seen.add(request.body.bytes)
      return target.handler(request)
    })(requestOn(clock)),
  )
  expect(seen.size).toBe(1)
})

describe('decides by the failure alone', () => {
  const repeated: FailureKind[] = [
    'overloaded',
    'rate_limited',
    'timeout',
    'connection',
    'server',
    'truncated',
    'malformed',
  ]
  it.each(repeated)('%s is repeated', async (kind) => {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf(kind), undefined])
    expect((await clock.runUntil(retry()(target.handler)(requestOn(clock)))).failure).toBeUndefined()
    expect(target.asked).toHaveLength(2)
  })

  const never: FailureKind[] = [
    ...(['invalid_request', 'authentication', 'billing', 'permission', 'not_found', 'too_large'] as const),
    ...(['refusal', 'cancelled'] as const),
  ]
  it.each(never)('%s is not, whatever the server advises', async (kind) => {
    const target = scriptedHandler([failureOf(kind, { retryable: true })])
    await retry()(target.handler)(requestOn(virtualClock()))
    expect(target.asked).toHaveLength(1)
  })

  it('what is marked as not retryable is not', async () => {
    const target = scriptedHandler([failureOf('server', { retryable: false })])
    await retry()(target.handler)(requestOn(virtualClock()))
    expect(target.asked).toHaveLength(1)
  })

  it.each(['circuit_open', 'saturated', 'budget_exceeded', 'timeout'] as const)(
    'a refusal of our own (%s) is not',
    async (kind) => {
      const target = scriptedHandler([failureOf(kind, { origin: 'spillway' })])
      await retry()(target.handler)(requestOn(virtualClock()))
      expect(target.asked).toHaveLength(1)
    },
  )
})

describe('what the server asks to wait', () => {
  it('is a floor', async () => {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('rate_limited', { retryAfterMs: 60_000 }), undefined])
    await clock.runUntil(retry(steady)(target.handler)(requestOn(clock)))
    expect(target.asked).toEqual([0, 60_000])
  })

  it('is not a ceiling', async () => {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('rate_limited', { retryAfterMs: 1 }), undefined])
    await clock.runUntil(retry(steady)(target.handler)(requestOn(clock)))
    expect(target.asked).toEqual([0, 500])
  })

  it('that does not fit the deadline is not waited for at all', async () => {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('rate_limited', { retryAfterMs: 60_000 })])
    const response = await retry()(target.handler)(requestOn(clock, { deadline: 30_000 }))
    expect(response.failure?.kind).toBe('rate_limited')
    expect([clock.now(), target.asked.length]).toEqual([0, 1])
  })
})

it('leaves a timeout to another target where there is one', async () => {
  const policy = retry()
  const context = { hasAlternative: true }
  for (const [phase, attempts] of [
    ['first_content', 1],
    ['headers', 1],
    ['connect', 3],
  ] as const) {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('timeout', { phase })])
    await clock.runUntil(policy(target.handler)(requestOn(clock, { context })))
    expect(target.asked).toHaveLength(attempts)
  }
})

describe('a call that a fallback can answer', () => {
  const context = { hasAlternative: true }

  it.each([
    [1_900, 2],
    [2_000, 2],
    [2_001, 1],
    [20_000, 1],
    [120_000, 1],
  ])('is left to it where the server asks to wait for %d ms: %d attempts', async (retryAfterMs, attempts) => {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('rate_limited', { retryAfterMs }), undefined])
    const events: SpillwayEvent[] = []
    const request = listen(requestOn(clock, { context }), (event) => void events.push(event))
    const response = await clock.runUntil(retry(steady)(target.handler)(request))
    expect(target.asked).toHaveLength(attempts)
    expect(response.failure?.kind).toBe(attempts === 1 ? 'rate_limited' : undefined)
    if (attempts === 1) expect(events.at(-1)).toMatchObject({ reason: 'alternative' })
  })

  it('is left to it before a long back-off, which does not cost the budget', async () => {
    const budget = depositBudget({ ratio: 0.2 })
    const before = budget.balance
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('server')])
    const policy = retry({ ...steady, baseDelay: 1_500, attempts: 5, budget })
    await clock.runUntil(policy(target.handler)(requestOn(clock, { context })))
    expect(target.asked).toEqual([0, 1_500])
    expect(budget.balance).toBeCloseTo(before + 0.2 - 1)
  })

  it('waits as long as it is told to', async () => {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('rate_limited', { retryAfterMs: 8_000 }), undefined])
    const policy = retry({ maxWaitWithFallback: 10_000 })
    await clock.runUntil(policy(target.handler)(requestOn(clock, { context })))
    expect(target.asked).toEqual([0, 8_000])
  })
})

it('counts the attempts that the client has made already', async () => {
  for (const [header, attempts] of [
    ['0', 3],
    ['1', 2],
    ['2', 1],
    ['9', 1],
    ['-1', 3],
    ['x', 3],
  ] as const) {
    const clock = virtualClock()
    const target = scriptedHandler([failureOf('server')])
    const request = requestOn(clock, { headers: { 'x-stainless-retry-count': header } })
    await clock.runUntil(retry()(target.handler)(request))
    expect(target.asked).toHaveLength(attempts)
  }
})

it('tells an SDK in front not to begin again, and only after a failure', async () => {
  const clock = virtualClock()
  const failed = await retry()(scriptedHandler([failureOf('billing')]).handler)(requestOn(clock))
  expect(failed.headers['x-should-retry']).toBe('false')
  const answered = await retry()(scriptedHandler([undefined]).handler)(requestOn(clock))
  expect(answered.headers).not.toHaveProperty('x-should-retry')
})

it('ends a wait at once when the caller leaves, and leaves nothing behind', async () => {
  const clock = virtualClock()
  const caller = new AbortController()
  const target = scriptedHandler([failureOf('rate_limited', { retryAfterMs: 60_000 })])
  const call = retry()(target.handler)(requestOn(clock, { signal: caller.signal }))
  call.catch(() => {})
  await clock.advance(1_000)
  caller.abort(new Error('gone'))
  await expect(call).rejects.toThrow('gone')
  expect([clock.pending, getEventListeners(caller.signal, 'abort').length, target.asked.length]).toEqual([
    0, 0, 1,
  ])
})

it('tells its listeners what it waits for and why it gives up', async () => {
  const clock = virtualClock()
  const events: SpillwayEvent[] = []
  const request = listen(requestOn(clock), (event) => events.push(event))
  await clock.runUntil(
    retry({ ...steady, attempts: 2 })(scriptedHandler([failureOf('server')]).handler)(request),
  )
  expect(events).toMatchObject([
    { type: 'retry.scheduled', retry: 1, waitMs: 500, failure: { kind: 'server' } },
    { type: 'retry.abandoned', reason: 'attempts' },
  ])
})

it.each([
  ['not_retryable', {}, { kind: 'billing' as const }],
  ['deadline', {}, { kind: 'server' as const, retryAfterMs: 10_000_000 }],
  [
    'budget',
    { budget: { onFirstAttempt() {}, withdraw: () => false, onSuccess() {}, balance: 0 } },
    { kind: 'server' as const },
  ],
  ['attempts', { attempts: 1 }, { kind: 'server' as const }],
])('gives up because of %s', async (reason, options, failure) => {
  const events: SpillwayEvent[] = []
  const request = listen(requestOn(virtualClock()), (event) => events.push(event))
  await retry(options)(scriptedHandler([failureOf(failure.kind, failure)]).handler)(request)
  expect(events.at(-1)).toMatchObject({ type: 'retry.abandoned', reason })
})

it('does not charge the budget for a retry that does not fit the deadline', async () => {
  let asked = 0
  const budget = { onFirstAttempt() {}, withdraw: () => asked++ >= 0, onSuccess() {}, balance: 0 }
  const target = scriptedHandler([failureOf('server', { retryAfterMs: 10_000_000 })])
  await retry({ budget })(target.handler)(requestOn(virtualClock()))
  expect(asked).toBe(0)
})

it('never runs over the deadline in any of 10,000 random schedules', async () => {
  const failures = fc.record({
    retryAfterMs: fc.option(fc.nat(100_000), { nil: undefined }),
    kind: fc.constantFrom(
      'overloaded' as const,
      'rate_limited' as const,
      'timeout' as const,
      'server' as const,
    ),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(failures, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 120_000 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('full' as const, 'equal' as const, 'decorrelated' as const, 'none' as const),
      fc.nat(20_000),
      fc.nat(),
      async (script, deadline, attempts, jitter, takesMs, seed) => {
        const clock = virtualClock({ seed })
        const target = scriptedHandler(
          script.map(({ kind, retryAfterMs }) => failureOf(kind, { retryAfterMs })),
          { takesMs },
        )
        // An attempt keeps the deadline itself; here it takes what is left of it at most.
        const bounded: typeof target.handler = async (request) => {
          const late = new Promise<'late'>((resolve) => {
            request.clock.setTimer(request.deadline - request.clock.now(), () => resolve('late'))
          })
          const response = target.handler(request)
          await Promise.race([response, late])
          return scriptedHandler([failureOf('timeout')]).handler(request)
        }
        const policy = retry({ attempts, jitter, budget: false })
        await clock.runUntil(policy(bounded)(requestOn(clock, { deadline })))
        expect(clock.now()).toBeLessThanOrEqual(deadline + 1)
        expect(target.asked.length).toBeLessThanOrEqual(attempts)
      },
    ),
    { numRuns: 10_000 },
  )
}, 120_000)

it.each([
  [{ attempts: 0 }, 'retry.attempts must be 1 or more, but is 0'],
  [{ baseDelay: -1 }, 'retry.baseDelay must be 0 or more, but is -1'],
  [{ multiplier: 0.5 }, 'retry.multiplier must be 1 or more, but is 0.5'],
  [{ budget: -0.1 }, 'retry.budget must be 0 or more, but is -0.1'],
  [{ maxDelay: Number.NaN }, 'retry.maxDelay must be 0 or more, but is NaN'],
])('refuses %o', (options, message) => {
  expect(() => retry(options)).toThrow(message)
})

it('takes undefined for an option that is not set', async () => {
  const clock = virtualClock()
  const target = scriptedHandler([failureOf('server')])
  await clock.runUntil(retry({ attempts: undefined as never })(target.handler)(requestOn(clock)))
  expect(target.asked).toHaveLength(retryDefaults.attempts)
})
