import type { FailureKind } from '@spillway/middleware'
import { readBody } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { bench, model } from '../test/breaker-bench.ts'
import { failureOf, turn } from '../test/controlled-endpoint.ts'
import { memoryBreakerStore } from './breaker-store.ts'
import { circuitBreaker, keyCircuit, keyCircuitOf } from './circuit-breaker.ts'
import { type CircuitBreakerOptions, circuitBreakerDefaults } from './circuit-breaker-options.ts'

const quick = { minimumCalls: 4, halfOpenProbes: 2, openFor: 10_000, probeTimeout: 5_000 }

describe('a closed circuit', () => {
  it('lets everything pass', async () => {
    const { run, state } = bench()
    for (let i = 0; i < 100; i++) expect((await run()).failure).toBeUndefined()
    expect(state()).toMatchObject({ state: 'closed', calls: 100, failures: 0, failureRate: 0, refused: 0 })
  })

  it('stays closed below the minimum of calls, however many fail', async () => {
    const { fail, state } = bench()
    await fail(19)
    expect(state().state).toBe('closed')
    await fail(1)
    expect(state().state).toBe('open')
  })

  it('stays closed below the failure rate', async () => {
    const { fail, succeed, state } = bench()
    await succeed(101)
    await fail(100)
    expect(state()).toMatchObject({ state: 'closed', calls: 201, failures: 100 })
    await fail(1)
    expect(state().state).toBe('open')
  })

  it('forgets what is older than the window', async () => {
    const { clock, fail, succeed, state } = bench()
    await fail(19)
    await clock.advance(60_000)
    await fail(10)
    await succeed(9)
    expect(state()).toMatchObject({ state: 'closed', calls: 19, failures: 10 })
    await clock.advance(600_000)
    expect(state()).toMatchObject({ calls: 0, failureRate: undefined })
  })

  it('counts at the end: a stream that dies half-way is a failure', async () => {
    const { send, state } = bench(quick)
    for (let i = 0; i < 4; i++) {
      const { call, response } = send()
      call?.commit()
      expect((await response).failure).toBeUndefined()
      expect(state().calls).toBe(i)
      await call?.end(failureOf('truncated'))
    }
    expect(state().state).toBe('open')
  })
})

describe('a call that nobody waits for', () => {
  const shadow = { context: { isShadow: true } }

  it('changes no circuit, whatever comes of it', async () => {
    const { run, state, keyState, changes, breaker } = bench(quick)
    for (let i = 0; i < 10; i++) await run(failureOf('overloaded'), shadow)
    for (let i = 0; i < 10; i++) await run(failureOf('authentication', { scope: 'key' }), shadow)
    expect(keyState()).toMatchObject({ state: 'closed', calls: 0 })
    expect(breaker.states()).toHaveLength(1)
    await run()
    expect(state()).toMatchObject({ state: 'closed', calls: 1, failures: 0 })
    expect(changes).toEqual([])
  })

  it('passes no circuit that is open or being tested, and tests none', async () => {
    const { clock, fail, send, run, state, breaker } = bench(quick)
    await fail(4)
    expect((await run(undefined, shadow)).failure?.kind).toBe('circuit_open')
    await clock.advance(10_000)
    expect((await run(undefined, shadow)).failure?.kind).toBe('circuit_open')
    expect(state().state).toBe('open')
    const probe = send()
    expect(state().state).toBe('half_open')
    expect((await run(undefined, shadow)).failure?.kind).toBe('circuit_open')
    await probe.call?.end()
    await run()
    expect((await run(undefined, shadow)).failure).toBeUndefined()
    breaker.forceOpen(keyCircuit)
    expect((await run(undefined, shadow)).failure).toMatchObject({ kind: 'circuit_open', scope: 'key' })
  })
})

