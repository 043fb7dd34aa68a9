import { getEventListeners } from 'node:events'
import { attempt, type Transport, target } from '@spillway/attempt'
import { createCircuitBreaker, fallback } from '@spillway/circuit-breaker-fallback'
import { createLedger, type Entry } from '@spillway/ledger'
import { compose, type Listener, listen, type Middleware } from '@spillway/middleware'
import { createMirror } from '@spillway/mirror'
import { createRateLimit } from '@spillway/rate-limit'
import { type RetryBudget, retry } from '@spillway/retry'
import { createRouting } from '@spillway/routing'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { publishedPrices } from '@spillway/usage'
import { expect, it, vi } from 'vitest'
// By its path: it is no part of the package's surface.
import { authenticate } from '../../../../packages/core-client/src/authentication.ts'
import { type Act, requestOn, scriptedUpstream } from './scripted-upstream.ts'

const calls = 5_000
const seed = 20_261_127

/** What a broken hook does instead of its work. */
const nonsense: readonly (() => unknown)[] = [
  () => {
    throw new Error('broken hook')
  },
  () => {
    throw 'broken hook'
  },
  () => Promise.reject(new Error('broken hook')),
  () => new Promise(() => {}),
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => -1,
  () => undefined,
  () => null,
  () => '',
  () => ({}),
  () => Symbol('nonsense'),
]

/** A clock whose timers fire together, each tenth of a second: thousands of calls take few turns of the event loop. */
function coarse(clock: VirtualClock): VirtualClock {
  const tick = 100
  const due = new Map<number, Set<() => void>>()
  return {
    ...clock,
    get pending() {
      return [...due.values()].reduce((sum, { size }) => sum + size, 0)
    },
    setTimer(ms, callback) {
      if (ms === Infinity) return () => {}
      const at = Math.ceil((clock.now() + Math.max(0, ms || 0)) / tick) * tick
      const together = due.get(at) ?? new Set()
      if (!due.has(at)) {
        due.set(at, together)
        clock.setTimer(at - clock.now(), () => {
          due.delete(at)
          for (const each of together) each()
        })
      }
      const each = (): void => callback()
      together.add(each)
      return () => void together.delete(each)
    },
  }
}

