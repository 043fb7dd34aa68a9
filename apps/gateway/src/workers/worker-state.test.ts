import type { BudgetRule } from '@spillway/budgets'
import { createBudgets, isBudgetRefusal } from '@spillway/budgets'
import type { Admission, Lease } from '@spillway/rate-limit'
import { breakerStoreCases, type VirtualClock, virtualClock } from '@spillway/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { portPair, type TestPort } from '../../test/port-pair.ts'
import { openChannel } from './channel.ts'
import { createHub, type Hub } from './hub.ts'
import { openWorkerState } from './worker-state.ts'

/** On a machine with much else to do. */
const soon = 4_000

const small = { inputTokens: 10, outputTokens: 10 }

/** A primary whose time is that of its workers. */
function primary() {
  const clock = virtualClock()
  return { clock, hub: createHub({ clock }) }
}

function worker(hub: Hub, clock: VirtualClock, processes = 3) {
  const [here, there] = portPair()
  hub.serve(openChannel(there, { clock }))
  const log = vi.fn()
  const state = openWorkerState(openChannel(here, { clock }), { processes, log, clock, timeout: 250 })
  onTestFinished(() => state.close())
  return { state, log, port: here, primary: there }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Lets a primary that does not read appear to be slow: its answers come after the timeout. */
async function becomesSlow(
  { port, state }: { port: TestPort; state: ReturnType<typeof worker>['state'] },
  clock: VirtualClock,
) {
  port.isRead = false
  const asked = state.limits.open('to be late', { requestsPerMinute: 1 }).tryAcquire(small, clock.now())
  await turn()
  await clock.advance(250)
  await asked
  expect(state.limits.status).toBe('local')
}

describe('limits of several workers', () => {
  it('are exact, wherever calls come in', async () => {
    const { hub, clock } = primary()
    const limits = [1, 2, 3].map(() =>
      worker(hub, clock).state.limits.open('key', { requestsPerMinute: 100 }),
    )
    const asked = Array.from({ length: 500 }, (_, call) =>
      limits[call % 3]?.tryAcquire({ ...small, group: 'opus' }, clock.now()),
    )
    const leases = await Promise.all(asked)
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(100)
    expect(limits.map((each) => each.inFlight).reduce((sum, each) => sum + each)).toBe(100)
  })

  it('are heard of when one worker gives capacity back that another one waits for', async () => {
    const { hub, clock } = primary()
    const [one, other] = [worker(hub, clock), worker(hub, clock)].map(({ state }) =>
      state.limits.open('key', { concurrency: 1 }),
    ) as [Admission, Admission]
    const lease = (await one.tryAcquire(small, clock.now())) as Lease
    expect(await other.tryAcquire(small, clock.now())).toBeUndefined()
    const released = vi.fn()
    const stop = other.onRelease(released)
    await turn()
    await turn()
    lease.settle(small, clock.now())
    await vi.waitFor(() => expect(released).toHaveBeenCalledOnce(), soon)
    expect(await other.tryAcquire(small, clock.now())).toBeDefined()
    stop()
  })

  it('are given back at once by a worker that ends, but for what the vendor has counted', async () => {
    const { hub, clock } = primary()
    const [one, other] = [worker(hub, clock), worker(hub, clock)]
    const bounds = { concurrency: 2, requestsPerMinute: 3 }
    const [held, waiting] = [one, other].map(({ state }) => state.limits.open('key', bounds)) as [
      Admission,
      Admission,
    ]
    for (let call = 0; call < 2; call++) expect(await held.tryAcquire(small, clock.now())).toBeDefined()
    expect(await waiting.tryAcquire(small, clock.now())).toBeUndefined()
    const released = vi.fn()
    waiting.onRelease(released)
    await turn()
    await turn()
    one.port.cut()
    await vi.waitFor(() => expect(released).toHaveBeenCalled(), soon)
    expect(await waiting.tryAcquire(small, clock.now())).toBeDefined()
    expect(await waiting.tryAcquire(small, clock.now())).toBeUndefined()
    expect(waiting.headroom(clock.now())).toMatchObject({ requestsPerMinute: { used: 3 } })
  })

  it('that have been changed begin again, and the old ones are forgotten when they limit nobody', async () => {
    const { hub, clock } = primary()
    const { state } = worker(hub, clock)
    const before = state.limits.open('key', { requestsPerMinute: 1 })
    expect(await before.tryAcquire(small, clock.now())).toBeDefined()
    expect(await before.tryAcquire(small, clock.now())).toBeUndefined()
    before.close()
    const after = state.limits.open('key', { requestsPerMinute: 2 })
    expect(await after.tryAcquire(small, clock.now())).toBeDefined()
    expect(() => state.limits.open('key', { requestsPerMinute: 0 })).toThrow(RangeError)
  })

  describe('while the primary does not answer', () => {
    it(
      'are kept by each worker for its share of what was left, and counted when it is back',
      async () => {
        const { hub, clock } = primary()
        const [one, other] = [worker(hub, clock, 2), worker(hub, clock, 2)]
        const [here, there] = [one, other].map(({ state }) =>
          state.limits.open('key', { requestsPerMinute: 100 }),
        ) as [Admission, Admission]
        for (let call = 0; call < 40; call++) await here.tryAcquire(small, clock.now())
        await becomesSlow(one, clock)
        const alone = Array.from({ length: 50 }, () => here.tryAcquire(small, clock.now()))
        expect(alone.filter((lease) => lease !== undefined && !(lease instanceof Promise))).toHaveLength(30)
        expect(one.log).toHaveBeenLastCalledWith(expect.stringContaining('does not answer'))
        one.port.isRead = true
        await vi.waitFor(async () => {
          await clock.advance(250)
          expect(one.state.limits.status).toBe('shared')
        }, soon)
        expect(one.log).toHaveBeenLastCalledWith(expect.stringContaining('answers again'))
        const leases = []
        for (let call = 0; call < 40; call++) leases.push(await there.tryAcquire(small, clock.now()))
        expect(leases.filter((lease) => lease !== undefined)).toHaveLength(30)
      },
      soon,
    )

    it('cost one call the timeout, and nothing when the primary is gone', async () => {
      const { hub, clock } = primary()
      const { state, port } = worker(hub, clock, 2)
      const limits = state.limits.open('key', { requestsPerMinute: 10 })
      const asked = limits.tryAcquire(small, clock.now())
      port.cut()
      expect(await asked).toBeDefined()
      expect(state.limits.status).toBe('local')
      const alone = Array.from({ length: 10 }, () => limits.tryAcquire(small, clock.now()))
      expect(alone.filter((lease) => lease !== undefined)).toHaveLength(4)
    })
  })
})

describe('budgets of several workers', () => {
  const rule: BudgetRule = {
    ...{ id: 'all', scope: { type: 'all' }, unit: 'requests', period: 'day', amount: 10, hard: true },
  }
  const one = { requests: 1, tokens: 0, usd: 0 }
  const estimate = { expected: one, most: one }

  it('are exact, and what a worker had reserved is given back when it ends', async () => {
    const { hub, clock } = primary()
    const [first, second] = [worker(hub, clock), worker(hub, clock)]
    const engines = [first, second].map(({ state }) => createBudgets({ store: state.budgets }))
    const decisions = []
    for (let call = 0; call < 30; call++) decisions.push(await engines[call % 2]?.reserve([rule], estimate))
    const admitted = decisions.filter((each) => each !== undefined && !isBudgetRefusal(each))
    expect(admitted).toHaveLength(10)
    first?.port.cut()
    await vi.waitFor(async () => {
      const [state] = await (second?.state.budgets.read([{ name: 'all:requests:day', period: 'day' }]) ?? [])
      expect(state).toMatchObject({ used: 0, reserved: 5 })
    }, soon)
  })

  it('are shares while the primary does not answer; it learns what was used', async () => {
    const { hub, clock } = primary()
    const [first, second] = [worker(hub, clock, 2), worker(hub, clock, 2)] as const
    const meter = { name: 'all:requests:day', period: 'day' } as const
    const demand = { ...meter, limit: 10, expected: 1, most: 1 }
    await first.state.budgets.reserve('a', [demand])
    await first.state.budgets.settle('a', [1])
    await first.state.budgets.reserve('before', [demand])
    await becomesSlow(first, clock)
    const results = []
    for (let call = 0; call < 10; call++)
      results.push(await first.state.budgets.reserve(`alone ${call}`, [demand]))
    // Half of the eight that are left.
    expect(results.filter(({ refusedBy }) => refusedBy === undefined)).toHaveLength(4)
    for (let call = 0; call < 4; call++) await first.state.budgets.settle(`alone ${call}`, [1])
    await first.state.budgets.settle('before', [1])
    first.port.isRead = true
    await vi.waitFor(async () => {
      const [state] = await second.state.budgets.read([meter])
      expect(state).toMatchObject({ used: 6, reserved: 0 })
    }, soon)
  })
})

describe('openings of circuits of several workers', () => {
  const cases = breakerStoreCases(() => {
    const hub = createHub()
    const states = [1, 2].map(() => {
      const [here, there] = portPair()
      hub.serve(openChannel(there))
      return openWorkerState(openChannel(here), { processes: 2, log: () => {} })
    })
    return states.map(({ breakers }) => breakers) as never
  })
  for (const { name, run } of cases) it(name, run)
})

describe('texts of several workers', () => {
  it('what all agree on is what the first one has said', async () => {
    const { hub, clock } = primary()
    const heard = [vi.fn(), vi.fn()]
    const states = [worker(hub, clock), worker(hub, clock)].map(({ state }) => state)
    const known = states.map((state, index) => state.agree('key', `of ${index}`, heard[index] as never))
    expect(await Promise.all(known)).toEqual([true, true])
    expect(heard.map(({ mock }) => mock.calls)).toEqual([[], [['of 0']]])
  })

  it('those that expire are taken once, by whoever comes first', async () => {
    const { hub, clock } = primary()
    const [one, other] = [worker(hub, clock), worker(hub, clock)]
    await one?.state.expiring.set('code', 'text', 1_000)
    const taken = await Promise.all([one?.state.expiring.take('code'), other?.state.expiring.take('code')])
    expect(taken.filter((text) => text !== undefined)).toEqual(['text'])
    await one?.state.expiring.set('code', 'text', 1_000)
    expect(await other?.state.expiring.get('code')).toBe('text')
    await clock.advance(1_000)
    expect(await other?.state.expiring.get('code')).toBeUndefined()
  })

  it('are changed by one who has read them as they are', async () => {
    const { hub, clock } = primary()
    const [one, other] = [worker(hub, clock), worker(hub, clock)].map(({ state }) => state.text('board'))
    expect(await one?.read()).toEqual({ text: undefined, now: clock.epoch() })
    expect(await Promise.all([one?.replace(undefined, 'a'), other?.replace(undefined, 'b')])).toEqual([
      true,
      false,
    ])
    expect(await other?.replace('a', undefined)).toBe(true)
    expect((await one?.read())?.text).toBeUndefined()
  })
})