describe('what counts', () => {
  const counted: FailureKind[] = ['timeout', 'connection', 'server', 'overloaded', 'truncated', 'malformed']
  it.each(counted)('%s is a failure of the endpoint', async (kind) => {
    const { run, state, keyState } = bench()
    await run(failureOf(kind))
    expect(state()).toMatchObject({ calls: 1, failures: 1 })
    expect(keyState().calls).toBe(0)
  })

  it.each(['authentication', 'billing', 'permission'] as const)(
    '%s is a failure of the key',
    async (kind) => {
      const { run, state, keyState } = bench()
      await run(failureOf(kind, { scope: 'key' }))
      expect(state().calls).toBe(0)
      expect(keyState()).toMatchObject({ calls: 1, failures: 1 })
    },
  )

  const neutral: FailureKind[] = [
    ...(['rate_limited', 'invalid_request', 'not_found', 'too_large', 'refusal', 'cancelled'] as const),
    ...(['circuit_open', 'saturated', 'budget_exceeded'] as const),
  ]
  it.each(neutral)('%s counts for nothing', async (kind) => {
    const { run, state, keyState } = bench()
    await run(failureOf(kind))
    expect([state().calls, keyState().calls]).toEqual([0, 0])
  })

  it('a 429 never opens', async () => {
    const { run, state } = bench()
    for (let i = 0; i < 1000; i++)
      await run(failureOf('rate_limited', { scope: 'key', retryAfterMs: 60_000 }))
    expect(state().state).toBe('closed')
  })

  it.each(counted)("%s of Spillway's own making counts for nothing", async (kind) => {
    const { run, state } = bench()
    await run(failureOf(kind, { origin: 'spillway' }))
    expect(state().calls).toBe(0)
  })

  describe("the caller's own deadline", () => {
    const tooLate = failureOf('timeout', { phase: 'total' })
    const timeOut = async ({ clock, send }: ReturnType<typeof bench>, ms: number): Promise<void> => {
      const { call } = send()
      await clock.advance(ms)
      await call?.end(tooLate)
    }

    it('counts for nothing where it is shorter than the endpoint usually needs', async () => {
      const on = bench()
      for (let i = 0; i < 40; i++) await timeOut(on, 30)
      expect(on.state()).toMatchObject({ state: 'closed', calls: 0 })
      const { call } = on.send({ stream: true })
      await on.clock.advance(3_000)
      await call?.end()
      // Twice the usual three seconds.
      await timeOut(on, 5_999)
      expect(on.state()).toMatchObject({ calls: 1, failures: 0 })
      await timeOut(on, 6_000)
      expect(on.state()).toMatchObject({ calls: 2, failures: 1 })
    })

    it('counts where nothing is known yet and the endpoint had five seconds', async () => {
      const on = bench()
      await timeOut(on, 4_999)
      await timeOut(on, 5_000)
      expect(on.state()).toMatchObject({ calls: 1, failures: 1 })
    })

    it("counts where a limit of the attempt's own ran out", async () => {
      const on = bench()
      const { call } = on.send()
      await on.clock.advance(30)
      await call?.end(failureOf('timeout', { phase: 'first_content' }))
      expect(on.state()).toMatchObject({ calls: 1, failures: 1 })
    })

    it('gives a probe that it cut short back without a verdict', async () => {
      const on = bench(quick)
      await on.fail(4)
      await on.clock.advance(10_000)
      await timeOut(on, 30)
      expect(on.state()).toMatchObject({ state: 'half_open', probes: 0, calls: 0 })
    })
  })

  it('a caller who leaves counts for nothing', async () => {
    const { send, state } = bench()
    const { call, response } = send()
    const reason = new Error('left')
    await Promise.all([expect(response).rejects.toBe(reason), call?.reject(reason)])
    expect(state().calls).toBe(0)
  })
})