it('hooks that throw, hang or answer with nonsense lose no call, slot, lease, probe, listener or timer', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  const clock = coarse(virtualClock({ seed }))
  const dice = virtualClock({ seed: seed + 1 }).random
  const pick = <T>(of: readonly T[]): T => of[Math.floor(dice() * of.length)] as T

  /** A hook that works three times of four. */
  const broken = <A extends readonly unknown[], R>(works: (...args: A) => R): ((...args: A) => R) =>
    ((...args: A) => (dice() < 0.75 ? works(...args) : pick(nonsense)())) as (...args: A) => R

  const acts: readonly Act[] = [
    ...(['ok', 'ok', 'ok', 'ok', 'decline', 'stall', 'refuse connection'] as const),
    ...[
      { status: 529 },
      { status: 400 },
      { status: 401 },
      { status: 429, retryAfter: 1 },
      { streamsFor: 2_000 },
    ],
  ]
  const upstream = (): ReturnType<typeof scriptedUpstream> =>
    scriptedUpstream(...Array.from({ length: 500 }, () => pick(acts)), 'ok')

  let leased = 0
  const source = {
    token: broken(() => {
      leased++
      return { value: 'sk-test', release: releases() }
    }),
    refused: () => {},
  }
  const releases = (): (() => void) => {
    let isOut = true
    return () => {
      if (isOut) leased--
      isOut = false
      return pick(nonsense)() as undefined
    }
  }
  const breakers = ['a', 'b', 'c'].map(() => {
    const breaker = createCircuitBreaker({
      ...{ minimumCalls: 5, openFor: 1_000, halfOpenProbes: 1, probeTimeout: 5_000 },
      key: broken(({ model }) => model),
      credential: broken(() => 'key'),
      when: broken(() => undefined),
    })
    breaker.onChange(broken(() => {}))
    return breaker
  })
  const limits = ['a', 'b', 'c'].map(() =>
    createRateLimit({
      ...{ concurrency: 20, requestsPerMinute: 6_000, maxWait: 2_000, maxRetryAfter: 1_000 },
      priority: broken(() => 3),
      key: broken(() => ''),
      group: broken(() => 'm'),
    }),
  )
  const endpoint = (index: number): { name: string; handler: ReturnType<typeof compose> } => {
    const policies = [breakers[index]?.middleware, limits[index]?.middleware, authenticate(source, 'bearer')]
    return { name: `e${index}`, handler: compose(policies as Middleware[], upstream().handler) }
  }
  const budget: RetryBudget = {
    onFirstAttempt: broken(() => {}),
    withdraw: broken(() => true),
    onSuccess: broken(() => {}),
    balance: 1,
  }
  const routing = createRouting({
    endpoints: [endpoint(0), endpoint(1)],
    caller: broken(() => 'c'),
    hedge: { after: 500, maxExtra: 0.5, budget: broken(() => true) },
  })
  const mirror = createMirror({
    ...{ to: target('candidate', upstream().handler), sample: 0.1, callsPerMinute: Infinity },
    onComparison: broken(() => {}),
  })
  const last = endpoint(2)
  const rows: Entry[] = []
  const ledger = createLedger({
    ...{ clock, warn: broken(() => {}), pricesOf: broken(() => publishedPrices) },
    providerOf: broken(() => 'anthropic'),
    endpointOf: broken(() => 'e'),
    roleOf: broken(() => undefined),
    onAttempt: broken(() => {}),
    store: { write: (entries) => Promise.resolve(rows.push(...entries)) },
  })
  const refusal = {
    models: broken(() => ['claude-opus-4-8']),
    permitted: broken(() => Promise.resolve(['claude-opus-4-8'])),
  }
  const handler = compose(
    [
      ledger.calls,
      mirror.middleware,
      fallback([target('last', last.handler)], { when: broken(() => undefined), reserve: 5_000, refusal }),
      retry({ budget, when: broken(() => undefined), backoff: broken(({ retry: n }) => 100 * n) }),
    ],
    compose([ledger.attempts], routing.handler),
  )

  const listener = broken(() => {}) as Listener
  let aborting = 0
  const results: string[] = []
  const rejected: unknown[] = []
  const signals: AbortSignal[] = []
  const call = async (): Promise<void> => {
    const leaving = new AbortController()
    const { signal } = leaving
    signals.push(signal)
    const { request } = requestOn(clock, { signal, stream: dice() < 0.5, deadline: clock.now() + 20_000 })
    if (dice() < 0.1) {
      aborting++
      clock.setTimer(dice() * 3_000, () => leaving.abort())
    }
    try {
      const response = await handler(listen(listen(request, listener), listener))
      response.body.pipe({ write: () => true, end() {}, fail() {} })
      await response.outcome
      results.push(response.failure?.kind ?? 'ok')
    } catch (error) {
      results.push(error instanceof Error ? error.name : typeof error)
      if (!signal.aborted) rejected.push(error)
    }
  }
  const all: Promise<void>[] = []
  for (let sent = 0; sent < calls; sent += 100) {
    for (let each = 0; each < 100; each++) all.push(call())
    await clock.advance(2_000)
  }
  await clock.runUntil(Promise.all(all))
  await clock.runAll()
  await clock.runUntil(mirror.close())
  await clock.runUntil(ledger.close())
  await new Promise((resolve) => setImmediate(resolve))

  expect(results).toHaveLength(calls)
  const counts = Object.fromEntries(
    [...new Set(results)].map((kind) => [kind, results.filter((r) => r === kind).length]),
  )
  expect(counts.ok).toBeGreaterThan(calls / 4)
  // Only who leaves has a call that rejects.
  expect(rejected).toEqual([])
  expect(counts.AbortError ?? 0).toBeLessThanOrEqual(aborting)
  expect(limits.map(({ waiting }) => waiting)).toEqual([0, 0, 0])
  expect(limits.map((limit) => limit.limiter()?.inFlight)).toEqual([0, 0, 0])
  expect(
    breakers.flatMap((breaker) => breaker.states().map(({ probes }) => probes)).every((n) => n === 0),
  ).toBe(true)
  expect(routing.endpoints().map(({ inFlight }) => inFlight)).toEqual([0, 0])
  expect(leased).toBe(0)
  expect(signals.filter((signal) => getEventListeners(signal, 'abort').length > 0)).toHaveLength(0)
  expect(clock.pending).toBe(0)
  expect(mirror.stats().active).toBe(0)
  expect(unhandled).not.toHaveBeenCalled()
  expect(rows.filter(({ table }) => table === 'calls')).toHaveLength(calls)
  // Each broken hook is told of once.
  const told = warn.mock.calls.map(([text]) => String(text).split(' ', 1)[0])
  for (const name of ['retry.when', 'refusal.models', 'refusal.permitted', 'ledger.pricesOf'])
    expect(told.filter((each) => each === name)).toEqual([name])
  process.off('unhandledRejection', unhandled)
  warn.mockRestore()
}, 60_000)

it('a transport whose sink is told nonsense ends its call', async () => {
  const clock = virtualClock()
  const transport: Transport = () => {
    throw new Error('broken transport')
  }
  const { request } = requestOn(clock)
  await expect(attempt(transport)(request)).rejects.toThrow('broken transport')
  expect(clock.pending).toBe(0)
})
