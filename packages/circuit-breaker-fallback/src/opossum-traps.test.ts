import { EventEmitter } from 'node:events'
import { virtualClock } from '@spillway/testing'
import Opossum from 'opossum'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { bench } from '../test/breaker-bench.ts'
import { failureOf, turn } from '../test/controlled-endpoint.ts'
import { RollingWindow } from './rolling-window.ts'

// What bare opossum does wrong for us, and that it does not reach a caller. Where a trap can be shown in opossum
// itself, it is, so that a version that mends it shows here.

const quick = { minimumCalls: 4, halfOpenProbes: 2, openFor: 10_000, probeTimeout: 5_000 }
const bare = { timeout: false, rollingPercentilesEnabled: false, enableSnapshots: false } as const

afterEach(() => vi.restoreAllMocks())

describe('its timeout aborts all calls by one signal (#780)', () => {
  it('and is not used: a call that times out leaves the others alone', async () => {
    const { send, state } = bench(quick)
    const [late, healthy] = [send(), send()]
    await late.call?.end(failureOf('timeout', { phase: 'first_content' }))
    expect(healthy.call?.request.signal).toBeUndefined()
    await healthy.call?.end()
    expect((await healthy.response).failure).toBeUndefined()
    expect(state()).toMatchObject({ calls: 2, failures: 1 })
  })

  it('and never limits how long a call takes', async () => {
    const { clock, send } = bench(quick)
    const { call, response } = send()
    await clock.advance(24 * 3_600_000)
    await call?.end()
    expect((await response).failure).toBeUndefined()
  })
})

describe('a call counts at its start and its failure at its end', () => {
  it('so that bare opossum stays closed when calls outlast its window', async () => {
    const rotation = new EventEmitter()
    const action = (until: Promise<void>): Promise<void> =>
      until.then(() => {
        throw new Error('failed')
      })
    const options = { ...bare, rollingCountBuckets: 2, rotateBucketController: rotation, volumeThreshold: 20 }
    const breaker = new Opossum(action, options)
    const { promise, resolve } = Promise.withResolvers<void>()
    const calls = Array.from({ length: 20 }, () => breaker.fire(promise).catch(() => {}))
    rotation.emit('rotate')
    rotation.emit('rotate')
    resolve()
    await Promise.all(calls)
    expect(breaker.opened).toBe(false)
    breaker.shutdown()
  })

  it('and here both at its end: 20 of 20 failures that took longer than the window open it', async () => {
    const { clock, send, state } = bench()
    const sent = Array.from({ length: 20 }, () => send())
    await clock.advance(90_000)
    for (const { call } of sent) await call?.end(failureOf('timeout'))
    expect(state().state).toBe('open')
  })

  it('also when their ends are spread over the window', async () => {
    const { clock, send, state } = bench()
    const sent = Array.from({ length: 20 }, () => send())
    await clock.advance(300_000)
    for (const { call } of sent) {
      await call?.end(failureOf('truncated'))
      await clock.advance(2_500)
    }
    expect(state().state).toBe('open')
  })
})

it('knows a result only when its action settles: the caller has the response at the commit point', async () => {
  const { send, state } = bench(quick)
  const { call, response } = send()
  call?.commit()
  expect((await response).status).toBe(200)
  expect(state().calls).toBe(0)
  await call?.end(failureOf('truncated'))
  expect(state()).toMatchObject({ calls: 1, failures: 1 })
})

describe('half-open', () => {
  it('admits one probe in opossum (#613), as many as asked here', async () => {
    const { clock, fail, send } = bench({ ...quick, halfOpenProbes: 5 })
    await fail(4)
    await clock.advance(10_000)
    expect(Array.from({ length: 6 }, () => send().call !== undefined)).toEqual([
      ...Array.from({ length: 5 }, () => true),
      false,
    ])
  })

  it('is closed by a late success from before the opening in opossum; nothing late counts here', async () => {
    const { clock, fail, send, state } = bench(quick)
    const early = Array.from({ length: 5 }, () => send())
    await fail(4)
    await early[0]?.call?.end()
    expect(state().state).toBe('open')
    await clock.advance(10_000)
    const probe = send()
    await early[1]?.call?.end()
    await early[2]?.call?.end(failureOf('server'))
    expect(state()).toMatchObject({ state: 'half_open', probes: 1, calls: 0 })
    await probe.call?.end()
    await send().call?.end()
    for (const { call } of early.slice(3)) await call?.end(failureOf('server'))
    expect(state()).toMatchObject({ state: 'closed', calls: 0 })
  })

  it('is closed by a filtered 400 in opossum; it says nothing here', async () => {
    const { clock, fail, run, state } = bench(quick)
    await fail(4)
    await clock.advance(10_000)
    for (let i = 0; i < 10; i++) await run(failureOf('invalid_request', { scope: 'request', status: 400 }))
    expect(state()).toMatchObject({ state: 'half_open', calls: 0, probes: 0 })
  })

  it('is blocked for ever by a hung probe in opossum; here its place is given away', async () => {
    const { clock, fail, send, succeed, state } = bench(quick)
    await fail(4)
    await clock.advance(10_000)
    send()
    send()
    expect(send().call).toBeUndefined()
    await clock.advance(5_000)
    await succeed(2)
    expect(state().state).toBe('closed')
  })
})

