import type { SpillwayEvent } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type FakeEndpoint,
  failureOf,
  fakeEndpoint,
  heard,
  refusedKey,
  requestOn,
  turnOf,
} from '../test/fake-endpoint.ts'
import { balance, createRouting, type Routing, type RoutingSetup } from './routing.ts'

let clock: VirtualClock
beforeEach(() => {
  clock = virtualClock()
})

const named = (fakes: readonly FakeEndpoint[]) =>
  fakes.map(({ handler }, index) => ({ name: 'abcdefgh'[index] as string, handler }))

function setUp(
  count: number,
  options: Partial<RoutingSetup> = {},
): { fakes: FakeEndpoint[]; routing: Routing } {
  const fakes = Array.from({ length: count }, () => fakeEndpoint())
  return { fakes, routing: createRouting({ endpoints: named(fakes), ...options }) }
}

/** Makes a call and says who was asked, in order. */
async function call(routing: Routing, request = requestOn(clock)) {
  const watched = heard(request)
  const response = await clock.runUntil(routing.handler(watched.request))
  await clock.advance(0)
  const chosen = watched.events.flatMap((event) => (event.type === 'routing.chosen' ? [event] : []))
  return {
    response,
    events: watched.events,
    endpoints: chosen.map(({ endpoint }) => endpoint),
    reasons: chosen.map(({ reason }) => reason),
  }
}

const inFlight = (routing: Routing) => routing.endpoints().map((state) => state.inFlight)

describe('balance', () => {
  it('passes the answer on, and tells the endpoint to what is further in', async () => {
    const contexts: unknown[] = []
    const handler = balance([
      {
        name: 'a',
        handler: (request) => {
          contexts.push(request.context.endpoint)
          return fakeEndpoint(0).handler(request)
        },
      },
    ])
    expect((await clock.runUntil(handler(requestOn(clock)))).status).toBe(200)
    expect(contexts).toEqual(['a'])
    expect(clock.pending).toBe(0)
  })

  it('keeps to the weights, one call at a time and many at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 }),
        fc.constantFrom(1, 40),
        fc.integer(),
        async (weights, atATime, seed) => {
          clock = virtualClock({ seed })
          const fakes = weights.map(() => fakeEndpoint())
          const endpoints = named(fakes).map((each, index) => ({ ...each, weight: weights[index] as number }))
          const routing = createRouting({ endpoints })
          const calls = 1_200
          for (let done = 0; done < calls; done += atATime) {
            const batch = Array.from({ length: atATime }, () => routing.handler(requestOn(clock)))
            await clock.runUntil(Promise.all(batch))
          }
          const sum = weights.reduce((total, weight) => total + weight)
          fakes.forEach(({ asked }, index) => {
            expect(Math.abs(asked / calls - (weights[index] as number) / sum)).toBeLessThan(0.1)
          })
        },
      ),
      { numRuns: 12 },
    )
  })

  it('leaves a slow endpoint little, and neither floods nor starves it when it is fast again', async () => {
    const { fakes, routing } = setUp(3, { ejection: false })
    const [slow] = fakes as [FakeEndpoint]
    slow.latency = 1_000
    for (let done = 0; done < 300; done++) await call(routing)
    expect(slow.asked).toBeLessThan(45)
    slow.latency = 100
    const before = slow.asked
    for (let done = 0; done < 600; done++) await call(routing)
    const share = (slow.asked - before) / 600
    expect(share).toBeGreaterThan(0.15)
    expect(share).toBeLessThan(0.45)
  })

  it('tells the share, the latency and the calls under way', async () => {
    const { routing } = setUp(2)
    for (let done = 0; done < 20; done++) await call(routing)
    const states = routing.endpoints()
    expect(states.map(({ share }) => share).reduce((a, b) => a + b)).toBeCloseTo(1)
    expect(states[0]).toMatchObject({
      name: 'a',
      timeToFirstToken: 100,
      inFlight: 0,
      ejectedUntil: undefined,
    })
  })
})