describe('slow calls', () => {
  const slow = { ...quick, slowCallThreshold: 2_000, slowCallRate: 0.75 }

  it('open a circuit when too many streams have their first content late', async () => {
    const { clock, send, state, changes } = bench(slow)
    for (const ms of [100, 3_000, 3_000, 3_000]) {
      const { call } = send()
      await clock.advance(ms)
      call?.commit()
      await clock.advance(5_000)
      await call?.end()
    }
    expect(state().state).toBe('open')
    expect(changes).toMatchObject([{ key: model, to: 'open', reason: 'slow_call_rate' }])
  })

  it('are not told by how long an answer takes', async () => {
    const { clock, send, state } = bench(slow)
    for (let i = 0; i < 10; i++) {
      const { call } = send()
      call?.commit()
      await clock.advance(30_000)
      await call?.end()
    }
    expect(state()).toMatchObject({ state: 'closed', slowCalls: 0, slowCallRate: 0 })
  })

  it('are not judged by default', async () => {
    const { clock, send, state } = bench({ minimumCalls: 1 })
    const { call } = send()
    await clock.advance(50_000)
    await call?.end()
    expect(state()).toMatchObject({ state: 'closed', slowCallRate: undefined })
  })

  it('among the probes open it again', async () => {
    const { clock, fail, send, state, changes } = bench({ ...slow, slowCallRate: 0.5 })
    await fail(4)
    await clock.advance(10_000)
    const { call } = send()
    await clock.advance(3_000)
    await call?.end()
    expect(state().state).toBe('open')
    expect(changes.at(-1)).toMatchObject({ from: 'half_open', to: 'open', reason: 'probes_slow' })
  })
})

describe('an open circuit', () => {
  it('refuses at once, in the protocol of the caller, with the time that is left', async () => {
    const { clock, fail, send, events, state } = bench(quick)
    await fail(4)
    await clock.advance(2_500)
    const { call, response } = send()
    expect(call).toBeUndefined()
    const refused = await response
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': '8', 'retry-after-ms': '7500' },
      failure: {
        kind: 'circuit_open',
        retryable: false,
        retryAfterMs: 7_500,
        scope: 'model',
        origin: 'spillway',
      },
      target: undefined,
    })
    expect((await refused.outcome).failure).toBe(refused.failure)
    expect(events.at(-1)).toMatchObject({ type: 'refused', failure: { kind: 'circuit_open' } })
    expect(state()).toMatchObject({ state: 'open', refused: 1 })
  })

  it('refuses in far less than a millisecond', { retry: 2 }, async () => {
    const { fail, send } = bench(quick)
    await fail(4)
    for (let i = 0; i < 200; i++) await send().response
    const begun = performance.now()
    for (let i = 0; i < 500; i++) await send().response
    expect((performance.now() - begun) / 500).toBeLessThan(0.5)
  })

  it('says since when, and when it will be tested', async () => {
    const { clock, fail, state } = bench(quick)
    await clock.advance(1_000)
    await fail(4)
    await clock.advance(1_000)
    const opened = clock.epoch() - 1_000
    expect(state()).toMatchObject({ since: opened, nextProbeAt: opened + 10_000, calls: 0 })
  })

  it('is the business of its model alone', async () => {
    const { fail, run } = bench(quick)
    await fail(4)
    expect((await run(undefined, { model: 'claude-haiku-5-5' })).failure).toBeUndefined()
    expect((await run()).failure?.kind).toBe('circuit_open')
  })

  it('does not keep tokens from being counted; that is a circuit of its own', async () => {
    const { fail, run, state } = bench(quick)
    await fail(4)
    const counted = await run(undefined, { operation: 'count_tokens' })
    expect(counted.failure).toBeUndefined()
    expect(state(`count_tokens ${model}`)).toMatchObject({ state: 'closed', calls: 1 })
  })

  it('tells the request that caused it, and those who watch', async () => {
    const { clock, fail, run, succeed, events, changes } = bench(quick)
    await fail(4)
    await clock.advance(10_000)
    await run()
    await succeed(1)
    const steps = [
      { key: model, scope: 'model', from: 'closed', to: 'open', reason: 'failure_rate' },
      { key: model, scope: 'model', from: 'open', to: 'half_open', reason: 'open_for_over' },
      { key: model, scope: 'model', from: 'half_open', to: 'closed', reason: 'probes_succeeded' },
    ]
    expect(changes).toEqual(steps)
    expect(events.filter(({ type }) => type === 'circuit.changed')).toMatchObject(steps)
  })

  it('tells the option onChange too, whatever that throws', async () => {
    const heard: string[] = []
    const { fail } = bench({
      ...quick,
      onChange({ to }) {
        heard.push(to)
        throw new Error('broken')
      },
    })
    await fail(4)
    expect(heard).toEqual(['open'])
  })

  it('tells nobody who has stopped to watch', async () => {
    const { breaker, fail } = bench(quick)
    let heard = 0
    const stop = breaker.onChange(() => heard++)
    stop()
    await fail(4)
    expect(heard).toBe(0)
  })
})

