import assert from 'node:assert/strict'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

interface Cost {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly predicted?: { readonly inputTokens: number; readonly outputTokens: number }
  readonly group?: string | undefined
}

type WindowName = 'requestsPerMinute' | 'inputTokensPerMinute' | 'outputTokensPerMinute'

interface Word {
  readonly limit: number | undefined
  readonly remaining: number
  readonly resetMs: number
  readonly periodMs?: number | undefined
}

interface Beside {
  readonly cost: Cost
  readonly by: number
  readonly isHoping: boolean
}

interface Lease {
  observe?(
    answer: {
      readonly limits: readonly (Word & { readonly name: WindowName })[]
      readonly closedMs?: number | undefined
      readonly isSuccess: boolean
    },
    now: number,
  ): void
  settle(actual: Cost | undefined, now: number): void
}

/** What the suite needs of the limits of one key; an `Admission` of `@spillway/rate-limit` has it. */
export interface TestedLimits {
  tryAcquire(cost: Cost, now: number, beside?: Beside): Lease | undefined | Promise<Lease | undefined>
  timeUntil(cost: Cost, now: number): number
  soonest(cost: Cost, now: number): number
  closeUntil(at: number, now: number, group?: string): void
  open(): void
  learn(name: WindowName, vendor: Word, now: number, group?: string): void
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

type Answer = Parameters<NonNullable<Lease['observe']>>[0]

/** What a vendor's answer says; a success without headers unless it is told otherwise. */
function answer({ limits = [], closedMs }: Partial<Pick<Answer, 'limits' | 'closedMs'>>): Answer {
  return { limits, closedMs, isSuccess: closedMs === undefined }
}

/** Lets what is sent to a store arrive there. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

/** What every store of rate limits must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function limitStoreCases(open: OpenLimits): ConformanceCase[] {
  const on = (name: string, run: (clock: VirtualClock) => Promise<void>): ConformanceCase => ({
    name,
    run: () => run(virtualClock()),
  })
  return [
    on(
      'admits a burst up to the limit, refuses the next, and reports the right time until there is capacity',
      async (clock) => {
        const limits = await open({ requestsPerMinute: 5 }, clock)
        for (let call = 0; call < 5; call++) assert.ok(await limits.tryAcquire(small, clock.now()))
        assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
        const wait = limits.timeUntil(small, clock.now())
        assert.ok(wait > 59_000 && wait <= 60_700, `waits ${wait} ms`)
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
      await clock.advance(1_015)
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

    on(
      'tells how soon there may be capacity, if calls in flight take less than is reserved',
      async (clock) => {
        const limits = await open({ inputTokensPerMinute: 100 }, clock)
        const [large, call] = [
          { inputTokens: 80, outputTokens: 0 },
          { inputTokens: 40, outputTokens: 0 },
        ]
        const unknown = await limits.tryAcquire(large, clock.now())
        await clock.advance(5_000)
        assert.equal(await limits.tryAcquire(call, clock.now()), undefined)
        assert.equal(limits.soonest(call, clock.now()), 0)
        const wait = limits.timeUntil(call, clock.now())
        assert.ok(wait > 54_000 && wait <= 55_700, `waits ${wait} ms`)
        unknown?.settle({ inputTokens: 0, outputTokens: 0 }, clock.now())
        const predicted = { inputTokens: 70, outputTokens: 0 }
        const known = await limits.tryAcquire({ ...large, predicted }, clock.now())
        assert.equal(await limits.tryAcquire(call, clock.now()), undefined)
        assert.ok(limits.soonest(call, clock.now()) > 59_000)
        const fitting = { inputTokens: 30, outputTokens: 0 }
        assert.equal(await limits.tryAcquire(fitting, clock.now()), undefined)
        assert.equal(limits.soonest(fitting, clock.now()), 0)
        known?.settle({ inputTokens: 80, outputTokens: 0 }, clock.now())
        assert.equal(await limits.tryAcquire(fitting, clock.now()), undefined)
        const soonest = limits.soonest(fitting, clock.now())
        assert.ok(soonest > 59_000 && soonest === limits.timeUntil(fitting, clock.now()), `${soonest} ms`)
      },
    ),

    on('does not expect that a request is given back, nor that a closure ends', async (clock) => {
      const limits = await open({ requestsPerMinute: 1 }, clock)
      await limits.tryAcquire(small, clock.now())
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      assert.ok(limits.soonest(small, clock.now()) > 59_000)
      const closed = await open({ inputTokensPerMinute: 100 }, clock)
      await closed.tryAcquire(small, clock.now())
      closed.closeUntil(clock.now() + 3_000, clock.now())
      assert.equal(await closed.tryAcquire(small, clock.now()), undefined)
      assert.ok(closed.soonest(small, clock.now()) > 2_900)
    }),

    on('admits a call beside one that waits, where that one has capacity in time', async (clock) => {
      const limits = await open({ inputTokensPerMinute: 100 }, clock)
      const spend = async (inputTokens: number): Promise<void> => {
        const cost = { inputTokens, outputTokens: 0 }
        ;(await limits.tryAcquire(cost, clock.now()))?.settle(cost, clock.now())
      }
      await spend(30)
      await clock.advance(20_000)
      await spend(20)
      await clock.advance(20_000)
      // Capacity for 75 when the 30 have left after 20 s; with 5 beside.
      const waiting = {
        cost: { inputTokens: 75, outputTokens: 0 },
        by: clock.now() + 20_800,
        isHoping: false,
      }
      const pass = (inputTokens: number, changes: Partial<Beside> = {}) =>
        limits.tryAcquire({ inputTokens, outputTokens: 0 }, clock.now(), { ...waiting, ...changes })
      assert.equal(await pass(6), undefined)
      assert.ok(await pass(3))
      assert.equal(await pass(3), undefined)
      assert.ok(await pass(2))
      assert.equal(await pass(1), undefined)
      assert.ok(await pass(10, { by: clock.now() + 40_800 }))
      assert.equal(await pass(11, { by: clock.now() + 40_800 }), undefined)
      assert.equal(await pass(40, { by: clock.now() + 100_000 }), undefined)
      assert.ok(await pass(30, { by: clock.now() + 100_000 }))
    }),

    on(
      'counts calls in flight as settled beside one that hopes for that, and leaves a place',
      async (clock) => {
        const limits = await open({ inputTokensPerMinute: 100, concurrency: 3 }, clock)
        const predicted = { inputTokens: 10, outputTokens: 0 }
        const lease = await limits.tryAcquire({ inputTokens: 60, outputTokens: 0, predicted }, clock.now())
        const waiting = {
          cost: { inputTokens: 75, outputTokens: 0 },
          by: clock.now() + 20_000,
          isHoping: true,
        }
        const call = { inputTokens: 15, outputTokens: 0, predicted: { inputTokens: 15, outputTokens: 0 } }
        assert.equal(await limits.tryAcquire(call, clock.now(), { ...waiting, isHoping: false }), undefined)
        assert.equal(await limits.tryAcquire({ ...call, inputTokens: 16 }, clock.now(), waiting), undefined)
        const beside = await limits.tryAcquire(call, clock.now(), waiting)
        assert.ok(beside)
        const tiny = { inputTokens: 0, outputTokens: 0 }
        assert.equal(await limits.tryAcquire(tiny, clock.now(), waiting), undefined)
        lease?.settle({ inputTokens: 10, outputTokens: 0 }, clock.now())
        const another = await limits.tryAcquire(tiny, clock.now(), waiting)
        assert.ok(another)
        another.settle(tiny, clock.now())
        assert.ok(await limits.tryAcquire(waiting.cost, clock.now()))
      },
    ),

    on('expects that calls in flight leave more of what the vendor has left', async (clock) => {
      const limits = await open({ inputTokensPerMinute: 1_000_000 }, clock)
      const predicted = { inputTokens: 5_000, outputTokens: 0 }
      const cost = { inputTokens: 40_000, outputTokens: 0, predicted }
      const told = await limits.tryAcquire({ inputTokens: 0, outputTokens: 0 }, clock.now())
      const lease = await limits.tryAcquire(cost, clock.now())
      const said = {
        name: 'inputTokensPerMinute',
        limit: 60_000,
        remaining: 50_000,
        resetMs: 10_000,
      } as const
      told?.observe?.(answer({ limits: [said] }), clock.now())
      await turn()
      assert.equal(await limits.tryAcquire(cost, clock.now()), undefined)
      assert.ok(limits.timeUntil(cost, clock.now()) > 20_000)
      assert.equal(limits.soonest(cost, clock.now()), 0)
      // 10,000 are left, and 1 comes back each millisecond.
      const waiting = { cost: { inputTokens: 15_000, outputTokens: 0 }, isHoping: false }
      const call = { inputTokens: 5_000, outputTokens: 0 }
      const pass = (ms: number) => limits.tryAcquire(call, clock.now(), { ...waiting, by: clock.now() + ms })
      assert.equal(await pass(9_900), undefined)
      assert.ok(await pass(10_100))
      lease?.settle(predicted, clock.now())
      await turn()
      assert.ok(await limits.tryAcquire({ ...cost, inputTokens: 40_000 }, clock.now()))
    }),

    on('limits the calls in flight, whatever time passes', async (clock) => {
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

    on(
      'lets one call a minute test a long closure, and opens ten minutes after it was last named',
      async (clock) => {
        const years = 31 * 365 * 24 * 3_600_000
        for (const until of [years, Infinity]) {
          const limits = await open({ requestsPerMinute: 100 }, clock)
          limits.closeUntil(clock.now() + until, clock.now())
          assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
          const wait = limits.timeUntil(small, clock.now())
          assert.ok(wait > 599_000 && wait <= 600_000, `waits ${wait} ms`)
          await clock.advance(59_000)
          assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
          await clock.advance(1_001)
          assert.ok(await limits.tryAcquire(small, clock.now()))
          assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
          await clock.advance(60_001)
          assert.ok(await limits.tryAcquire(small, clock.now()))
          assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
          await clock.advance(480_000)
          assert.ok(await limits.tryAcquire(small, clock.now()))
          assert.ok(await limits.tryAcquire(small, clock.now()))
        }
      },
    ),

    on('a success of a call that tests a closure opens it, another 429 keeps it closed', async (clock) => {
      const limits = await open({ requestsPerMinute: 100 }, clock)
      const before = await limits.tryAcquire(small, clock.now())
      const refused = await limits.tryAcquire(small, clock.now())
      const nineDays = 9 * 86_400_000
      refused?.observe?.(answer({ closedMs: nineDays }), clock.now())
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      // A call from before the closure says nothing of the time after it.
      before?.observe?.(answer({}), clock.now())
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      for (let minute = 0; minute < 15; minute++) {
        await clock.advance(60_001)
        const probe = await limits.tryAcquire(small, clock.now())
        assert.ok(probe, `minute ${minute}`)
        probe.observe?.(answer({ closedMs: nineDays }), clock.now())
        assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      }
      await clock.advance(60_001)
      const probe = await limits.tryAcquire(small, clock.now())
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      probe?.observe?.(answer({}), clock.now())
      await turn()
      for (let call = 0; call < 5; call++) assert.ok(await limits.tryAcquire(small, clock.now()))
    }),

    on('opens by hand', async (clock) => {
      const limits = await open({ requestsPerMinute: 100 }, clock)
      limits.closeUntil(clock.now() + 500_000, clock.now())
      limits.learn('requestsPerMinute', { limit: 10, remaining: 0, resetMs: 500_000 }, clock.now())
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
      limits.open()
      await turn()
      for (let call = 0; call < 20; call++) assert.ok(await limits.tryAcquire(small, clock.now()))
    }),

    on('closes for one group of models alone, and counts each by itself', async (clock) => {
      const limits = await open({ requestsPerMinute: 3, concurrency: 6 }, clock)
      const [opus, haiku] = ['opus', 'haiku'].map((group) => ({ ...small, group })) as [Cost, Cost]
      const first = await limits.tryAcquire(opus, clock.now())
      first?.observe?.(answer({ closedMs: 30_000 }), clock.now())
      assert.equal(await limits.tryAcquire(opus, clock.now()), undefined)
      assert.ok(limits.timeUntil(opus, clock.now()) > 29_000)
      for (let call = 0; call < 3; call++) assert.ok(await limits.tryAcquire(haiku, clock.now()))
      assert.equal(await limits.tryAcquire(haiku, clock.now()), undefined)
      await clock.advance(30_001)
      for (let call = 0; call < 2; call++) assert.ok(await limits.tryAcquire(opus, clock.now()))
      // All places of the key are taken.
      await clock.advance(60_200)
      assert.equal(await limits.tryAcquire(haiku, clock.now()), undefined)
      first?.settle(opus, clock.now())
      assert.ok(await limits.tryAcquire(haiku, clock.now()))
    }),

    on('one group is told nothing of what is left of another', async (clock) => {
      const limits = await open({ requestsPerMinute: 100 }, clock)
      const haiku = await limits.tryAcquire({ ...small, group: 'haiku' }, clock.now())
      const said = { name: 'requestsPerMinute', limit: 50, remaining: 0, resetMs: 60_000 } as const
      haiku?.observe?.(answer({ limits: [said] }), clock.now())
      assert.equal(await limits.tryAcquire({ ...small, group: 'haiku' }, clock.now()), undefined)
      assert.ok(await limits.tryAcquire({ ...small, group: 'opus' }, clock.now()))
    }),

    on('keeps a bounded number of groups, whatever names callers make up', async (clock) => {
      const limits = await open({ requestsPerMinute: 2 }, clock)
      let admitted = 0
      for (let name = 0; name < 500; name++) {
        if (await limits.tryAcquire({ ...small, group: `made up ${name}` }, clock.now())) admitted++
      }
      assert.ok(admitted <= 40, `${admitted} admitted`)
      await clock.advance(61_000)
      assert.ok(await limits.tryAcquire({ ...small, group: 'a model' }, clock.now()))
    }),

    on('does not book what others use of a pool that is shared with them', async (clock) => {
      const limits = await open({ requestsPerMinute: 100, inputTokensPerMinute: 25_000 }, clock)
      const cost = { inputTokens: 1_000, outputTokens: 1 }
      for (let call = 0; call < 20; call++) {
        const lease = await limits.tryAcquire(cost, clock.now())
        assert.ok(lease, `call ${call}`)
        const said = {
          name: 'inputTokensPerMinute',
          limit: 100_000,
          remaining: 75_000 - call * 1_000,
        } as const
        lease.observe?.(answer({ limits: [{ ...said, resetMs: 15_000 }] }), clock.now())
        lease.settle(cost, clock.now())
      }
    }),

    on('waits for what a call asks where the vendor has less left, and no longer', async (clock) => {
      const limits = await open({ inputTokensPerMinute: 100_000 }, clock)
      const cost = { inputTokens: 20_000, outputTokens: 1 }
      const lease = await limits.tryAcquire(cost, clock.now())
      const said = {
        name: 'inputTokensPerMinute',
        limit: 60_000,
        remaining: 10_000,
        resetMs: 50_000,
      } as const
      lease?.observe?.(answer({ limits: [said] }), clock.now())
      assert.ok(await limits.tryAcquire({ inputTokens: 8_000, outputTokens: 1 }, clock.now()))
      assert.equal(await limits.tryAcquire(cost, clock.now()), undefined)
      const wait = limits.timeUntil(cost, clock.now())
      assert.ok(wait > 17_900 && wait < 18_100, `waits ${wait} ms`)
      await clock.advance(17_800)
      assert.equal(await limits.tryAcquire(cost, clock.now()), undefined)
      await clock.advance(300)
      assert.ok(await limits.tryAcquire(cost, clock.now()))
    }),

    on('an answer to an older call never raises what a newer one has said', async (clock) => {
      const limits = await open({ requestsPerMinute: 100 }, clock)
      const leases: (Lease | undefined)[] = []
      for (let call = 0; call < 5; call++) leases.push(await limits.tryAcquire(small, clock.now()))
      const said = (remaining: number): Word & { name: WindowName } => ({
        ...{ name: 'requestsPerMinute', limit: 50, remaining, resetMs: 60_000 },
      })
      leases[4]?.observe?.(answer({ limits: [said(1)] }), clock.now())
      leases[0]?.observe?.(answer({ limits: [said(45)] }), clock.now())
      assert.ok(await limits.tryAcquire(small, clock.now()))
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
    }),

    on('an answer counts what was admitted after its call as not contained in it', async (clock) => {
      const limits = await open({ inputTokensPerMinute: 100_000 }, clock)
      const cost = { inputTokens: 10_000, outputTokens: 1 }
      const first = await limits.tryAcquire(cost, clock.now())
      const second = await limits.tryAcquire(cost, clock.now())
      const said = {
        name: 'inputTokensPerMinute',
        limit: 40_000,
        remaining: 20_000,
        resetMs: 30_000,
      } as const
      first?.observe?.(answer({ limits: [said] }), clock.now())
      assert.ok(await limits.tryAcquire(cost, clock.now()))
      assert.equal(await limits.tryAcquire(cost, clock.now()), undefined)
      // It has taken nothing, so that is left.
      second?.settle({ inputTokens: 0, outputTokens: 1 }, clock.now())
      assert.ok(await limits.tryAcquire(cost, clock.now()))
    }),

    on('output that is not generated yet is still to be counted', async (clock) => {
      const limits = await open({ outputTokensPerMinute: 100_000 }, clock)
      const cost = { inputTokens: 1, outputTokens: 4_000 }
      const said = { name: 'outputTokensPerMinute', limit: 10_000, remaining: 10_000, resetMs: 0 } as const
      const streams: (Lease | undefined)[] = []
      for (let call = 0; call < 4; call++) {
        streams.push(await limits.tryAcquire(cost, clock.now()))
        assert.ok(streams[call])
        streams[call]?.observe?.(answer({ limits: [said] }), clock.now())
      }
      assert.equal(await limits.tryAcquire(cost, clock.now()), undefined)
      for (const stream of streams.slice(2))
        stream?.settle({ inputTokens: 1, outputTokens: 1_000 }, clock.now())
      await turn()
      assert.ok(await limits.tryAcquire(cost, clock.now()))
    }),

    on('is not paced by limits of a day of which much is left', async (clock) => {
      const limits = await open({ requestsPerMinute: 30 }, clock)
      for (let call = 0; call < 30; call++) {
        const lease = await limits.tryAcquire(small, clock.now())
        assert.ok(lease, `call ${call}`)
        const said = { name: 'requestsPerMinute', limit: 14_400, remaining: 14_000 - call } as const
        lease.observe?.(answer({ limits: [{ ...said, resetMs: (400 + call) * 6_000 }] }), clock.now())
        lease.settle(small, clock.now())
      }
      assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
    }),

    on(
      'waits for the next request of a day that is spent, and tests a pool without an end each minute',
      async (clock) => {
        for (const limit of [1_000, undefined]) {
          const limits = await open({ requestsPerMinute: 30 }, clock)
          const lease = await limits.tryAcquire(small, clock.now())
          const said = { name: 'requestsPerMinute', limit, remaining: 0, resetMs: 86_400_000 } as const
          lease?.observe?.(answer({ limits: [said] }), clock.now())
          assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
          const wait = limits.timeUntil(small, clock.now())
          const expected = limit === undefined ? 86_400_000 : 86_400
          assert.ok(Math.abs(wait - expected) < 2, `waits ${wait} ms`)
          await clock.advance(60_001)
          const probe = await limits.tryAcquire(small, clock.now())
          assert.ok(probe)
          assert.equal(await limits.tryAcquire(small, clock.now()), undefined)
          probe.observe?.(answer({}), clock.now())
          await turn()
          assert.ok(await limits.tryAcquire(small, clock.now()))
        }
      },
    ),

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
