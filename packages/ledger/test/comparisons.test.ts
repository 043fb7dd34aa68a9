import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ChangeRow,
  type ComparisonRow,
  type Entry,
  type LedgerStore,
  openLedgerStore,
} from '../src/index.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'

const hour = 3_600_000
const begin = Date.UTC(2026, 10, 20)
const folder = mkdtempSync(join(tmpdir(), 'spillway-comparisons-'))
const postgres: PrivatePostgres | undefined = await privatePostgres()
afterAll(async () => {
  await postgres?.close()
  rmSync(folder, { recursive: true })
})

const failed = (n: number): boolean => n % 10 === 0
/** 300 comparisons over five hours, of which each tenth candidate fails; half as many of another pair. */
const rows: ComparisonRow[] = Array.from({ length: 300 }, (_, n) => ({
  id: `comparison-${n}`,
  call_id: `call-${n}`,
  started_at: begin + n * 60_000,
  from_target: 'claude',
  to_target: n % 3 === 0 ? 'other' : 'candidate',
  model_asked: 'claude-opus-5',
  similarity: failed(n) ? null : (n % 5) / 5,
  primary_failure: null,
  primary_ttft_ms: 100 + n,
  primary_total_ms: 1000 + n,
  primary_output_tokens: 10,
  primary_cost_nano: 900_000_000_000_000,
  candidate_failure: failed(n) ? 'timeout' : null,
  candidate_ttft_ms: failed(n) ? null : 200 + n,
  candidate_total_ms: failed(n) ? 5 : 2000 + n,
  candidate_output_tokens: failed(n) ? 0 : 7,
  candidate_cost_nano: null,
}))
const changeRows: ChangeRow[] = Array.from({ length: 30 }, (_, n) => ({
  ...{ id: `change-${String(n).padStart(2, '0')}`, started_at: begin + Math.floor(n / 2) * 600_000 },
  ...{ kind: 'circuit', target: 'claude', endpoint: '1', subject: 'claude-opus-5' },
  ...(n % 2 === 0 ? { was: 'closed', became: 'open' } : { was: 'open', became: 'closed' }),
  ...{ reason: 'failure_rate', until: n % 2 === 0 ? begin + n : null },
}))
const entries: Entry[] = [
  ...rows.map((row) => ({ table: 'comparisons', row }) as const),
  ...changeRows.map((row) => ({ table: 'changes', row }) as const),
]

describe.each([
  { name: 'SQLite', url: `sqlite:${join(folder, 'ledger.db')}` },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', url: postgres.url }]),
])('comparisons and changes in $name', ({ url }) => {
  let store: LedgerStore
  beforeAll(async () => {
    store = openLedgerStore(url)
    // Twice, as after a write whose answer was lost.
    expect(await store.write(entries)).toBe(330)
    expect(await store.write(entries)).toBe(0)
  })
  afterAll(() => store.close())

  it.each([
    ['all of it', { from: begin, to: begin + 5 * hour }],
    ['an hour', { from: begin + hour, to: begin + 2 * hour }],
    ['nothing', { from: begin - 5 * hour, to: begin }],
  ])('are summed up over %s, each side by itself', async (_, range) => {
    const found = await store.comparisons(range)
    const of = (to: string): ComparisonRow[] =>
      rows.filter(
        ({ to_target, started_at }) => to_target === to && started_at >= range.from && started_at < range.to,
      )
    const pairs = ['candidate', 'other'].filter((to) => of(to).length > 0)
    expect(found.map(({ from, to }) => [from, to])).toEqual(pairs.map((to) => ['claude', to]))
    for (const { to, comparisons, primary, candidate, similarity, newest } of found) {
      const own = of(to)
      const alike = own.flatMap((row) => row.similarity ?? [])
      expect(comparisons).toBe(own.length)
      expect(similarity).toBeCloseTo(alike.reduce((sum, each) => sum + each, 0) / alike.length, 5)
      expect(primary).toMatchObject({
        ...{ failures: 0, outputTokens: own.length * 10 },
        // More than a number can tell exactly.
        costNano: String(900_000_000_000_000n * BigInt(own.length)),
      })
      expect(candidate).toMatchObject({
        failures: own.filter(({ candidate_failure }) => candidate_failure !== null).length,
        outputTokens: alike.length * 7,
        costNano: null,
      })
      const times = own.filter(({ candidate_failure }) => candidate_failure === null)
      const median = times.map((row) => row.candidate_total_ms).sort((a, b) => a - b)
      const exact = median[Math.ceil(median.length / 2) - 1] ?? 0
      expect(Math.abs((candidate.total.p50 ?? 0) / exact - 1)).toBeLessThan(0.05)
      const last = own.at(-1)
      expect(newest).toHaveLength(Math.min(20, own.length))
      expect(newest[0]).toEqual({
        ...{ callId: last?.call_id, at: last?.started_at, model: 'claude-opus-5' },
        ...{ similarity: last?.similarity, candidateFailure: last?.candidate_failure },
        ...{ primaryMs: last?.primary_total_ms, candidateMs: last?.candidate_total_ms },
      })
    }
  })

  it('are read newest first, as many as are asked for, of a range', async () => {
    const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }
    const newest = changeRows.toReversed()
    expect(await store.changes(ever, 1000)).toEqual(newest)
    expect(await store.changes(ever, 3)).toEqual(newest.slice(0, 3))
    const range = { from: begin + 600_000, to: begin + 1_200_000 }
    expect(await store.changes(range, 10)).toEqual([changeRows[3], changeRows[2]])
    await expect(store.changes(ever, 1001)).rejects.toThrow(RangeError)
  })

  it('go with the calls of their time, and sums outlive them', async () => {
    while ((await store.pruneCalls({ before: begin + hour }, 50)) > 0);
    const early = { from: begin, to: begin + hour }
    expect(await store.changes(early, 100)).toEqual([])
    const [candidate] = await store.comparisons(early)
    expect(candidate).toMatchObject({ to: 'candidate', comparisons: 40, newest: [] })
    while ((await store.pruneSums({ before: begin + 24 * hour })) > 0);
    expect(await store.comparisons(early)).toEqual([])
  })
})
