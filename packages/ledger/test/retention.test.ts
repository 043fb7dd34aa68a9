import {
  type AttemptRow,
  type CallRow,
  createAuditTrail,
  type Entry,
  type LedgerStore,
  openLedgerStore,
  startRetention,
  verifyAudit,
} from '@spillway/ledger'
import { systemClock } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'

const postgres: PrivatePostgres | undefined = await privatePostgres()
afterAll(() => postgres?.close())

const day = 86_400_000
const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }

/** A call with two attempts. */
function callOf(number: number, at: number): Entry[] {
  const id = `r${String(number).padStart(6, '0')}`
  const row = { call_id: id, started_at: at, tenant: 'acme', target: 'claude', model_asked: 'claude-opus-5' }
  const call = { ...row, id, api: 'anthropic', operation: 'generate', failure: null, attempts: 2, stream: 0 }
  const attempts = ['retry', 'primary'].map((role, index) => ({
    ...row,
    id: `${id}-${index}`,
    call_row: id,
    attempt: index,
    role,
    provider: 'anthropic',
    input_tokens: 10,
    output_tokens: 1,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    estimated: 0,
    cost_nano: 5,
    failure: null,
    ttft_ms: null,
    total_ms: 1,
  }))
  return [
    { table: 'calls', row: { ...call, ttft_ms: null, total_ms: 2 } as unknown as CallRow },
    ...attempts.map((each) => ({ table: 'attempts' as const, row: each as unknown as AttemptRow })),
  ]
}

