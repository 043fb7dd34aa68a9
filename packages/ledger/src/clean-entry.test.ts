import { expect, it } from 'vitest'
import { cleanEntry } from './clean-entry.ts'
import type { CallRow } from './rows.ts'

const row: CallRow = {
  ...{ id: 'a', call_id: 'a', started_at: 1, tenant: 'acme', api: 'anthropic', operation: 'generate' },
  ...{ model_asked: 'claude', model_answered: null, target: 'claude', attempts: 1, failure: null },
  ...{ status: 200, stop_reason: null, ttft_ms: 1.5, total_ms: 2.25 },
}
const clean = (changes: Partial<Record<keyof CallRow, unknown>>): CallRow =>
  cleanEntry({ table: 'calls', row: { ...row, ...changes } as CallRow }).row

it('leaves a usual row as it is', () => {
  const entry = { table: 'calls', row } as const
  expect(cleanEntry(entry)).toBe(entry)
})

it.each([
  ['m'.repeat(3000), 'm'.repeat(256)],
  ['a\0b', 'a\ufffdb'],
  ['a\ud800b', 'a\ufffdb'],
  [`${'m'.repeat(255)}\u{1f600}`, `${'m'.repeat(255)}\ufffd`],
])('cuts and cleans a text: %#', (text, expected) => {
  expect(clean({ model_asked: text }).model_asked).toBe(expected)
})

it('bounds the bytes of a text, for indexes over several of them', () => {
  const { tenant } = clean({ tenant: '\u{1f600}'.repeat(300) })
  expect(Buffer.byteLength(tenant ?? '')).toBeLessThanOrEqual(768)
  expect(tenant?.isWellFormed()).toBe(true)
})

it.each([
  [12.5, 13],
  [1e30, 1e9],
  [-3, 0],
  [Number.NaN, 0],
  [Infinity, 1e9],
  ['7', 0],
])('makes a count of %s', (value, expected) => {
  expect(clean({ attempts: value }).attempts).toBe(expected)
})

it('keeps parts of milliseconds, and no number that is none', () => {
  expect(clean({}).ttft_ms).toBe(1.5)
  expect(clean({ total_ms: Number.NaN }).total_ms).toBe(0)
  expect(clean({ total_ms: Infinity }).total_ms).toBe(8.64e15)
})
