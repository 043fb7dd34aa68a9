import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type FakeEndpoint,
  failureOf,
  fakeEndpoint,
  heard,
  refusedKey,
  requestOn,
} from '../test/fake-endpoint.ts'
import { createRouting, type Routing, type RoutingOptions } from './index.ts'

let clock: VirtualClock
let fakes: FakeEndpoint[]
/** Callers whose keys the vendor refuses or paces, and how. */
let said: Map<string, ReturnType<typeof failureOf>>

beforeEach(() => {
  clock = virtualClock()
  said = new Map()
  fakes = [fakeEndpoint(), fakeEndpoint()]
})

const nameOf = ({ context }: ReturnType<typeof requestOn>): string => context.tenant ?? 'nobody'

function setUp(options: Partial<RoutingOptions> = {}): Routing {
  return createRouting({
    caller: nameOf,
    ...options,
    endpoints: fakes.map((fake, index) => ({
      name: `e${index}`,
      key: null,
      handler: (request) => {
        const told = said.get(nameOf(request))
        if (told !== undefined) fake.failure = told
        return fake.handler(request).finally(() => {
          fake.failure = undefined
        })
      },
    })),
  })
}

const body = jsonBodyFromObject({
  messages: [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello' },
    { role: 'user', content: 'What now?' },
  ],
})

async function call(routing: Routing, tenant: string) {
  const before = fakes.map(({ asked }) => asked)
  const { request, events } = heard(requestOn(clock, { body, context: { tenant } }))
  const response = await clock.runUntil(routing.handler(request))
  await clock.advance(0)
  const asked = fakes.flatMap(({ asked: now }, index) => (now > before[index]! ? [index] : []))
  return { failure: response.failure, events, asked }
}

