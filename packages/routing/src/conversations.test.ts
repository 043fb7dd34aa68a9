import type { Handler, Outcome } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { fakeEndpoint, heard, requestOn } from '../test/fake-endpoint.ts'
import { Conversations } from './conversations.ts'
import { createEndpoints } from './endpoint.ts'
import { readOptions } from './options.ts'
import { createRouting } from './routing.ts'

const { handler } = fakeEndpoint()
const keys = Array.from({ length: 20_000 }, (_, index) => `key-${index}`)

function over(weights: Readonly<Record<string, number>>, most = 10) {
  const list = Object.entries(weights).map(([name, weight]) => ({ name, weight, handler }))
  const endpoints = createEndpoints(list, readOptions(list, {}))
  const conversations = new Conversations(endpoints, most)
  const named = (name: string) => endpoints.find((endpoint) => endpoint.name === name)!
  return { conversations, named, at: (key: string) => conversations.placeOf(key).name }
}

describe('the home of a conversation', () => {
  it('is drawn by weight', () => {
    const { at } = over({ a: 1, b: 2, c: 5 })
    const share = (name: string) => keys.filter((key) => at(key) === name).length / keys.length
    expect(share('a')).toBeCloseTo(1 / 8, 1.5)
    expect(share('b')).toBeCloseTo(2 / 8, 1.5)
    expect(share('c')).toBeCloseTo(5 / 8, 1.5)
  })

  it('is the same in every process, whatever the order of the endpoints', () => {
    const [one, other] = [over({ a: 1, b: 2, c: 1 }), over({ c: 1, a: 1, b: 2 })]
    for (const key of keys) expect(one.at(key)).toBe(other.at(key))
  })

  it('stays where it is when another endpoint comes or goes', () => {
    const [before, after] = [over({ a: 1, b: 1, c: 1 }), over({ a: 1, b: 1, c: 1, d: 1 })]
    let moved = 0
    for (const key of keys) {
      if (after.at(key) === before.at(key)) continue
      expect(after.at(key)).toBe('d')
      moved++
    }
    expect(moved / keys.length).toBeCloseTo(1 / 4, 1.5)
  })

  it('is chosen among those that can be used, and those of a lost endpoint are spread over all others', () => {
    const { conversations, named, at } = over({ a: 1, b: 1, c: 1 })
    const seen = new Set<string | undefined>()
    for (const key of keys) {
      const best = conversations.best(key, (endpoint) => endpoint !== named('a'))
      if (at(key) !== 'a') expect(best?.name).toBe(at(key))
      else seen.add(best?.name)
    }
    expect([...seen].sort()).toEqual(['b', 'c'])
    expect(conversations.best('x', () => false)).toBeUndefined()
  })
})

it('remembers those alone that had to move, until they are home again', () => {
  const { conversations, named, at } = over({ a: 1, b: 1 })
  for (const key of keys) conversations.settle(key, named(at(key)))
  expect(conversations.size).toBe(0)
  const home = at('x')
  const other = home === 'a' ? 'b' : 'a'
  conversations.settle('x', named(other))
  expect([at('x'), conversations.size]).toEqual([other, 1])
  conversations.settle('x', named(home))
  expect([at('x'), conversations.size]).toEqual([home, 0])
})

it('forgets of those that moved the ones that were silent longest: they return home', () => {
  const { conversations, named, at } = over({ a: 1, b: 1 }, 2)
  const away = (key: string) => named(at(key) === 'a' ? 'b' : 'a')
  const homes = ['x', 'y', 'z'].map(at)
  for (const key of ['x', 'y', 'x', 'z']) {
    conversations.settle(key, key === 'x' && at('x') !== homes[0] ? named(at('x')) : away(key))
  }
  expect(conversations.size).toBe(2)
  expect(at('y')).toBe(homes[1])
  expect([at('x'), at('z')]).not.toContain(undefined)
  expect(at('x')).not.toBe(homes[0])
  conversations.clear()
  expect(['x', 'y', 'z'].map(at)).toEqual(homes)
})