describe('a conversation', () => {
  it('keeps its endpoint, as all of fifty do while all endpoints are healthy', async () => {
    const { routing } = setUp(3)
    const homes = new Map<string, Set<string | undefined>>()
    for (let turn = 0; turn < 10; turn++) {
      for (let session = 0; session < 50; session++) {
        const { endpoints } = await call(routing, turnOf(clock, `s${session}`))
        const seen = homes.get(`s${session}`) ?? new Set()
        homes.set(`s${session}`, seen.add(endpoints[0]))
      }
    }
    expect([...homes.values()].map(({ size }) => size)).toEqual(new Array(50).fill(1))
    expect(new Set([...homes.values()].flatMap((seen) => [...seen])).size).toBe(3)
  })

  it('stays where it went when its first endpoint is well again', async () => {
    const { fakes, routing } = setUp(2, { keys: { baseTime: 1_000 } })
    const first = (await call(routing, turnOf(clock, 's'))).endpoints[0]
    const [home, other] = first === 'a' ? (fakes as [FakeEndpoint, FakeEndpoint]) : [...fakes].reverse()
    home!.failure = refusedKey
    const moved = await call(routing, turnOf(clock, 's'))
    expect(moved.response.failure).toBeUndefined()
    home!.failure = undefined
    await clock.advance(1_000)
    await call(routing)
    const before = other!.asked
    for (let turn = 0; turn < 20; turn++) await call(routing, turnOf(clock, 's'))
    expect(other!.asked - before).toBe(20)
  })

  it('that begins like many others does not follow them to an endpoint that is overloaded', async () => {
    const { fakes, routing } = setUp(2)
    const body = jsonBodyFromObject({ messages: [{ role: 'user', content: 'Hi' }] })
    const calls = Array.from({ length: 40 }, () => routing.handler(requestOn(clock, { body })))
    await clock.runUntil(Promise.all(calls))
    for (const { asked } of fakes) expect(asked).toBeGreaterThan(3)
  })

  it('that had to move returns when too many others have moved since, and after close', async () => {
    const { fakes, routing } = setUp(2, { affinity: { maxConversations: 1 }, ejection: false })
    const placeOf = async (session: string) => (await call(routing, turnOf(clock, session))).endpoints.at(-1)
    const move = async (session: string) => {
      const home = await placeOf(session)
      const fake = fakes[home === 'a' ? 0 : 1] as FakeEndpoint
      fake.failure = failureOf('saturated', { origin: 'spillway', retryable: false })
      await call(routing, turnOf(clock, session))
      fake.failure = undefined
      return home
    }
    const home = await move('x')
    expect(await placeOf('x')).not.toBe(home)
    await move('y')
    expect(await placeOf('x')).toBe(home)
    await move('x')
    expect(await placeOf('x')).not.toBe(home)
    routing.close()
    expect(await placeOf('x')).toBe(home)
  })
})

