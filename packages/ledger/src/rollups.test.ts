import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type RollupRow, rollUp, rollupTables } from './rollups.ts'
import type { AttemptRow, CallRow, Entry } from './rows.ts'

const hour = 3_600_000
const name = fc.constantFrom('a', 'a","a', '')
const optional = fc.option(name)
/** Few, so that entries share their minutes, hours and days. */
const time = fc.constantFrom(0, 59_999, 60_000, hour - 1, hour, 24 * hour - 1, 24 * hour)
const count = fc.nat(1000)
const ms = fc.double({ min: 0, max: 2000, noNaN: true })
const failure = fc.option(fc.constantFrom('timeout', 'cancelled'))

const callFields = {
  started_at: time,
  tenant: optional,
  model_asked: name,
  target: optional,
  failure,
  status: fc.option(fc.constantFrom(200, 529)),
  ttft_ms: fc.option(ms),
  total_ms: ms,
  fallback_from: optional,
  fallback_to: fc.option(name),
  fallback_reason: optional,
  session: optional,
}

const attemptFields = {
  started_at: time,
  tenant: optional,
  model_asked: name,
  target: optional,
  role: fc.constantFrom('primary', 'retry', 'mirror'),
  failure,
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  reasoning_tokens: count,
  estimated: fc.nat(1),
  cost_nano: fc.option(count),
  session: optional,
}

/** A row, and others that differ from it in a field: most of a batch are alike. */
function alike<Row>(fields: { [K in keyof Row]: fc.Arbitrary<Row[K]> }): fc.Arbitrary<Row[]> {
  const names = Object.keys(fields) as (keyof Row)[]
  const change = fc
    .constantFrom(...names)
    .chain((field) => fields[field].map((value) => ({ [field]: value }) as Partial<Row>))
  return fc
    .tuple(fc.record(fields), fc.array(change, { maxLength: 20, size: 'max' }))
    .map(([row, changes]) => [row, ...changes.map((each) => ({ ...row, ...each }))])
}

const calls: fc.Arbitrary<Entry[]> = alike(callFields).map((rows) =>
  rows.map((row) => ({ table: 'calls', row: row as unknown as CallRow })),
)
const attempts: fc.Arbitrary<Entry[]> = alike(attemptFields).map((rows) =>
  rows.map((row) => ({ table: 'attempts', row: row as unknown as AttemptRow })),
)

/** Sums by table and keys. */
function summedUp(batches: readonly (readonly Entry[])[]): Map<string, Record<string, number>> {
  const all = new Map<string, Record<string, number>>()
  for (const batch of batches) {
    for (const [table, rows] of rollUp(batch)) {
      const { sums } = rollupTables[table]
      const keys = ['grain', 'at', ...Object.keys(rollupTables[table].keys)]
      for (const row of rows as readonly RollupRow[]) {
        const place = JSON.stringify([table, ...keys.map((key) => row[key])])
        const found = all.get(place) ?? {}
        for (const sum of sums) found[sum] = (found[sum] ?? 0) + (row[sum] as number)
        all.set(place, found)
      }
    }
  }
  return all
}

it('a batch adds what its entries add one by one, however they are grouped', () => {
  fc.assert(
    fc.property(calls, attempts, (someCalls, someAttempts) => {
      const entries = [...someCalls, ...someAttempts]
      expect(summedUp([entries])).toEqual(summedUp(entries.map((entry) => [entry])))
    }),
    { numRuns: 200 },
  )
})

it('gives rows in the order of their keys, each once', () => {
  fc.assert(
    fc.property(calls, (entries) => {
      for (const [table, rows] of rollUp(entries)) {
        const keys = ['grain', 'at', ...Object.keys(rollupTables[table].keys)]
        const places = (rows as readonly RollupRow[]).map((row) =>
          JSON.stringify([table, ...keys.map((key) => row[key])]),
        )
        expect(places).toEqual([...new Set(places)].sort())
      }
    }),
    { numRuns: 50 },
  )
})
