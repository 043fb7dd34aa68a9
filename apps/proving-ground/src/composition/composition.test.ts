import { target } from '@spillway/attempt'
import { circuitBreaker, createCircuitBreaker, fallback } from '@spillway/circuit-breaker-fallback'
import { compose, type Handler, type Middleware, type ModelRequest } from '@spillway/middleware'
import { createMirror } from '@spillway/mirror'
import { createRateLimit, rateLimit } from '@spillway/rate-limit'
import { depositBudget, retry } from '@spillway/retry'
import { createRouting } from '@spillway/routing'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { requestOn, run, type ScriptedUpstream, scriptedUpstream } from './scripted-upstream.ts'

/*
 * What each policy may see of the others' doings, in every order that makes sense. Policies know the contract alone; this
 * suite is where they meet.
 */

let clock: VirtualClock
beforeEach(() => {
  clock = virtualClock()
})

const steady = { jitter: 'none', baseDelay: 500 } as const
const quickBreaker = { minimumCalls: 2, failureRate: 0.5, openFor: 15_000 }
const overloaded = { status: 529 }
const to = (name: string, { handler }: ScriptedUpstream, ...policies: Middleware[]) =>
  target(name, compose(policies, handler))
/** Notes of every call that passes whether a fallback could answer it. */
const spyOn =
  (seen: (boolean | undefined)[]): Middleware =>
  (next) =>
  (request) => {
    seen.push(request.context.hasAlternative)
    return next(request)
  }

describe('hasAlternative: who may leave a call to another target', () => {
  it('is told to every target but the last', async () => {
    const seen: (boolean | undefined)[][] = [[], [], []]
    const [a, b, c] = [overloaded, overloaded, 'ok' as const].map((act) => scriptedUpstream(act))
    const chain = [fallback([to('b', b!, spyOn(seen[1]!)), to('c', c!, spyOn(seen[2]!))]), spyOn(seen[0]!)]
    await run(clock, chain, a!.handler)
    expect(seen).toEqual([[true], [true], [undefined]])
  })

  it('is kept by a chain within a chain: the last of the inner one has those of the outer one behind it', async () => {
    const seen: (boolean | undefined)[] = []
    const [a, b, c] = [scriptedUpstream(overloaded), scriptedUpstream(overloaded), scriptedUpstream('ok')]
    const inner = fallback([to('b', b, spyOn(seen))])
    const { target: who } = await run(clock, [fallback([to('c', c)]), inner], a.handler)
    expect([seen, who]).toEqual([[true], 'c'])
  })

  it('makes retry inside leave a timeout and a long wait to the fallback, and the last target not', async () => {
    const first = scriptedUpstream({ status: 429, retryAfter: 8 })
    const last = scriptedUpstream({ status: 429, retryAfter: 8 }, 'ok')
    const { target: who, at } = await run(
      clock,
      [fallback([to('last', last, retry(steady))]), retry(steady)],
      first.handler,
    )
    expect([who, first.attempts, last.attempts, at]).toEqual(['last', [0], [10, 8_020], 8_030])
  })

  it('is not seen by retry outside of the fallback: it repeats the whole chain', async () => {
    const first = scriptedUpstream('stall')
    const second = scriptedUpstream(overloaded, 'ok')
    const limits = { timeouts: { ...requestOn(clock).request.timeouts, attempt: 1_000 } }
    const { target: who } = await run(
      clock,
      [retry(steady), fallback([to('second', second)])],
      first.handler,
      limits,
    )
    expect([who, first.attempts.length, second.attempts.length]).toEqual(['second', 2, 2])
  })

  it('makes a rate limit hand on at once what would wait, and wait where nothing else can answer', async () => {
    const limit = rateLimit({ requestsPerMinute: 1 })
    const [first, second] = [scriptedUpstream('ok'), scriptedUpstream('ok')]
    const chain = [fallback([to('second', second)]), limit]
    await run(clock, chain, first.handler)
    const before = clock.now()
    const { target: who, at } = await run(clock, chain, first.handler)
    expect([who, at - before]).toEqual(['second', 10])
  })

  it('does not reach a mirror’s candidate', async () => {
    const seen: (boolean | undefined)[] = []
    const [primary, candidate] = [scriptedUpstream('ok'), scriptedUpstream('ok')]
    const mirror = createMirror({ to: to('candidate', candidate, spyOn(seen)), sample: 1 })
    await run(clock, [mirror.middleware, fallback([to('other', scriptedUpstream('ok'))])], primary.handler)
    await clock.runAll()
    expect(seen).toEqual([undefined])
  })
})