it.each([1, 40])(
  'all of 100,000 conversations stay with their cache, %i calls at a time',
  async (atATime) => {
    const clock = virtualClock()
    const where: number[] = []
    let open = Promise.withResolvers<Outcome>()
    const outcome: Outcome = {
      failure: undefined,
      usage: undefined,
      stopReason: undefined,
      model: undefined,
      timings: { startedAt: 0, end: 0 },
      bytes: 0,
    }
    const at =
      (index: number): Handler =>
      async (request) => {
        where[Number(request.context.session)] = index
        const ended = open.promise
        return {
          status: 200,
          headers: {},
          body: bodyOf(new Uint8Array(1)),
          failure: undefined,
          outcome: ended,
          target: undefined,
        }
      }
    const endpoints = [0, 1, 2].map((index) => ({ name: `e${index}`, handler: at(index) }))
    const routing = createRouting({ endpoints })
    const bodies = [
      jsonBodyFromObject({ messages: [{ role: 'user', content: 'Hi' }] }),
      jsonBodyFromObject({
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Hello' },
          { role: 'user', content: 'And now?' },
        ],
      }),
    ]
    const turn = async (body: (typeof bodies)[number]): Promise<void> => {
      for (let done = 0; done < 100_000; done += atATime) {
        const calls = Array.from({ length: atATime }, (_, index) =>
          routing.handler(requestOn(clock, { body, context: { session: String(done + index) } })),
        )
        await Promise.all(calls)
        open.resolve(outcome)
        open = Promise.withResolvers()
        await new Promise(setImmediate)
      }
    }
    await turn(bodies[0]!)
    const homes = [...where]
    await turn(bodies[1]!)
    expect(homes.filter((home, session) => home !== where[session])).toHaveLength(0)
    for (const index of [0, 1, 2]) {
      expect(homes.filter((home) => home === index).length / homes.length).toBeCloseTo(1 / 3, 1.3)
    }
  },
)

it('leaves a slow endpoint little of what begins, and the conversations that began elsewhere stay there', async () => {
  const clock = virtualClock()
  const fakes = [fakeEndpoint(1_000), fakeEndpoint(100)]
  const endpoints = fakes.map((fake, index) => ({ name: `e${index}`, handler: fake.handler }))
  const routing = createRouting({ endpoints, ejection: false })
  const call = async (session: number, turns: number) => {
    const question = { role: 'user', content: 'Hi' }
    const messages = turns === 0 ? [question] : [question, { role: 'assistant', content: 'Hello' }, question]
    const body = jsonBodyFromObject({ messages })
    const { request, events } = heard(requestOn(clock, { body, context: { session: `s${session}` } }))
    await clock.runUntil(routing.handler(request))
    await clock.advance(0)
    return events.flatMap((event) => (event.type === 'routing.chosen' ? [event.endpoint] : []))[0]
  }
  const homes = []
  for (let session = 0; session < 200; session++) homes.push(await call(session, 0))
  expect(fakes[0]!.asked).toBeLessThan(40)
  for (let session = 0; session < 200; session++) expect(await call(session, 1)).toBe(homes[session])
})

it('a call that goes on from another stays at its endpoint, though it is a first turn and costs more there', async () => {
  const clock = virtualClock()
  const [quick, slow] = [fakeEndpoint(10), fakeEndpoint(10)]
  const { handler: routed } = createRouting({
    endpoints: [
      { name: 'quick', handler: quick.handler },
      { name: 'slow', handler: slow.handler },
    ],
  })
  const firstTurn = jsonBodyFromObject({ messages: [{ role: 'user', content: 'Hi' }] })
  const ask = async (session: number, goesOn = false): Promise<string> => {
    const before = slow.asked
    const answer = routed(requestOn(clock, { body: firstTurn, context: { session: `${session}`, goesOn } }))
    await clock.runUntil(answer)
    return slow.asked > before ? 'slow' : 'quick'
  }
  const atSlow: number[] = []
  for (let session = 0; session < 30; session++) if ((await ask(session)) === 'slow') atSlow.push(session)
  slow.latency = 5_000
  await ask(atSlow[0] as number)
  const [, staying, ...moving] = atSlow as [number, number, ...number[]]
  expect(await ask(staying, true)).toBe('slow')
  expect(await Promise.all(moving.slice(0, 1).map((session) => ask(session)))).toEqual(['quick'])
})
