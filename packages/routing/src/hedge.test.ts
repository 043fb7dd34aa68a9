import { getEventListeners } from 'node:events'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import {
  type FakeEndpoint,
  failureOf,
  fakeEndpoint,
  heard,
  requestOn,
  turnOf,
} from '../test/fake-endpoint.ts'
import type { HedgeOptions } from './options.ts'
import { createRouting, type Routing } from './routing.ts'

let clock: VirtualClock
let slow: FakeEndpoint
let fast: FakeEndpoint
beforeEach(() => {
  clock = virtualClock()
  slow = fakeEndpoint()
  fast = fakeEndpoint()
})

/** Two endpoints; the conversation `s` lives on the one that is slow. */
async function settled(hedge: HedgeOptions = { after: 500, maxExtra: 1 }): Promise<Routing> {
  const endpoints = [
    { name: 'slow', handler: slow.handler, weight: 1e9 },
    { name: 'fast', handler: fast.handler },
  ]
  const routing = createRouting({ endpoints, hedge })
  for (let done = 0; done < 24; done++) {
    slow.latency = 100 - done
    await clock.runUntil(routing.handler(turnOf(clock, 's')))
  }
  await clock.advance(0)
  expect([slow.asked, fast.asked, clock.pending]).toEqual([24, 0, 0])
  slow.latency = 5_000
  return routing
}

it('asks another endpoint after a while, and cancels the one that is slower', async () => {
  const routing = await settled()
  const { request, events } = heard(turnOf(clock, 's'))
  const begun = clock.now()
  const response = await clock.runUntil(routing.handler(request))
  expect(response.failure).toBeUndefined()
  expect(clock.now() - begun).toBe(600)
  await clock.advance(0)
  expect([slow.cancelled, fast.asked, clock.pending]).toEqual([1, 1, 0])
  expect(events.map(({ type }) => type)).toEqual([
    'routing.chosen',
    'hedge.started',
    'routing.chosen',
    'hedge.won',
  ])
  expect(routing.endpoints().map(({ inFlight }) => inFlight)).toEqual([0, 0])
})

it('loses the hedge where the first answers after all', async () => {
  const routing = await settled()
  slow.latency = 550
  const { request, events } = heard(turnOf(clock, 's'))
  await clock.runUntil(routing.handler(request))
  await clock.advance(0)
  expect([slow.cancelled, fast.cancelled]).toEqual([0, 1])
  expect(events.at(-1)).toMatchObject({ type: 'hedge.lost', endpoint: 'fast', reason: 'slower' })
})

it('does not let a failed hedge take an answer away, nor a failed first one', async () => {
  const routing = await settled()
  fast.failure = failureOf('server')
  const { request, events } = heard(turnOf(clock, 's'))
  expect((await clock.runUntil(routing.handler(request))).failure).toBeUndefined()
  expect(events.at(-1)).toMatchObject({ type: 'hedge.lost', reason: 'failed' })
  slow.failure = failureOf('overloaded')
  expect((await clock.runUntil(routing.handler(turnOf(clock, 's')))).failure).toBeDefined()
  fast.failure = undefined
  fast.latency = 10_000
  expect((await clock.runUntil(routing.handler(requestOn(clock)))).failure).toBeUndefined()
})

it('returns a failure that comes before the hedge at once', async () => {
  const routing = await settled()
  slow.latency = 10
  slow.failure = failureOf('server')
  expect((await clock.runUntil(routing.handler(turnOf(clock, 's')))).failure?.kind).toBe('server')
  expect([fast.asked, clock.pending]).toEqual([0, 0])
})

it('waits for the 95th percentile, once there are enough times to tell', async () => {
  const routing = await settled({ after: 'p95', maxExtra: 1 })
  const begun = clock.now()
  await clock.runUntil(routing.handler(turnOf(clock, 's')))
  expect(clock.now() - begun).toBe(199)
  expect(fast.asked).toBe(1)
})

it('ends both at once when the caller leaves, and leaves no listener', async () => {
  const routing = await settled()
  fast.latency = 5_000
  const caller = new AbortController()
  const { signal } = caller
  const gone = routing.handler(requestOn(clock, { signal, context: { session: 's' } }))
  gone.catch(() => {})
  await clock.advance(1_000)
  caller.abort(new Error('gone'))
  await expect(gone).rejects.toThrow('gone')
  await clock.advance(0)
  expect([slow.cancelled, fast.cancelled, clock.pending]).toEqual([1, 1, 0])
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

it('lets the caller leave while the answer still comes', async () => {
  const routing = await settled()
  fast.streaming = 10_000
  const caller = new AbortController()
  const { signal } = caller
  const response = await clock.runUntil(
    routing.handler(requestOn(clock, { signal, context: { session: 's' } })),
  )
  caller.abort()
  expect((await clock.runUntil(response.outcome)).failure?.kind).toBe('cancelled')
  await clock.advance(0)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(routing.endpoints().map(({ inFlight }) => inFlight)).toEqual([0, 0])
})

it('starts none after close, and none where no other endpoint is well', async () => {
  const routing = await settled()
  routing.close()
  await clock.runUntil(routing.handler(turnOf(clock, 's')))
  expect(slow.cancelled + fast.cancelled).toBe(0)
})

it('asks the other budget before each hedge, and is not charged for one that the other refuses', async () => {
  let asked = 0
  let allowed = 0
  const routing = await settled({ after: 500, maxExtra: 0.5, budget: () => asked++ >= 2 && allowed++ < 2 })
  // 24 quick calls have deposited more than enough for all.
  for (let calls = 0; calls < 6; calls++) {
    slow.latency = 5_000
    await clock.runUntil(routing.handler(turnOf(clock, 's')))
  }
  expect([asked, fast.asked]).toEqual([6, 2])
})

it('counts a call that is tried again as one call', async () => {
  const fakes = [fakeEndpoint(1_000), fakeEndpoint(1_000), fakeEndpoint(1_000)]
  for (const fake of fakes) fake.failure = failureOf('server')
  const endpoints = fakes.map(({ handler }, index) => ({ name: `${index}`, handler }))
  const routing = createRouting({ endpoints, hedge: { after: 500, maxExtra: 0.5 }, ejection: false })
  const request = requestOn(clock)
  for (let attempt = 0; attempt < 3; attempt++) await clock.runUntil(routing.handler(request))
  expect(fakes.reduce((sum, { asked }) => sum + asked, 0)).toBe(3)
})

it('never spends more than the cap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 300 }),
      async (percent, calls) => {
        clock = virtualClock()
        const fakes = [fakeEndpoint(1_000), fakeEndpoint(1_000)]
        const endpoints = fakes.map(({ handler }, index) => ({ name: `${index}`, handler }))
        const routing = createRouting({ endpoints, hedge: { after: 0, maxExtra: percent / 100 } })
        await clock.runUntil(
          Promise.all(Array.from({ length: calls }, () => routing.handler(requestOn(clock)))),
        )
        const attempts = fakes.reduce((sum, { asked }) => sum + asked, 0)
        expect(attempts - calls).toBeLessThanOrEqual((calls * percent) / 100 + 1e-6)
      },
    ),
    { numRuns: 25 },
  )
})
