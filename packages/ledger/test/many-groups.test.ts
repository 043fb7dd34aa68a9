import { afterAll, expect, it } from 'vitest'
import { type AttemptRow, type Entry, openLedgerStore } from '../src/index.ts'

const at = Date.UTC(2026, 9, 30)
const tenants = 20_000
const store = openLedgerStore('sqlite::memory:')
afterAll(() => store.close())

function attemptOf(n: number): Entry {
  const row: AttemptRow = {
    ...{
      id: `a-${n}`,
      call_id: `c-${n}`,
      call_row: `c-${n}`,
      attempt: 1,
      role: 'primary' as const,
      started_at: at,
    },
    ...{ tenant: `tenant-${n}`, target: 'claude', endpoint: null, provider: 'anthropic' },
    ...{ model_asked: `model-${n}`, model_answered: null, input_tokens: n, output_tokens: 1 },
    ...{ cache_read_tokens: 0, cache_write_tokens: 0, reasoning_tokens: 0, estimated: 0, cost_nano: n },
    ...{ failure: null, status: null, stop_reason: null, ttft_ms: 1, total_ms: 2 },
  }
  return { table: 'attempts', row }
}

it('of 20,000 invented tenants or models, the largest are listed, and the others are one exact sum', async () => {
  for (let n = 0; n < tenants; n += 2000)
    await store.write(Array.from({ length: 2000 }, (_, index) => attemptOf(n + index)))
  const range = { from: at, to: at + 60_000 }
  for (const by of ['tenant', 'model'] as const) {
    const { rows, other } = await store.largestTotals(by, range, 100)
    expect(rows.map(({ key }) => key)).toEqual(
      Array.from({ length: 100 }, (_, index) => `${by}-${tenants - 100 + index}`).sort(),
    )
    expect(other).toMatchObject({ groups: 19_900, attempts: 19_900, costNano: String((19_900 * 19_899) / 2) })
    const all = await store.summary(range)
    const sum = rows.reduce((total, { costNano }) => total + BigInt(costNano), BigInt(other?.costNano ?? 0))
    expect(String(sum)).toBe(all.costNano)
  }
}, 60_000)

it('beyond a bound, invented tenants and models are one group, and the sum of all is exact', async () => {
  const bounded = openLedgerStore('sqlite::memory:', { maxNames: 50 })
  await bounded.write(Array.from({ length: 500 }, (_, n) => attemptOf(n)))
  await bounded.write(Array.from({ length: 500 }, (_, n) => attemptOf(1000 + n)))
  const range = { from: at, to: at + 60_000 }
  for (const by of ['tenant', 'model'] as const) {
    const rows = await bounded.totals(by, range)
    expect(rows).toHaveLength(51)
    expect(rows.find(({ key }) => key === '_OTHER')).toMatchObject({ attempts: 950 })
    expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(1000)
  }
  await bounded.close()
})

it('a limit that holds all groups leaves no others, and gives what all totals are', async () => {
  const range = { from: 0, to: at + 60_000 }
  for (const by of ['role', 'target', 'day'] as const)
    expect(await store.largestTotals(by, range, 100)).toEqual({
      rows: await store.totals(by, range),
      other: undefined,
    })
  await expect(store.largestTotals('day', range, 1001)).rejects.toThrow('1 to 1000')
})
