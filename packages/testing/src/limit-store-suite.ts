import assert from 'node:assert/strict'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

interface Cost {
  readonly inputTokens: number
  readonly outputTokens: number
}

interface Lease {
  settle(actual: Cost | undefined, now: number): void
}

/** What the suite needs of the limits of one key; an `Admission` of `@spillway/rate-limit` has it. */
export interface TestedLimits {
  tryAcquire(cost: Cost, now: number): Lease | undefined | Promise<Lease | undefined>
  timeUntil(cost: Cost, now: number): number
  closeUntil(at: number, now: number): void
  learn(
    name: 'requestsPerMinute',
    vendor: { readonly limit: number; readonly remaining: number; readonly resetMs: number },
    now: number,
  ): void
}

/** Makes the limits of a fresh key, counted in the time of `clock`. */
export type OpenLimits = (
  limits: {
    readonly requestsPerMinute?: number
    readonly requestsPerSecond?: number
    readonly inputTokensPerMinute?: number
    readonly outputTokensPerMinute?: number
    readonly concurrency?: number
  },
  clock: VirtualClock,
) => TestedLimits | Promise<TestedLimits>

/** One behaviour that every store of limits must have. `run` throws when it has not. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

const small = { inputTokens: 1, outputTokens: 1 }

/** What every store of rate limits must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function limitStoreCases(open: OpenLimits): ConformanceCase[] {
  const on = (name: string, run: (clock: VirtualClock) => Promise<void>): ConformanceCase => ({
    name,
    run: () => run(virtualClock()),
  })
  return [
    on(
      'admits a burst up to the limit, refuses the next, and tells truthfully when there is room',
      async (clock) => {
        const limits = await open({ requestsPerMinute: 5 }, clock)
        for (let call = 0; call < 5; call++) assert.ok(await limits.tryAcquire(small, clock.now()))
        assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
        const wait = limits.timeUntil(small, clock.now())
        assert.ok(wait > 59_000 && wait <= 60_200, `waits ${wait} ms`)
        await clock.advance(wait - 200)
        assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
        await clock.advance(201)
        assert.ok(await limits.tryAcquire(small, clock.now()))
      },
    ),

    on('lets from 0.98 N to 1.02 N through in every minute under five times the load', async (clock) => {
      const limit = 60
      const limits = await open({ requestsPerMinute: limit }, clock)
      const admitted: number[] = []
      for (let offer = 0; offer < 5 * limit * 4; offer++) {
        const lease = await limits.tryAcquire(small, clock.now())
        lease?.settle(small, clock.now())
        if (lease) admitted.push(clock.now())
        await clock.advance(60_000 / (5 * limit))
      }
      for (const begin of admitted) {
        const within = admitted.filter((at) => at >= begin && at < begin + 60_000).length
        assert.ok(within <= 1.02 * limit, `${within} in a minute`)
      }
      assert.ok(admitted.length >= Math.floor(0.98 * limit * 4), `${admitted.length} in four minutes`)
    }),

    on('keeps shorter intervals as well', async (clock) => {
      const limits = await open({ requestsPerMinute: 100, requestsPerSecond: 2 }, clock)
      const results = []
      for (let call = 0; call < 3; call++) results.push(await limits.tryAcquire(small, clock.now()))
      assert.deepEqual(results.map(Boolean), [true, true, false])
      await clock.advance(1_005)
      assert.ok(await limits.tryAcquire(small, clock.now()))
    }),

    on('takes from all limits or from none', async (clock) => {
      const limits = await open({ requestsPerMinute: 2, inputTokensPerMinute: 100 }, clock)
      assert.ok(await limits.tryAcquire({ inputTokens: 90, outputTokens: 0 }, clock.now()))
      assert.equal(await limits.tryAcquire({ inputTokens: 20, outputTokens: 0 }, clock.now()), undefined)
      assert.ok(await limits.tryAcquire({ inputTokens: 10, outputTokens: 0 }, clock.now()))
      assert.equal(await limits.tryAcquire({ inputTokens: 0, outputTokens: 0 }, clock.now()), undefined)
    }),

    on('settles with what a call really took, once', async (clock) => {
      const limits = await open({ outputTokensPerMinute: 100 }, clock)
      const lease = await limits.tryAcquire({ inputTokens: 0, outputTokens: 100 }, clock.now())
      await clock.advance(5_000)
      lease?.settle({ inputTokens: 0, outputTokens: 30 }, clock.now())
      lease?.settle(undefined, clock.now())
      assert.equal(await limits.tryAcquire({ inputTokens: 0, outputTokens: 71 }, clock.now()), undefined)
      assert.ok(await limits.tryAcquire({ inputTokens: 0, outputTokens: 70 }, clock.now()))
    }),

    on('takes more afterwards where a call took more than its estimate', async (clock) => {
      const limits = await open({ outputTokensPerMinute: 100 }, clock)
      const lease = await limits.tryAcquire({ inputTokens: 0, outputTokens: 10 }, clock.now())
      lease?.settle({ inputTokens: 0, outputTokens: 95 }, clock.now())
      assert.equal(await limits.tryAcquire({ inputTokens: 0, outputTokens: 10 }, clock.now()), undefined)
    }),

    on('gives everything back for a call that was not sent', async (clock) => {
      const limits = await open({ requestsPerMinute: 1, inputTokensPerMinute: 10, concurrency: 1 }, clock)
      const lease = await limits.tryAcquire({ inputTokens: 10, outputTokens: 0 }, clock.now())
      lease?.settle(undefined, clock.now())
      assert.ok(await limits.tryAcquire({ inputTokens: 10, outputTokens: 0 }, clock.now()))
    }),

    on('changes nothing when a settlement comes after the window', async (clock) => {
      const limits = await open({ outputTokensPerMinute: 100 }, clock)
      const lease = await limits.tryAcquire({ inputTokens: 0, outputTokens: 50 }, clock.now())
      await clock.advance(200_000)
      lease?.settle({ inputTokens: 0, outputTokens: 500 }, clock.now())
      assert.ok(await limits.tryAcquire({ inputTokens: 0, outputTokens: 100 }, clock.now()))
    }),

    on('limits the calls under way, whatever time passes', async (clock) => {
      const limits = await open({ concurrency: 2 }, clock)
      const first = await limits.tryAcquire(small, clock.now())
      assert.ok(await limits.tryAcquire(small, clock.now()))
      await clock.advance(2_000)
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      first?.settle(small, clock.now())
      assert.ok(await limits.tryAcquire(small, clock.now()))
    }),

    on(
      'admits a call larger than a whole limit into an empty window, and nothing beside it',
      async (clock) => {
        const limits = await open({ inputTokensPerMinute: 100 }, clock)
        const large = { inputTokens: 663, outputTokens: 0 }
        const lease = await limits.tryAcquire(large, clock.now())
        assert.ok(lease)
        lease.settle(large, clock.now())
        assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
        assert.equal(await limits.tryAcquire(large, clock.now()), undefined)
      },
    ),

    on('stays closed until the time that the vendor names', async (clock) => {
      const limits = await open({ requestsPerMinute: 100 }, clock)
      limits.closeUntil(clock.now() + 3_000, clock.now())
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      assert.ok(limits.timeUntil(small, clock.now()) > 2_900)
      await clock.advance(3_001)
      assert.ok(await limits.tryAcquire(small, clock.now()))
    }),

    on('does not stay closed for longer than ten minutes, whatever time the vendor names', async (clock) => {
      const years = 31 * 365 * 24 * 3_600_000
      const limits = await open({ requestsPerMinute: 100 }, clock)
      for (const at of [clock.now() + years, Infinity]) {
        limits.closeUntil(at, clock.now())
        assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
        const wait = limits.timeUntil(small, clock.now())
        assert.ok(wait > 599_000 && wait <= 600_000, `waits ${wait} ms`)
        await clock.advance(599_000)
        assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
        await clock.advance(1_001)
        assert.ok(await limits.tryAcquire(small, clock.now()))
      }
    }),

    on('learns from the vendor what others have spent, and a lower limit', async (clock) => {
      const limits = await open({ requestsPerMinute: 100 }, clock)
      await limits.tryAcquire(small, clock.now())
      limits.learn('requestsPerMinute', { limit: 10, remaining: 1, resetMs: 20_000 }, clock.now())
      const admitted = []
      for (let call = 0; call < 3; call++) admitted.push(await limits.tryAcquire(small, clock.now()))
      assert.deepEqual(admitted.map(Boolean), [true, false, false])
      await clock.advance(20_200)
      assert.ok(await limits.tryAcquire(small, clock.now()))
    }),

    on('conserves: over random calls nothing exceeds a limit and nothing leaks', async (clock) => {
      const bounds = { requestsPerMinute: 20, inputTokensPerMinute: 200, concurrency: 4 }
      const limits = await open(bounds, clock)
      const held: { lease: Lease; inputTokens: number }[] = []
      let reserved: { at: number; amount: number }[] = []
      for (let step = 0; step < 400; step++) {
        if (clock.random() < 0.5) {
          const inputTokens = Math.floor(clock.random() * 80)
          const lease = await limits.tryAcquire({ inputTokens, outputTokens: 0 }, clock.now())
          if (lease) {
            held.push({ lease, inputTokens })
            reserved.push({ at: clock.now(), amount: inputTokens })
          }
        } else if (held.length > 0) {
          const { lease, inputTokens } = held.splice(
            Math.floor(clock.random() * held.length),
            1,
          )[0] as (typeof held)[0]
          lease.settle({ inputTokens, outputTokens: 0 }, clock.now())
        }
        await clock.advance(clock.random() * 3_000)
        reserved = reserved.filter(({ at }) => at > clock.now() - 59_800)
        assert.ok(held.length <= bounds.concurrency)
        assert.ok(reserved.length <= bounds.requestsPerMinute)
        assert.ok(reserved.reduce((sum, { amount }) => sum + amount, 0) <= bounds.inputTokensPerMinute)
      }
      for (const { lease } of held) lease.settle(small, clock.now())
      await clock.advance(61_000)
      for (let call = 0; call < bounds.concurrency; call++) {
        assert.ok(await limits.tryAcquire({ inputTokens: 50, outputTokens: 0 }, clock.now()))
      }
    }),
  ]
}