describe('a half-open circuit', () => {
  const halfOpen = async (options = {}): Promise<ReturnType<typeof bench>> => {
    const made = bench({ ...quick, ...options })
    await made.fail(4)
    await made.clock.advance(10_000)
    return made
  }

  it('lets so many probes pass at a time, and refuses all others', async () => {
    const { send, state } = await halfOpen()
    const sent = [send(), send(), send(), send()]
    expect(sent.map(({ call }) => call !== undefined)).toEqual([true, true, false, false])
    expect(state()).toMatchObject({ state: 'half_open', probes: 2, refused: 2 })
    expect((await sent[3]?.response)?.failure).toMatchObject({
      kind: 'circuit_open',
      retryAfterMs: undefined,
    })
  })

  it('closes with an empty window when they succeed', async () => {
    const { succeed, fail, state } = await halfOpen()
    await succeed(2)
    expect(state()).toMatchObject({ state: 'closed', calls: 0 })
    await fail(3)
    expect(state().state).toBe('closed')
  })

  it('opens for the whole time again when they fail, as soon as that is certain', async () => {
    const { clock, fail, run, state, changes } = await halfOpen({ halfOpenProbes: 3 })
    await run()
    await fail(1)
    expect(state().state).toBe('half_open')
    await fail(1)
    expect(state()).toMatchObject({ state: 'open', nextProbeAt: clock.epoch() + 10_000 })
    expect(changes.at(-1)?.reason).toBe('probes_failed')
  })

  it('gives the place of a probe that says nothing to another', async () => {
    const { send, run, state } = await halfOpen()
    for (const kind of ['invalid_request', 'rate_limited', 'cancelled'] as const) await run(failureOf(kind))
    const { call, response } = send()
    await Promise.all([expect(response).rejects.toBe('left'), call?.reject('left')])
    expect(state()).toMatchObject({ state: 'half_open', probes: 0, calls: 0 })
    expect([send(), send(), send()].map(({ call }) => call !== undefined)).toEqual([true, true, false])
  })

  it('takes a stream that flows at its deadline for a success', async () => {
    const { clock, send, state } = await halfOpen()
    const streams = [send(), send()]
    for (const { call } of streams) call?.commit()
    await clock.advance(5_000)
    expect(state().state).toBe('closed')
    await streams[0]?.call?.end(failureOf('truncated'))
    expect(state()).toMatchObject({ state: 'closed', calls: 0 })
  })

  it('still hears a probe that lost its place, so that slow answers close it too', async () => {
    const { clock, send, state } = await halfOpen()
    const slow = [send({ stream: false }), send({ stream: false })]
    await clock.advance(5_000)
    expect(send().call).toBeDefined()
    for (const { call } of slow) await call?.end()
    expect(state().state).toBe('closed')
  })
})