it('counts a rejection by its own capacity as failure; a refusal by a limiter behind it counts for nothing', async () => {
  const bareBreaker = new Opossum(() => new Promise(() => {}), { ...bare, capacity: 0 })
  await bareBreaker.fire().catch(() => {})
  expect(bareBreaker.opened).toBe(true)
  bareBreaker.shutdown()

  const { run, state } = bench({ minimumCalls: 1 })
  for (let i = 0; i < 50; i++) await run(failureOf('saturated', { origin: 'spillway', scope: 'key' }))
  expect(state()).toMatchObject({ state: 'closed', calls: 0 })
})

it('computes percentiles at every failure; here a failure in a full window costs little', {
  retry: 2,
}, () => {
  const window = new RollingWindow({ window: 60_000, minimumCalls: 20, rate: 1 }, 0)
  for (let i = 0; i < 5_000; i++) window.record(false, 0)
  for (let i = 0; i < 500; i++) window.record(true, 0)
  // The fastest of a few rounds: a pause of the machine is none of the window's.
  const rounds = Array.from({ length: 10 }, () => {
    const begun = performance.now()
    for (let i = 0; i < 50; i++) window.record(true, 0)
    return (performance.now() - begun) / 50
  })
  expect(Math.min(...rounds)).toBeLessThan(0.1)
  window.close()
})

it('keeps a latency for every call even without percentiles; here they are dropped as the window slides', async () => {
  const bareBreaker = new Opossum(async () => {}, bare)
  await bareBreaker.fire()
  expect(bareBreaker.status.window[0]?.latencyTimes).toHaveLength(1)
  bareBreaker.shutdown()

  const getter = vi.spyOn(Object.getPrototypeOf(bareBreaker.status), 'window', 'get')
  const window = new RollingWindow({ window: 10_000, minimumCalls: 1_000, rate: 1 }, 0)
  for (let second = 0; second < 30; second++) {
    for (let i = 0; i < 10; i++) window.record(false, second * 1_000)
    await turn()
  }
  expect(getter).toHaveBeenCalled()
  const buckets = getter.mock.results.at(-1)?.value as { successes: number; latencyTimes: number[] }[]
  expect(buckets.map(({ successes }) => successes)).toContain(10)
  expect(buckets.flatMap(({ latencyTimes }) => latencyTimes)).toEqual([])
  window.close()
})

describe('its timers', () => {
  it('are two intervals for each breaker, and none here', async () => {
    const set = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'setTimeout')]
    const { run, breaker } = bench()
    for (let i = 0; i < 50; i++) await run(undefined, { model: `model-${i}` })
    expect(breaker.states()).toHaveLength(51)
    for (const spy of set) expect(spy).not.toHaveBeenCalled()

    const single = new Opossum(async () => {})
    expect(set[0]).toHaveBeenCalledTimes(2)
    single.shutdown()
  })

  it('half-open by themselves after 30 s; here it is stopped as soon as the circuit has opened', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    try {
      const { fail, state } = bench(quick)
      await fail(4)
      expect(state().state).toBe('open')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

it('opens only above its threshold; here at the threshold', async () => {
  const clock = virtualClock()
  const window = new RollingWindow({ window: 60_000, minimumCalls: 2, rate: 0.5 }, clock.now())
  expect([window.record(false, 0), window.record(true, 0)]).toEqual([false, true])
  window.close()
})

it('keeps the failures from before in its window when it closes; here a new one begins', async () => {
  const { clock, fail, succeed, state } = bench(quick)
  await fail(4)
  await clock.advance(10_000)
  await succeed(2)
  await fail(3)
  expect(state()).toMatchObject({ state: 'closed', calls: 3, failures: 3 })
})