describe('the retry budget is charged for attempts that are made again, and for nothing else', () => {
  const ratio = 0
  const budgetOf = () => depositBudget({ ratio })

  it('not for a circuit that is open', async () => {
    const budget = budgetOf()
    const upstream = scriptedUpstream(overloaded)
    const breaker = createCircuitBreaker(quickBreaker)
    const chain = [retry({ ...steady, budget, attempts: 2 }), breaker.middleware]
    await run(clock, chain, upstream.handler)
    const left = budget.balance
    for (let call = 0; call < 5; call++)
      expect((await run(clock, chain, upstream.handler)).failure).toBe('circuit_open')
    expect([budget.balance, upstream.attempts.length]).toEqual([left, 2])
  })

  it('not for a rate limit that refuses', async () => {
    const budget = budgetOf()
    const upstream = scriptedUpstream('ok')
    const chain = [retry({ ...steady, budget }), rateLimit({ requestsPerMinute: 1, maxWait: 0 })]
    await run(clock, chain, upstream.handler)
    expect((await run(clock, chain, upstream.handler)).failure).toBe('saturated')
    expect(budget.balance).toBe(10)
  })

  it('not for an endpoint that refuses its key, which routing passes to the next endpoint', async () => {
    const budget = budgetOf()
    const [a, b] = [scriptedUpstream({ status: 401 }), scriptedUpstream('ok')]
    const routing = createRouting({
      endpoints: [
        { name: 'a', handler: a.handler, key: 'one' },
        { name: 'b', handler: b.handler, key: 'two' },
      ],
    })
    for (let call = 0; call < 6; call++) {
      expect((await run(clock, [retry({ ...steady, budget })], routing.handler)).status).toBe(200)
    }
    expect([budget.balance, a.attempts.length]).toEqual([10, 1])
  })

  it('not for a call that the fallback takes over', async () => {
    const budget = budgetOf()
    const [first, second] = [scriptedUpstream({ status: 429, retryAfter: 60 }), scriptedUpstream('ok')]
    const chain = [fallback([to('second', second)]), retry({ ...steady, budget })]
    for (let call = 0; call < 20; call++) await run(clock, chain, first.handler)
    expect(budget.balance).toBe(10)
  })

  it('and where it is used up, the fallback has the call at once', async () => {
    const budget = budgetOf()
    const [first, second] = [scriptedUpstream(overloaded), scriptedUpstream('ok')]
    const chain = [fallback([to('second', second)]), retry({ ...steady, budget })]
    for (let call = 0; call < 5; call++) await run(clock, chain, first.handler)
    expect(budget.balance).toBe(0)
    const before = clock.now()
    const { target: who, at } = await run(clock, chain, first.handler)
    expect([who, at - before]).toEqual(['second', 20])
  })
})