describe('circuits of keys that callers bring', () => {
  const refused = failureOf('authentication', { scope: 'key' })
  const by = (tenant: string) => ({ context: { tenant } })
  const keyed = (options: CircuitBreakerOptions = {}) =>
    bench({ ...quick, credential: ({ context }) => context.tenant ?? 'nobody', ...options })

  it('open for the caller whose key is refused, and for no other', async () => {
    const { run, breaker, clock, changes } = keyed()
    for (let call = 0; call < 4; call++) {
      await run(refused, by('bad'))
      expect((await run(undefined, by('good'))).failure).toBeUndefined()
    }
    const response = await run(undefined, by('bad'))
    expect(response.failure).toMatchObject({ kind: 'circuit_open', scope: 'key', origin: 'spillway' })
    expect(response.failure?.message).toContain('the key of this caller')
    expect((await run(undefined, by('good'))).failure).toBeUndefined()
    expect((await run(undefined, {})).failure).toBeUndefined()
    expect(changes).toEqual([expect.objectContaining({ key: keyCircuitOf('bad'), scope: 'key', to: 'open' })])
    await clock.advance(10_000)
    for (let probe = 0; probe < 3; probe++) await run(undefined, by('bad'))
    const ofKeys = breaker.states().filter(({ scope }) => scope === 'key')
    expect(ofKeys).toEqual([expect.objectContaining({ key: keyCircuitOf('bad'), state: 'closed' })])
  })

  it.each([
    ['authentication', 401, 'authentication_error'],
    ['billing', 402, 'billing_error'],
    ['permission', 403, 'permission_error'],
  ] as const)('tell their caller again what the vendor said of its key: %s', async (kind, status, type) => {
    const { run } = keyed()
    for (let call = 0; call < 4; call++)
      await run(failureOf(kind, { scope: 'key', message: 'the words of the vendor' }), by('bad'))
    const response = await run(undefined, by('bad'))
    expect(response).toMatchObject({ status, failure: { kind: 'circuit_open', origin: 'spillway' } })
    expect(response.headers).toMatchObject({ 'retry-after': '10' })
    const { error } = JSON.parse(Buffer.from(await readBody(response.body)).toString())
    expect(error.type).toBe(type)
    expect(error.message).toMatch(/^the words of the vendor \(the circuit of the key of this caller is open/)
  })

  it('are made with the first refusal, and kept in a bounded number', async () => {
    const { run, breaker } = keyed({ maxKeys: 5 })
    const ofKeys = (): number => breaker.states().filter(({ scope }) => scope === 'key').length
    for (let caller = 0; caller < 20; caller++) await run(undefined, by(`good-${caller}`))
    expect(ofKeys()).toBe(0)
    for (let caller = 0; caller < 20; caller++) await run(refused, by(`bad-${caller}`))
    expect(ofKeys()).toBe(5)
  })

  it('leave failures of the endpoint to the circuit of its model, for all callers', async () => {
    const { run } = keyed()
    for (let call = 0; call < 4; call++) await run(failureOf('overloaded'), by(`caller-${call}`))
    expect((await run(undefined, by('another'))).failure).toMatchObject({
      kind: 'circuit_open',
      scope: 'model',
    })
  })

  it('can be opened by hand, one by one', async () => {
    const { breaker, run } = keyed()
    breaker.forceOpen(keyCircuitOf('a'))
    expect((await run(undefined, by('a'))).failure?.kind).toBe('circuit_open')
    expect((await run(undefined, by('b'))).failure).toBeUndefined()
    breaker.forceOpen()
    expect((await run(undefined, by('b'))).failure?.kind).toBe('circuit_open')
  })

  it('are shared by their names', async () => {
    const clock = virtualClock()
    const store = memoryBreakerStore({ clock })
    const options = { ...quick, credential: () => 'bad', shared: store }
    const [one, other] = [bench(options, clock), bench(options, clock)]
    for (let call = 0; call < 4; call++) await one.run(refused)
    await turn()
    expect((await other.run()).failure?.kind).toBe('circuit_open')
    const good = bench({ ...options, credential: () => 'good' }, clock)
    expect((await good.run()).failure).toBeUndefined()
  })
})

it.each([keyCircuit, keyCircuitOf('a'), '*:', '**'])(
  'a model that is called %s stands for no key',
  async (model) => {
    const { run, breaker } = bench(quick)
    for (let call = 0; call < 4; call++) await run(failureOf('overloaded'), { model })
    expect((await run(undefined, { model })).failure).toMatchObject({ kind: 'circuit_open', scope: 'model' })
    expect((await run(undefined, { model: 'another' })).failure).toBeUndefined()
    const ofKey = breaker.states().filter(({ scope }) => scope === 'key')
    expect(ofKey).toEqual([expect.objectContaining({ key: keyCircuit, state: 'closed' })])
  },
)

describe("the circuit of the endpoint's key", () => {
  it('opens for all models when the key is refused', async () => {
    const { run, state, keyState, clock } = bench(quick)
    const refused = failureOf('authentication', { scope: 'key' })
    for (const model of ['a', 'b', 'c', 'd']) await run(refused, { model })
    expect(keyState()).toMatchObject({ key: keyCircuit, scope: 'key', state: 'open' })
    const response = await run(undefined, { model: 'e' })
    expect(response.failure).toMatchObject({ kind: 'circuit_open', scope: 'key', retryAfterMs: 10_000 })
    await clock.advance(10_000)
    await run(undefined, { model: 'a' })
    await run(undefined, { model: 'b' })
    expect([keyState().state, state('e').state]).toEqual(['closed', 'closed'])
  })

  it('takes no probe of its own for a call that the circuit of its model refuses', async () => {
    const { breaker, run, send, keyState, clock } = bench(quick)
    for (let i = 0; i < 4; i++) await run(failureOf('billing', { scope: 'key' }))
    await clock.advance(10_000)
    breaker.forceOpen(model)
    for (let i = 0; i < 5; i++) expect(send().call).toBeUndefined()
    expect(keyState()).toMatchObject({ state: 'half_open', probes: 0 })
  })
})

describe('by hand', () => {
  it('a circuit is forced open, whatever time passes, and tested when it is released', async () => {
    const { breaker, clock, send, run, state } = bench(quick)
    breaker.forceOpen(model)
    await clock.advance(3_600_000)
    expect((await send().response).failure).toMatchObject({ kind: 'circuit_open', retryAfterMs: undefined })
    expect(state()).toMatchObject({ state: 'open', forced: true, nextProbeAt: undefined })
    breaker.release(model)
    expect(state()).toMatchObject({ state: 'half_open', forced: false })
    await run()
    await run()
    expect(state().state).toBe('closed')
  })

  it('a circuit is forced closed, whatever fails, and begins afresh when it is released', async () => {
    const { breaker, fail, state } = bench(quick)
    breaker.forceClosed(model)
    await fail(100)
    expect(state()).toMatchObject({ state: 'closed', forced: true, calls: 0 })
    breaker.release(model)
    await fail(3)
    expect(state()).toMatchObject({ state: 'closed', forced: false, calls: 3 })
    await fail(1)
    expect(state().state).toBe('open')
  })

  it('without a key it is all of them, also those still to come', async () => {
    const { breaker, run, changes } = bench(quick)
    breaker.forceOpen()
    expect((await run(undefined, { model: 'new' })).failure?.kind).toBe('circuit_open')
    expect(changes.every(({ reason, to }) => reason === 'forced' && to === 'open')).toBe(true)
    breaker.release()
    expect((await run(undefined, { model: 'newer' })).failure).toBeUndefined()
    expect(breaker.states().some(({ forced }) => forced)).toBe(false)
  })
})

it('states are read of the circuits that are wanted, and counted', async () => {
  const { breaker, run } = bench(quick)
  for (const model of ['a', 'b', 'c']) await run(undefined, { model })
  breaker.forceOpen('b')
  expect(breaker.states((key, scope) => scope === 'model' && key === 'b')).toMatchObject([
    { key: 'b', scope: 'model', state: 'open' },
  ])
  expect(breaker.countStates()).toEqual({ closed: 3, half_open: 0, open: 1 })
  expect(breaker.countStates((_, scope) => scope === 'model')).toEqual({ closed: 2, half_open: 0, open: 1 })
})

describe('keys', () => {
  it('are for an option to say', async () => {
    const { run, breaker } = bench({ ...quick, key: () => 'all' })
    await run()
    expect(breaker.states().map(({ key }) => key)).toEqual(['*', 'all'])
  })

  it('are limited: idle closed circuits are forgotten first', async () => {
    const { run, breaker } = bench({ ...quick, maxKeys: 3 })
    for (let i = 0; i < 4; i++) await run(failureOf('server'), { model: 'bad' })
    for (const model of ['a', 'b', 'a', 'c', 'd']) await run(undefined, { model })
    expect(breaker.states().map(({ key }) => key)).toEqual(['*', 'bad', 'c', 'd'])
    for (let i = 0; i < 4; i++) await run(failureOf('server'), { model: 'c' })
    for (let i = 0; i < 4; i++) await run(failureOf('server'), { model: 'd' })
    await run(undefined, { model: 'e' })
    expect(breaker.states().map(({ key }) => key)).toEqual(['*', 'c', 'd', 'e'])
  })

  it('are forgotten when they were idle for their window, whatever their limit, but for a few', async () => {
    const { run, breaker, clock } = bench({ ...quick, window: 1_000 })
    for (let i = 0; i < 4; i++) await run(failureOf('server'), { model: 'bad' })
    const models = (): number => breaker.states().filter(({ scope }) => scope === 'model').length
    for (let i = 0; i < 100; i++) await run(undefined, { model: `made-up-${i}` })
    expect(models()).toBe(101)
    await clock.advance(1_000)
    await run(undefined, { model: 'one-more' })
    expect(models()).toBe(51)
    expect(breaker.states().find(({ key }) => key === 'bad')?.state).not.toBe('closed')
  })
})

describe('time', () => {
  it('is that of the calls', async () => {
    const { clock, run, keyState } = bench()
    await clock.advance(1_000)
    await run()
    expect(keyState().since).toBe(clock.epoch())
  })

  it('is that of the calls also where somebody looked before the first of them', async () => {
    const { breaker, clock, run, keyState } = bench({ window: 1_000 })
    breaker.states()
    await run()
    expect(keyState().calls).toBe(1)
    await clock.advance(1_000)
    expect(keyState().calls).toBe(0)
  })
})

it('hands over the response of the endpoint as it is', async () => {
  const { send } = bench()
  const { call, response } = send()
  call?.commit()
  expect(await response).toMatchObject({ status: 200, target: 'claude' })
})

describe('options out of range', () => {
  it.each([
    ['window', 0],
    ['window', Infinity],
    ['minimumCalls', 0],
    ['minimumCalls', 2.5],
    ['failureRate', 0],
    ['failureRate', 1.1],
    ['slowCallRate', Number.NaN],
    ['slowCallThreshold', 0],
    ['openFor', -1],
    ['halfOpenProbes', 0],
    ['probeTimeout', 0],
    ['maxKeys', 0],
  ])('%s: %d', (name, value) => {
    expect(() => circuitBreaker({ [name]: value })).toThrow(`circuitBreaker.${name} must be`)
  })

  it('are not those left undefined', () => {
    expect(() => circuitBreaker({ window: undefined } as object)).not.toThrow()
    expect(circuitBreakerDefaults.window).toBe(60_000)
  })
})
