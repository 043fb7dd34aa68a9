import type { Failure } from '@spillway/middleware'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Bench, bench, model, type Sent } from '../test/breaker-bench.ts'
import { failureOf } from '../test/controlled-endpoint.ts'

const slots = 10

/** What happens in a schedule: time passes, a call is made, one of those under way goes on or ends. */
type Act =
  | { readonly act: 'wait'; readonly ms: number }
  | { readonly act: 'send' }
  | { readonly act: 'commit' | 'end' | 'fail' | 'ignored' | 'leave'; readonly which: number }

const which = fc.nat()
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 7_000 }) }),
  },
  { weight: 6, arbitrary: fc.constant({ act: 'send' as const }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('commit' as const), which }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('end' as const), which }) },
  { weight: 6, arbitrary: fc.record({ act: fc.constant('fail' as const), which }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('ignored' as const, 'leave' as const), which }) },
)

const settings = fc.record({
  window: fc.constantFrom(1_000, 10_000, 60_000),
  minimumCalls: fc.integer({ min: 1, max: 6 }),
  failureRate: fc.constantFrom(0.2, 0.5, 2 / 3, 1),
  openFor: fc.integer({ min: 100, max: 12_000 }),
  halfOpenProbes: fc.integer({ min: 1, max: 4 }),
  probeTimeout: fc.integer({ min: 100, max: 12_000 }),
})

type Settings = typeof settings extends fc.Arbitrary<infer S> ? S : never

interface UnderWay extends Sent {
  /** How many changes there had been when it was let through. */
  readonly generation: number
  readonly sentAt: number
}

/** Plays a schedule and checks after every act what must hold. */
class Player {
  readonly #settings: Settings
  readonly #bench: Bench
  readonly #underWay: UnderWay[] = []
  /** Results of the present closed phase, by the slot of the window in which they came. */
  #results: { readonly slot: number; readonly failed: boolean }[] = []
  #phaseBegan: number | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.#bench = bench(settings)
  }

  async play(acts: readonly Act[]): Promise<void> {
    for (const each of acts) {
      const before = this.#bench.changes.length
      if (each.act === 'wait') await this.#bench.clock.advance(each.ms)
      else if (each.act === 'send') this.#send()
      else await this.#goOn(each.act, each.which)
      if (this.#bench.changes.length > before) this.#begin()
    }
  }

  #begin(): void {
    this.#results = []
    this.#phaseBegan = this.#bench.clock.now()
  }

  #send(): void {
    const { clock, changes, send } = this.#bench
    const { openFor, halfOpenProbes, probeTimeout } = this.#settings
    // A circuit begins with its first call.
    this.#phaseBegan ??= clock.now()
    const wasOpen = changes.at(-1)?.to === 'open'
    const sent = send()
    sent.response.catch(() => {})
    const now = clock.now()
    const isOpenStill = wasOpen && now < this.#phaseBegan + openFor
    if (isOpenStill) expect(sent.call).toBeUndefined()
    else if (wasOpen || changes.length === 0) expect(sent.call).toBeDefined()
    if (sent.call === undefined) return
    const underWay = { ...sent, generation: changes.length, sentAt: now }
    this.#underWay.push(underWay)
    if (changes.at(-1)?.to !== 'half_open') return
    const probes = this.#underWay.filter(
      ({ generation, sentAt }) => generation === changes.length && now < sentAt + probeTimeout,
    )
    expect(probes.length).toBeLessThanOrEqual(halfOpenProbes)
  }

  async #goOn(how: Exclude<Act['act'], 'wait' | 'send'>, which: number): Promise<void> {
    if (this.#underWay.length === 0) return
    const index = which % this.#underWay.length
    const { call, generation } = this.#underWay[index] as UnderWay
    if (how === 'commit') return call?.commit()
    this.#underWay.splice(index, 1)
    const isLate = generation !== this.#bench.changes.length
    const before = isLate ? this.#bench.breaker.states() : undefined
    const known = this.#bench.changes.length
    await this.#finish(call, how)
    if (before !== undefined && this.#bench.changes.length === known) {
      // All but the circuit of the key, where every success counts.
      expect(this.#modelOf(this.#bench.breaker.states())).toEqual(this.#modelOf(before))
    }
    if (isLate) expect(this.#bench.changes.slice(known)).toEqual([])
    const state = known === 0 ? 'closed' : this.#bench.changes[known - 1]?.to
    if (!isLate && state === 'closed' && (how === 'end' || how === 'fail')) this.#judge(how === 'fail', known)
  }

  #modelOf(states: ReturnType<Bench['breaker']['states']>): unknown {
    return states.find(({ key }) => key === model)
  }

  async #finish(call: Sent['call'], how: 'end' | 'fail' | 'ignored' | 'leave'): Promise<void> {
    if (how === 'leave') return call?.reject(new Error('left'))
    const failures: Record<string, Failure | undefined> = {
      fail: failureOf('server'),
      ignored: failureOf('rate_limited'),
    }
    await call?.end(failures[how])
  }

  /** A closed circuit opens with a failure that makes it too many, and only then. */
  #judge(failed: boolean, known: number): void {
    const { window, minimumCalls, failureRate } = this.#settings
    const slot = Math.floor((this.#bench.clock.now() - (this.#phaseBegan ?? 0)) / (window / slots))
    this.#results.push({ slot, failed })
    const counted = this.#results.filter((result) => result.slot > slot - slots)
    const failures = counted.filter((result) => result.failed).length
    const mustOpen =
      failed && counted.length >= minimumCalls && failures / counted.length >= failureRate - 1e-12
    expect(this.#bench.changes.slice(known)).toMatchObject(
      mustOpen ? [{ from: 'closed', to: 'open', reason: 'failure_rate' }] : [],
    )
  }
}

it('holds what it promises under any schedule of calls, results and times', async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.array(act, { minLength: 20, maxLength: 120 }), async (with_, acts) => {
      await new Player(with_).play(acts)
    }),
    { numRuns: 150 },
  )
})