describe.each([
  { name: 'SQLite', url: 'sqlite::memory:' },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', url: postgres.url }]),
])('a retention in $name', ({ url }) => {
  const now = Date.now()
  let store: LedgerStore
  beforeEach(() => {
    store = openLedgerStore(url)
  })
  afterEach(async () => {
    const all = startRetention({ store, calls: 0, sums: 0 })
    await store.write(callOf(999_999, 0))
    await all.run()
    await all.close()
    await store.close()
  })

  const kept = async (): Promise<number> => {
    let count = 0
    let before: string | undefined
    do {
      const page = await store.calls({ limit: 1000, ...(before !== undefined && { before }) })
      count += page.calls.length
      before = page.next
    } while (before !== undefined)
    return count
  }

  it('removes calls and their attempts when they are old, and keeps the sums', async () => {
    const old = Array.from({ length: 1200 }, (_, n) => callOf(n, now - 10 * day + n)).flat()
    const young = Array.from({ length: 30 }, (_, n) => callOf(2000 + n, now - n * 1000)).flat()
    await store.write([...old, ...young])
    const retention = startRetention({ store, calls: 9 * day })
    expect(await retention.run()).toEqual({ calls: 3600, sums: 0, audit: 0 })
    expect(await retention.run()).toEqual({ calls: 0, sums: 0, audit: 0 })
    await retention.close()
    expect(await kept()).toBe(30)
    expect(await store.countCalls(ever)).toBe(1230)
    expect(await store.summary(ever)).toMatchObject({ calls: 1230, tokens: { input: 24_600 } })
  })

  it('keeps the newest calls only, where there is a bound', async () => {
    await store.write(Array.from({ length: 50 }, (_, n) => callOf(n, now - n * 1000)).flat())
    const retention = startRetention({ store, maxCalls: 20 })
    expect(await retention.run()).toMatchObject({ calls: 90 })
    await retention.close()
    const { calls } = await store.calls({ limit: 100 })
    expect(calls.map(({ callId }) => callId)).toEqual(
      Array.from({ length: 20 }, (_, n) => `r${String(n).padStart(6, '0')}`),
    )
  })

  it('keeps the newest calls, neither more nor fewer, while others come', async () => {
    let came = 0
    const come = (count: number): Promise<number> =>
      store.write(Array.from({ length: count }, () => callOf(came, now + came++)).flat())
    await come(400)
    for (const more of [150, 0, 100, 0, 1, 0, 0]) {
      const wasThere = await kept()
      const removed = await store.pruneCalls({ keep: 100 }, 90)
      // Each call has two attempts, of which as many go.
      expect(wasThere - (await kept())).toBeLessThanOrEqual(90)
      expect(removed).toBeLessThanOrEqual(180)
      await come(more)
    }
    while ((await store.pruneCalls({ keep: 100 }, 90)) > 0) expect(await kept()).toBeGreaterThanOrEqual(100)
    const { calls } = await store.calls({ limit: 1000 })
    expect(calls.map(({ id }) => id)).toEqual(
      Array.from({ length: 100 }, (_, n) => `r${String(came - 1 - n).padStart(6, '0')}`),
    )
    expect(await store.pruneCalls({ keep: 200 }, 90)).toBe(0)
    await come(1)
    expect(await store.pruneCalls({ keep: 50, before: now }, 1000)).toBeGreaterThan(0)
    expect(await kept()).toBe(50)
  })

  it('removes the sums of minutes, hours and days that are over', async () => {
    // The sums of a day that is not over stay from test to test in PostgreSQL.
    const there = await store.countCalls(ever)
    const times = [now - 100 * day, now - 40 * day, now - 10 * day, now]
    await store.write(times.flatMap((at, n) => callOf(n, at)))
    const retention = startRetention({ store, sums: 30 * day })
    const { sums } = await retention.run()
    expect(sums).toBeGreaterThan(0)
    expect(await retention.run()).toMatchObject({ sums: 0 })
    await retention.close()
    expect(await store.countCalls(ever)).toBe(there + 2)
    expect(await store.countCalls({ from: now - 11 * day, to: now + day })).toBe(there + 2)
    expect(await kept()).toBe(4)
  })

  it('keeps sums by the hour where those by the minute are over, or too many', async () => {
    const hour = 3_600_000
    const old = Math.floor((now - 4 * day) / hour) * hour
    const recent = Math.floor((now - day) / hour) * hour
    const byMinute = async (from: number): Promise<number> => {
      let calls = 0
      for (let n = 0; n < 5; n++)
        calls += await store.countCalls({ from: from + n * 60_000, to: from + (n + 1) * 60_000 })
      return calls
    }
    const there = await store.countCalls({ from: old, to: old + hour })
    for (const [index, from] of [old, recent].entries())
      await store.write(
        Array.from({ length: 5 }, (_, n) => callOf(500_000 + index * 10 + n, from + n * 60_000)).flat(),
      )
    expect(await byMinute(old)).toBe(5)
    const aged = startRetention({ store, minutes: 2 * day })
    await aged.run()
    await aged.close()
    expect([await byMinute(old), await byMinute(recent)]).toEqual([0, 5])
    const few = startRetention({ store, maxSums: 3 })
    await few.run()
    await few.close()
    expect(await byMinute(recent)).toBeLessThanOrEqual(3)
    expect(await store.countCalls({ from: recent, to: recent + hour })).toBe(5)
    // Of hours there are two, or three with those of other tests.
    if (url.startsWith('sqlite'))
      expect(await store.countCalls({ from: old, to: old + hour })).toBe(there + 5)
  })

  it('prunes the audit log, which still verifies, and says so in it', async () => {
    for (const clock of [{ ...systemClock, epoch: () => now - 50 * day }, systemClock]) {
      const trail = createAuditTrail({ log: store.audit, clock })
      for (let n = 0; n < 20; n++) trail.record({ actor: 'acme', action: 'call', details: { n } })
      await trail.close()
    }
    const before = await verifyAudit(store.audit)
    const retention = startRetention({ store, audit: 30 * day })
    const { audit } = await retention.run()
    expect(audit).toBe(20)
    await retention.close()
    const after = await verifyAudit(store.audit, { head: before.head })
    expect(after).toMatchObject({ rows: before.rows - 20 + 1, problems: [] })
    const rows = await store.audit.read(0, 1000)
    expect(JSON.parse(rows.at(-1)?.entry ?? '')).toMatchObject({ actor: 'retention', action: 'audit.pruned' })
  })

  it('does its rounds by the clock, and outlives a database that is unavailable', async () => {
    const time = virtualClock()
    let isAway = true
    const pruneCalls = vi.fn(async (..._: Parameters<LedgerStore['pruneCalls']>) => {
      if (isAway) throw new Error('away')
      return 0
    })
    const retention = startRetention({
      store: { ...store, pruneCalls },
      calls: day,
      every: 1000,
      clock: time,
    })
    await time.advance(999)
    expect(pruneCalls).not.toHaveBeenCalled()
    await time.advance(1)
    isAway = false
    await time.advance(1000)
    expect(pruneCalls).toHaveBeenCalledTimes(2)
    expect(pruneCalls.mock.calls[1]?.[0].before).toBe(time.epoch() - day)
    await retention.close()
    expect(time.pending).toBe(0)
  })

  it('of two processes at once removes everything once', async () => {
    await store.write(Array.from({ length: 700 }, (_, n) => callOf(n, now - 10 * day + n)).flat())
    const other = url.startsWith('postgres') ? openLedgerStore(url) : store
    const both = [store, other].map((each) => startRetention({ store: each, calls: day }))
    const removed = await Promise.all(both.map((each) => each.run()))
    expect(removed.reduce((sum, { calls }) => sum + calls, 0)).toBe(2100)
    await Promise.all(both.map((each) => each.close()))
    if (other !== store) await other.close()
    expect(await kept()).toBe(0)
  })
})

it('refuses limits that make no sense', () => {
  const store = {} as LedgerStore
  expect(() => startRetention({ store, calls: -1 })).toThrow('retention.calls must be 0 or more, but is -1')
  expect(() => startRetention({ store, every: Number.NaN })).toThrow(RangeError)
})