describe('an endpoint is ejected', () => {
  const ejections = (events: { type: string }[]) => events.filter(({ type }) => type === 'endpoint.ejected')

  it.each([
    ['fails', (fake: FakeEndpoint) => (fake.failure = failureOf('server'))],
    ['breaks its streams off half-way', (fake: FakeEndpoint) => (fake.breaksOff = true)],
  ])('when it %s so many times in a row, and comes back by a probe', async (_, spoil) => {
    const { fakes, routing } = setUp(3)
    const [bad] = fakes as [FakeEndpoint]
    spoil(bad)
    const events: SpillwayEvent[] = []
    for (let done = 0; done < 40; done++) events.push(...(await call(routing)).events)
    expect(ejections(events)).toMatchObject([{ endpoint: 'a', reason: 'consecutive_failures', forMs: 5_000 }])
    expect(bad.asked).toBe(5)
    expect(routing.endpoints()[0]?.ejectedUntil).toBeGreaterThan(clock.now())

    await clock.advance(5_000)
    expect((await call(routing)).reasons).toEqual(['probe'])
    expect(ejections((await call(routing)).events)).toEqual([])
    expect(bad.asked).toBe(6)
    await clock.advance(9_000)
    expect((await call(routing)).reasons).not.toContain('probe')

    bad.failure = undefined
    bad.breaksOff = false
    await clock.advance(1_000)
    const probe = await call(routing)
    expect(probe.reasons).toEqual(['probe'])
    expect(probe.events.at(-1)).toMatchObject({ type: 'endpoint.recovered', endpoint: 'a' })
    const before = bad.asked
    for (let done = 0; done < 90; done++) await call(routing)
    expect(bad.asked - before).toBeGreaterThan(15)
    expect(bad.asked - before).toBeLessThan(50)
  })

  it('when its first tokens come many times later than those of the others', async () => {
    const { fakes, routing } = setUp(3)
    for (let session = 0; session < 30; session++) await call(routing, turnOf(clock, `s${session}`))
    fakes[0]!.latency = 1_000
    const events: SpillwayEvent[] = []
    for (let turn = 0; turn < 180 && ejections(events).length === 0; turn++) {
      events.push(...(await call(routing, turnOf(clock, `s${turn % 30}`))).events)
    }
    expect(ejections(events)[0]).toMatchObject({ endpoint: 'a', reason: 'latency' })
    // A probe that answers is not enough while it takes as long.
    await clock.advance(5_000)
    expect(ejections((await call(routing)).events)).toMatchObject([{ reason: 'probe_failed', forMs: 10_000 }])
  })

  it('when half of its calls fail, and those of the others do not', async () => {
    const { fakes, routing } = setUp(2, { ejection: { consecutiveFailures: Infinity } })
    const events: SpillwayEvent[] = []
    for (let done = 0; done < 200; done++) {
      fakes[0]!.failure = fakes[0]!.asked % 2 === 0 ? failureOf('server') : undefined
      events.push(...(await call(routing)).events)
    }
    expect(ejections(events)[0]).toMatchObject({ endpoint: 'a', reason: 'failure_rate' })
  })

  it('but never for what the caller did, for a limit, or for a refusal of our own', async () => {
    for (const failure of [
      failureOf('invalid_request', { retryable: false, scope: 'request' }),
      failureOf('rate_limited', { scope: 'key' }),
      failureOf('saturated', { origin: 'spillway', retryable: false }),
      failureOf('timeout', { origin: 'spillway', phase: 'total' }),
      // The caller's own deadline, a moment after the call began.
      failureOf('timeout', { phase: 'total' }),
    ]) {
      const { fakes, routing } = setUp(2)
      fakes[0]!.failure = failure
      for (let done = 0; done < 30; done++) await call(routing)
      expect(routing.endpoints()[0]?.ejectedUntil).toBeUndefined()
    }
  })

  it('never so that none is left, whatever happens', async () => {
    const step = fc.record({
      who: fc.nat(3),
      does: fc.constantFrom('fail', 'answer', 'break', 'slow', 'refuse', 'wait'),
      calls: fc.integer({ min: 1, max: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 25 }),
        async (count, steps) => {
          clock = virtualClock()
          const { fakes, routing } = setUp(count, { ejection: { maxEjected: 1, consecutiveFailures: 2 } })
          for (const { who, does, calls } of steps) {
            const fake = fakes[who % count] as FakeEndpoint
            if (does === 'wait') await clock.advance(7_000)
            else {
              fake.failure =
                does === 'fail' ? failureOf('server') : does === 'refuse' ? refusedKey : undefined
              fake.breaksOff = does === 'break'
              fake.latency = does === 'slow' ? 2_000 : 100
            }
            for (let done = 0; done < calls; done++) {
              await call(routing)
              const states = routing.endpoints()
              expect(states.some(({ ejectedUntil }) => ejectedUntil === undefined)).toBe(true)
              expect(states.every((state) => state.inFlight === 0)).toBe(true)
            }
          }
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('a refused key', () => {
  it('sends the very call on at once, and takes out all endpoints that share it', async () => {
    const fakes = [fakeEndpoint(), fakeEndpoint(), fakeEndpoint()]
    const endpoints = named(fakes).map((each, index) => ({ ...each, key: index < 2 ? 'shared' : 'own' }))
    const routing = createRouting({ endpoints })
    fakes[0]!.failure = refusedKey
    fakes[1]!.failure = refusedKey
    for (let done = 0; done < 30; done++) expect((await call(routing)).response.failure).toBeUndefined()
    expect(fakes[0]!.asked + fakes[1]!.asked).toBe(1)
    expect(routing.endpoints().map(({ key }) => key.refusedUntil !== undefined)).toEqual([true, true, false])
    expect(routing.endpoints().map(({ ejectedUntil }) => ejectedUntil)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it.each(['authentication', 'billing', 'permission'] as const)(
    '%s is tried again later and later',
    async (kind) => {
      const { fakes, routing } = setUp(2)
      fakes[0]!.failure = failureOf(kind, { retryable: false, scope: 'key' })
      const at: number[] = []
      while (clock.now() < 200_000) {
        const before = fakes[0]!.asked
        expect((await call(routing)).response.failure).toBeUndefined()
        if (fakes[0]!.asked > before) at.push(clock.now())
        await clock.advance(1_000)
      }
      const waits = at.slice(1).map((time, index) => Math.round((time - at[index]!) / 10_000))
      expect(waits).toEqual([1, 2, 4, 8])
      fakes[0]!.failure = undefined
      await clock.advance(200_000)
      expect((await call(routing)).events.at(-1)).toMatchObject({
        type: 'endpoint.recovered',
        key: 'key of a',
      })
    },
  )

  it.each(['authentication', 'rate_limited'] as const)(
    'that a caller has brought says nothing about those of others: %s',
    async (kind) => {
      const fakes = [fakeEndpoint(), fakeEndpoint()]
      const [callers, own] = named(fakes)
      const routing = createRouting({ endpoints: [{ ...callers!, key: null }, own!] })
      fakes[0]!.failure = failureOf(kind, { retryable: false, scope: 'key' })
      fakes[1]!.failure = refusedKey
      for (let done = 0; done < 10; done++) expect((await call(routing)).response.failure).toBeDefined()
      const [state] = routing.endpoints()
      expect(state).toMatchObject({ ejectedUntil: undefined, key: { name: 'caller' } })
      expect(state?.key).toMatchObject({ refusedUntil: undefined, pausedUntil: undefined })
      fakes[0]!.failure = undefined
      for (let done = 0; done < 10; done++) expect((await call(routing)).response.failure).toBeUndefined()
    },
  )

  it.each([
    [undefined, 600_000],
    [30_000, 30_000],
  ])(
    'is not kept from calls for longer than maxRetryAfter, %s, whatever a 429 says',
    async (maxRetryAfter, ms) => {
      const { fakes, routing } = setUp(2, { affinity: false, ...(maxRetryAfter && { maxRetryAfter }) })
      for (const retryAfterMs of [31_536_000_000, Infinity]) {
        fakes[0]!.failure = failureOf('rate_limited', { scope: 'key', retryAfterMs })
        while (!(await call(routing)).response.failure);
        const asked = fakes[0]!.asked
        fakes[0]!.failure = undefined
        await clock.advance(ms - 15_000)
        for (let done = 0; done < 20; done++) await call(routing)
        expect(fakes[0]!.asked).toBe(asked)
        await clock.advance(15_000)
        for (let done = 0; done < 20; done++) await call(routing)
        expect(fakes[0]!.asked).toBeGreaterThan(asked)
      }
    },
  )

  it('is what the caller hears where there is no other', async () => {
    const { fakes, routing } = setUp(2)
    for (const fake of fakes) fake.failure = refusedKey
    for (let done = 0; done < 3; done++) {
      expect((await call(routing)).response.failure?.kind).toBe('authentication')
    }
  })
})

describe('within one call', () => {
  it.each(['circuit_open', 'saturated'] as const)(
    '%s makes the next endpoint be asked at once',
    async (kind) => {
      const { fakes, routing } = setUp(3)
      fakes[0]!.failure = failureOf(kind, { origin: 'spillway', retryable: false })
      fakes[1]!.failure = fakes[0]!.failure
      for (let done = 0; done < 10; done++) {
        expect((await call(routing)).response.failure).toBeUndefined()
      }
      fakes[2]!.failure = fakes[0]!.failure
      const { response, endpoints } = await call(routing)
      expect(response.failure?.kind).toBe(kind)
      expect([...endpoints].sort()).toEqual(['a', 'b', 'c'])
    },
  )

  const notTaken: readonly (readonly [string, ReturnType<typeof failureOf>])[] = [
    [
      'what an endpoint does not take',
      failureOf('unfit', { origin: 'spillway', retryable: false, scope: 'request' }),
    ],
    ['a model that it does not have', failureOf('not_found', { retryable: false, scope: 'model' })],
    ['a model that it has not granted', failureOf('permission', { retryable: false, scope: 'model' })],
  ]
  it.each(notTaken)('%s goes to the next at once, and says nothing of the endpoint', async (_, failure) => {
    const { fakes, routing } = setUp(3)
    for (let session = 0; session < 20; session++) {
      const turn = turnOf(clock, `s${session}`)
      const [home] = (await call(routing, turn)).endpoints as [string]
      const at = fakes['abc'.indexOf(home)] as FakeEndpoint
      at.failure = failure
      const moved = await call(routing, turn)
      expect([moved.response.failure, moved.endpoints.length, moved.reasons[1]]).toEqual([
        undefined,
        2,
        'next',
      ])
      // The conversation goes on where it was answered.
      expect((await call(routing, turn)).endpoints).toEqual([moved.endpoints[1]])
      at.failure = undefined
    }
    for (const state of routing.endpoints())
      expect([state.ejectedUntil, state.key.refusedUntil]).toEqual([undefined, undefined])
  })

  it.each(notTaken)('%s is what the caller hears where no endpoint takes it', async (_, failure) => {
    const { fakes, routing } = setUp(3)
    const turn = turnOf(clock, 's')
    const home = (await call(routing, turn)).endpoints
    for (const fake of fakes) fake.failure = failure
    const { response, endpoints } = await call(routing, turn)
    expect([response.failure, [...endpoints].sort()]).toEqual([failure, ['a', 'b', 'c']])
    // And its conversation stays where its cache is.
    for (const fake of fakes) fake.failure = undefined
    expect((await call(routing, turn)).endpoints).toEqual(home)
  })

  it('a retry goes to an endpoint that the call has not tried, until it is answered', async () => {
    const { fakes, routing } = setUp(3)
    for (const fake of fakes) fake.failure = failureOf('overloaded')
    const request = turnOf(clock, 's')
    const seen = []
    for (let attempt = 0; attempt < 3; attempt++) seen.push(...(await call(routing, request)).endpoints)
    expect([...seen].sort()).toEqual(['a', 'b', 'c'])
  })

  it('an endpoint at its limit is left alone until its time is over', async () => {
    const { fakes, routing } = setUp(2)
    fakes[0]!.failure = failureOf('rate_limited', { scope: 'key', retryAfterMs: 3_000 })
    while (fakes[0]!.asked === 0) await call(routing)
    fakes[0]!.failure = undefined
    const until = clock.now() + 2_800
    while (clock.now() < until) await call(routing)
    expect(fakes[0]!.asked).toBe(1)
    await clock.advance(200)
    for (let done = 0; done < 20; done++) await call(routing)
    expect(fakes[0]!.asked).toBeGreaterThan(2)
  })

  it('a limit that no retry waits for is left to the next endpoint, in the same call', async () => {
    const { fakes, routing } = setUp(2)
    fakes[0]!.failure = failureOf('rate_limited', { scope: 'key', retryable: false })
    for (let done = 0; done < 20; done++) expect((await call(routing)).response.failure).toBeUndefined()
    expect(fakes[0]!.asked).toBeGreaterThan(0)
  })

  it('a request that the limit is too small for keeps no other away', async () => {
    const { fakes, routing } = setUp(1)
    fakes[0]!.failure = failureOf('rate_limited', {
      scope: 'request',
      retryable: false,
      retryAfterMs: 60_000,
    })
    await call(routing)
    expect(routing.endpoints()[0]?.key.pausedUntil).toBeUndefined()
    fakes[0]!.failure = undefined
    expect((await call(routing)).response.failure).toBeUndefined()
  })
})

it('counts calls under way exactly, whoever leaves when', async () => {
  const plan = fc.record({ at: fc.nat(500), leaves: fc.nat(700), hedges: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { maxLength: 30 }), fc.boolean(), async (plans, hedged) => {
      clock = virtualClock()
      const { fakes, routing } = setUp(3, hedged ? { hedge: { after: 50, maxExtra: 1 } } : {})
      for (const fake of fakes) fake.streaming = 300
      fakes[1]!.breaksOff = true
      fakes[2]!.failure = failureOf('server')
      for (const { at, leaves } of plans) {
        clock.setTimer(at, () => {
          const caller = new AbortController()
          routing.handler(requestOn(clock, { signal: caller.signal })).catch(() => {})
          clock.setTimer(leaves, () => caller.abort())
        })
      }
      await clock.runAll()
      expect(inFlight(routing)).toEqual([0, 0, 0])
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 40 },
  )
})

it.each<[string, Partial<RoutingSetup>]>([
  ['at least one endpoint', { endpoints: [] }],
  ['two endpoints of the name a', { endpoints: [...named([fakeEndpoint()]), ...named([fakeEndpoint()])] }],
  ['weight of a', { endpoints: [{ ...named([fakeEndpoint()])[0]!, weight: 0 }] }],
  ['window', { window: 0 }],
  ['ejection.latencyFactor', { ejection: { latencyFactor: 1 } }],
  ['ejection.maxEjected', { ejection: { maxEjected: 2 } }],
  ['affinity.boundedLoad', { affinity: { boundedLoad: Number.NaN } }],
  ['hedge.maxExtra', { hedge: { after: 'p95', maxExtra: 2 } }],
  ['hedge.after', { hedge: { after: -1, maxExtra: 0.1 } }],
])('refuses options out of range: %s', (message, setup) => {
  expect(() => setUp(1, setup)).toThrow(new RegExp(message))
})

describe('a call that nobody waits for', () => {
  const shadow = (session?: string) => requestOn(clock, { context: { session, isShadow: true } })

  it('ejects no endpoint and takes out no key, whatever comes of it', async () => {
    for (const failure of [failureOf('server'), refusedKey, failureOf('timeout')]) {
      const { fakes, routing } = setUp(2, { affinity: false })
      for (const fake of fakes) fake.failure = failure
      for (let done = 0; done < 40; done++) await call(routing, shadow())
      for (const { ejectedUntil, inFlight: open, key } of routing.endpoints()) {
        expect([ejectedUntil, key.refusedUntil, open]).toEqual([undefined, undefined, 0])
      }
    }
  })

  it('tells of a 429, which holds for all', async () => {
    const { fakes, routing } = setUp(2, { affinity: false })
    fakes[0]!.failure = failureOf('rate_limited', { scope: 'key', retryAfterMs: 3_000 })
    while (fakes[0]!.asked === 0) await call(routing, shadow())
    expect(routing.endpoints()[0]?.key.pausedUntil).toBeGreaterThan(clock.now())
  })

  it('is no probe, makes no hedge and moves no conversation', async () => {
    const { fakes, routing } = setUp(2, {
      hedge: { after: 10, maxExtra: 1 },
      ejection: { consecutiveFailures: 2 },
    })
    const home = (await call(routing, turnOf(clock, 's'))).endpoints[0]
    fakes[home === 'a' ? 0 : 1]!.failure = failureOf('saturated', { origin: 'spillway', retryable: false })
    await call(routing, shadow('s'))
    fakes[home === 'a' ? 0 : 1]!.failure = undefined
    expect((await call(routing, turnOf(clock, 's'))).reasons[0]).toBe('affinity')
    const asked = fakes.map((fake) => fake.asked)
    await call(routing, shadow('s'))
    expect(fakes.reduce((sum, fake) => sum + fake.asked, 0)).toBe(asked[0]! + asked[1]! + 1)
    for (const fake of fakes) fake.failure = failureOf('server')
    for (let done = 0; done < 10; done++) await call(routing)
    await clock.advance(60_000)
    for (let done = 0; done < 10; done++)
      expect((await call(routing, shadow())).reasons).not.toContain('probe')
  })
})

it('a call whose own deadline left it hardly any time says nothing of an endpoint, bad or good', async () => {
  const cutShort = failureOf('timeout', { phase: 'total' })
  const { fakes, routing } = setUp(2, { affinity: false })
  const [sick] = fakes as [FakeEndpoint]
  while (sick.asked < 4) {
    sick.failure = failureOf('server')
    await call(routing)
  }
  // It does not end the row of failures either.
  sick.failure = cutShort
  for (const asked = sick.asked; sick.asked === asked; ) await call(routing)
  sick.failure = failureOf('server')
  for (const asked = sick.asked; sick.asked === asked; ) await call(routing)
  const ejectedUntil = routing.endpoints()[0]?.ejectedUntil as number
  expect(ejectedUntil).toBeGreaterThan(clock.now())
  // Nor does it put an endpoint back as a probe.
  await clock.advance(ejectedUntil - clock.now())
  sick.failure = cutShort
  expect((await call(routing)).reasons).toEqual(['probe'])
  expect(routing.endpoints()[0]?.ejectedUntil).toBeDefined()
})