describe('a key that a caller brings', () => {
  it('is left out after the vendor has refused it, and no other caller notices', async () => {
    const routing = setUp()
    said.set('bad', refusedKey)
    const first = await call(routing, 'bad')
    expect(first.failure?.kind).toBe('authentication')
    expect(first.events).toContainEqual(
      expect.objectContaining({ type: 'endpoint.ejected', reason: 'key', key: 'caller', forMs: 10_000 }),
    )
    const reasons = []
    for (let turn = 0; turn < 10; turn++) {
      const good = await call(routing, `good-${turn}`)
      expect(good.failure).toBeUndefined()
      reasons.push(
        ...good.events
          .filter(({ type }) => type === 'routing.chosen')
          .map((event) => 'reason' in event && event.reason),
      )
    }
    expect(reasons).toEqual(Array(10).fill('affinity'))
    const second = await call(routing, 'bad')
    expect(second.events).toContainEqual(
      expect.objectContaining({ type: 'routing.chosen', reason: 'last_resort' }),
    )
    for (const state of routing.endpoints())
      expect(state).toMatchObject({
        ejectedUntil: undefined,
        key: { refusedUntil: undefined, pausedUntil: undefined },
      })
  })

  it('is probed when its time is over, and recovers by itself', async () => {
    const routing = setUp()
    said.set('bad', refusedKey)
    await call(routing, 'bad')
    said.clear()
    await clock.advance(10_000)
    const back = await call(routing, 'bad')
    expect(back.events).toContainEqual(expect.objectContaining({ type: 'routing.chosen', reason: 'probe' }))
    expect(back.events).toContainEqual(expect.objectContaining({ type: 'endpoint.recovered', key: 'caller' }))
    const after = await call(routing, 'bad')
    expect(after.events).toContainEqual(
      expect.objectContaining({ type: 'routing.chosen', reason: 'affinity' }),
    )
  })

  it('that a 429 has paused does not pause that of another caller', async () => {
    fakes = [fakeEndpoint(), fakeEndpoint(), fakeEndpoint()]
    const own = fakes.pop()!
    const routing = createRouting({
      caller: nameOf,
      affinity: false,
      endpoints: [
        { name: 'callers', key: null, handler: (request) => withSaid(request) },
        { name: 'own', key: 'own', handler: own.handler },
      ],
    })
    const withSaid = (request: ReturnType<typeof requestOn>) => {
      const fake = fakes[0]!
      fake.failure = said.get(nameOf(request))
      return fake.handler(request)
    }
    said.set('paced', failureOf('rate_limited', { scope: 'key', retryAfterMs: 30_000 }))
    while (fakes[0]!.asked === 0) await call(routing, 'paced')
    const asked = fakes[0]!.asked
    for (let turn = 0; turn < 20; turn++) await call(routing, 'paced')
    expect(fakes[0]!.asked).toBe(asked)
    for (let turn = 0; turn < 40; turn++) expect((await call(routing, 'other')).failure).toBeUndefined()
    expect(fakes[0]!.asked).toBeGreaterThan(asked)
    said.clear()
    await clock.advance(30_000)
    const before = fakes[0]!.asked
    for (let turn = 0; turn < 20; turn++) await call(routing, 'paced')
    expect(fakes[0]!.asked).toBeGreaterThan(before)
  })

  it('is not tried at the next endpoint once it has been refused', async () => {
    const routing = setUp()
    said.set('bad', refusedKey)
    expect((await call(routing, 'bad')).asked).toHaveLength(1)
  })

  it('says that the endpoint works: nothing is ejected however many are refused', async () => {
    const routing = setUp()
    for (let turn = 0; turn < 100; turn++) {
      said.set(`bad-${turn}`, refusedKey)
      await call(routing, `bad-${turn}`)
    }
    expect(routing.endpoints().map(({ ejectedUntil }) => ejectedUntil)).toEqual([undefined, undefined])
  })

  it('is forgotten where more are refused than are remembered', async () => {
    const routing = setUp({ keys: { maxCallers: 3 } })
    for (const name of ['a', 'b', 'c', 'd']) {
      said.set(name, refusedKey)
      await call(routing, name)
    }
    said.clear()
    const reasonOf = async (name: string) =>
      (await call(routing, name)).events.flatMap((event) => ('reason' in event ? [event.reason] : []))
    expect(await reasonOf('a')).toEqual(['affinity'])
    expect(await reasonOf('d')).toEqual(['last_resort'])
  })

  it('has conversations that no other caller shares, though the prompts are the same', async () => {
    const routing = setUp()
    const homes = new Set<string>()
    for (let turn = 0; turn < 40; turn++) {
      const { asked } = await call(routing, `caller-${turn}`)
      for (let next = 0; next < 3; next++)
        expect((await call(routing, `caller-${turn}`)).asked).toEqual(asked)
      homes.add(String(asked))
    }
    expect(homes.size).toBe(2)
  })
})

it('a caller whose key is refused is not sent to one of ours that is refused too', async () => {
  const [callers, own] = fakes
  callers!.failure = refusedKey
  own!.failure = refusedKey
  const routing = createRouting({
    caller: nameOf,
    affinity: false,
    endpoints: [
      { name: 'callers', key: null, handler: callers!.handler },
      { name: 'own', key: 'own', handler: own!.handler },
    ],
  })
  while (own!.asked === 0) await call(routing, 'bad')
  const asked = callers!.asked
  for (let turn = 0; turn < 10; turn++) expect((await call(routing, 'bad')).failure).toEqual(refusedKey)
  expect([callers!.asked - asked, own!.asked]).toEqual([10, 1])
})

it('a failure of the endpoint ejects it for all callers', async () => {
  fakes[0]!.failure = failureOf('server')
  const endpoints = fakes.map(({ handler }, index) => ({ name: `e${index}`, key: null, handler }))
  const routing = createRouting({ caller: nameOf, endpoints, ejection: { consecutiveFailures: 2 } })
  for (let turn = 0; turn < 20; turn++) await call(routing, `caller-${turn}`)
  const [first, second] = routing.endpoints()
  expect(first?.ejectedUntil).toBeDefined()
  expect(second?.ejectedUntil).toBeUndefined()
})

it('refuses to remember nobody', () => {
  expect(() => setUp({ keys: { maxCallers: 0 } })).toThrow(RangeError)
})