describe('admission: what is refused before an attempt counts against no endpoint', () => {
  /** One stream holds the only slot of a limit with a concurrency of 1. */
  async function occupied(limit: Middleware, around: readonly Middleware[] = []): Promise<Handler> {
    const upstream = scriptedUpstream({ streamsFor: 60_000 }, 'ok')
    const chain = compose([...around, limit], upstream.handler)
    const { request } = requestOn(clock, { stream: true })
    const response = await clock.runUntil(chain(request))
    response.body.pipe({ write: () => true, end() {}, fail() {} })
    return chain
  }
  const full = (): Middleware => rateLimit({ concurrency: 1, maxWait: 0 })

  it('neither the breaker outside of it', async () => {
    const breaker = createCircuitBreaker({ ...quickBreaker, minimumCalls: 1 })
    const chain = await occupied(full(), [breaker.middleware])
    for (let call = 0; call < 10; call++) expect((await run(clock, [], chain)).failure).toBe('saturated')
    expect(breaker.states().map(({ state, failures }) => [state, failures])).toEqual([
      ['closed', 0],
      ['closed', 0],
    ])
  })

  it('nor the health of an endpoint: routing sends the call on to the next', async () => {
    const chain = await occupied(full())
    const other = scriptedUpstream('ok')
    const routing = createRouting({
      endpoints: [
        { name: 'full', handler: chain },
        { name: 'free', handler: other.handler },
      ],
    })
    for (let call = 0; call < 20; call++) expect((await run(clock, [], routing.handler)).status).toBe(200)
    expect(routing.endpoints().map(({ ejectedUntil }) => ejectedUntil)).toEqual([undefined, undefined])
  })

  it('and retry does not repeat it, so the fallback answers in the same moment, without an attempt in between', async () => {
    const chain = await occupied(full())
    const second = scriptedUpstream('ok')
    const before = clock.now()
    const {
      target: who,
      at,
      events,
    } = await run(clock, [fallback([to('second', second)]), retry(steady)], chain)
    expect([who, at - before]).toEqual(['second', 10])
    expect(events.filter((type) => type === 'attempt.started')).toHaveLength(1)
  })

  it('a limit inside of retry admits each attempt, one outside of it each call', async () => {
    const used = async (order: 'inside' | 'outside'): Promise<number> => {
      const limit = createRateLimit({ requestsPerMinute: 100 })
      const again = retry(steady)
      const chain = order === 'inside' ? [again, limit.middleware] : [limit.middleware, again]
      await run(clock, chain, scriptedUpstream(overloaded, overloaded, 'ok').handler)
      return limit.limiter()?.headroom(clock.now()).requestsPerMinute?.used ?? 0
    }
    expect([await used('inside'), await used('outside')]).toEqual([3, 1])
  })

  it('a breaker inside of retry counts each attempt, one outside of it each call', async () => {
    const failures = async (order: 'inside' | 'outside'): Promise<number | undefined> => {
      const breaker = createCircuitBreaker()
      const again = retry(steady)
      const chain = order === 'inside' ? [again, breaker.middleware] : [breaker.middleware, again]
      await run(clock, chain, scriptedUpstream(overloaded).handler)
      return breaker.states().find(({ scope }) => scope === 'model')?.failures
    }
    expect([await failures('inside'), await failures('outside')]).toEqual([3, 1])
  })

  it('a breaker beside another target keeps its verdicts apart: the fallback’s failures are its own', async () => {
    const [first, second] = [createCircuitBreaker(), createCircuitBreaker()]
    const chain = [
      fallback([to('second', scriptedUpstream(overloaded), second.middleware)]),
      first.middleware,
    ]
    await run(clock, chain, scriptedUpstream('ok').handler)
    await run(clock, chain, scriptedUpstream(overloaded).handler)
    const failures = [first, second].map((breaker) => breaker.states().map(({ failures }) => failures))
    expect(failures).toEqual([
      [0, 1],
      [0, 1],
    ])
  })

  it('what a mirror’s candidate does counts nowhere else', async () => {
    const breaker = createCircuitBreaker({ ...quickBreaker, minimumCalls: 1 })
    const limit = createRateLimit({ requestsPerMinute: 100 })
    const mirror = createMirror({ to: to('candidate', scriptedUpstream(overloaded)), sample: 1 })
    const chain = [mirror.middleware, retry(steady), breaker.middleware, limit.middleware]
    for (let call = 0; call < 5; call++) {
      const { status, events } = await run(clock, chain, scriptedUpstream('ok').handler)
      expect([status, events.filter((type) => type === 'attempt.started').length]).toEqual([200, 1])
    }
    await clock.runAll()
    expect(breaker.states().every(({ state }) => state === 'closed')).toBe(true)
    expect(limit.limiter()?.headroom(clock.now()).requestsPerMinute?.used).toBe(5)
  })
})

describe('cancellation: a caller who leaves takes everything along', () => {
  const policies: readonly (readonly [
    name: string,
    make: () => readonly Middleware[],
    upstream: () => ScriptedUpstream,
  ])[] = [
    [
      'during an attempt',
      () => [fallback([to('b', scriptedUpstream('ok'))]), retry(), circuitBreaker()],
      () => scriptedUpstream('stall'),
    ],
    [
      'during a back-off',
      () => [retry({ ...steady, baseDelay: 5_000 }), circuitBreaker()],
      () => scriptedUpstream(overloaded),
    ],
    [
      'while retry-after runs',
      () => [retry(), rateLimit({ requestsPerMinute: 60 })],
      () => scriptedUpstream({ status: 429, retryAfter: 20 }),
    ],
    [
      'at the second target',
      () => [
        fallback([to('b', scriptedUpstream('stall'), retry(), circuitBreaker())]),
        retry({ attempts: 1 }),
      ],
      () => scriptedUpstream(overloaded),
    ],
    [
      'at an endpoint of several',
      () => [
        retry(),
        () =>
          createRouting({
            endpoints: ['a', 'b'].map((name) => ({ name, handler: scriptedUpstream('stall').handler })),
          }).handler,
      ],
      () => scriptedUpstream('ok'),
    ],
  ]

  it.each(policies)('%s', async (_, make, upstream) => {
    const caller = new AbortController()
    const { request } = requestOn(clock, { signal: caller.signal })
    const call = compose(make(), upstream().handler)(request)
    const left = expect(call).rejects.toThrow('left')
    await clock.advance(1_000)
    caller.abort(new Error('left'))
    await left
    await clock.advance(0)
    expect(clock.pending).toBe(0)
  })

  it('gives places and probes back', async () => {
    const breaker = createCircuitBreaker({ ...quickBreaker, halfOpenProbes: 1 })
    const limit = createRateLimit({ concurrency: 1 })
    const chain = [breaker.middleware, limit.middleware]
    const upstream = scriptedUpstream(overloaded, overloaded, 'stall', 'ok')
    for (let call = 0; call < 2; call++) await run(clock, chain, upstream.handler)
    await clock.advance(15_000)
    const caller = new AbortController()
    const { request } = requestOn(clock, { signal: caller.signal })
    const probe = compose(chain, upstream.handler)(request)
    const left = expect(probe).rejects.toThrow('left')
    await clock.advance(100)
    expect(breaker.states().find(({ scope }) => scope === 'model')?.probes).toBe(1)
    caller.abort(new Error('left'))
    await left
    expect([limit.limiter()?.inFlight, upstream.aborted]).toEqual([0, 1])
    expect((await run(clock, chain, upstream.handler)).status).toBe(200)
  })
})

describe('time: one deadline for all', () => {
  it('a first target that only times out leaves the reserve to the fallback, through retry and breaker', async () => {
    const [first, second] = [scriptedUpstream('stall'), scriptedUpstream('ok')]
    const chain = [fallback([to('second', second)], { reserve: 30_000 }), retry(), circuitBreaker()]
    const { target: who, at } = await run(clock, chain, first.handler, { deadline: 100_000 })
    expect([who, first.attempts.length, at]).toEqual(['second', 1, 70_010])
  })

  it('no wait of any policy outlives the deadline', async () => {
    const upstream = scriptedUpstream({ status: 429, retryAfter: 20 })
    const chains: readonly (readonly Middleware[])[] = [
      [retry()],
      [retry(), rateLimit({ requestsPerMinute: 600 })],
      [rateLimit({ requestsPerMinute: 600 }), retry()],
      [fallback([to('b', upstream, retry())]), retry()],
    ]
    for (const chain of chains) {
      const begun = clock.now()
      await run(clock, chain, upstream.handler, { deadline: begun + 10_000 })
      expect(clock.now() - begun).toBeLessThanOrEqual(10_000)
    }
  })

  it('a request is never changed on its way: each target gets the bytes that the caller sent', async () => {
    const bodies = new Set<Uint8Array>()
    const keep: Middleware = (next) => (request: ModelRequest) => {
      bodies.add(request.body.bytes)
      return next(request)
    }
    const chain = [fallback([to('b', scriptedUpstream('ok'), keep)]), retry(steady), circuitBreaker(), keep]
    await run(clock, chain, scriptedUpstream(overloaded).handler)
    expect(bodies.size).toBe(1)
  })
})
