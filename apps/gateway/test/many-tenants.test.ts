import { join } from 'node:path'
import type { Summary, Usage } from '@spillway/gateway-api'
import { type Entry, openLedgerStore } from '@spillway/ledger'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { openBooks } from '../src/ledger/books.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { send } from './raw-client.ts'

const groups = 20_000

/** An attempt of an invented tenant that asked for an invented model, and that cost `n`. */
function attempt(n: number, startedAt: number): Entry {
  return {
    table: 'attempts',
    row: {
      id: `attempt-${n}`,
      call_id: `call-${n}`,
      attempt: 1,
      role: 'primary',
      started_at: startedAt,
      tenant: `tenant-${n}`,
      target: 'claude',
      endpoint: null,
      provider: 'anthropic',
      model_asked: `model-${n}`,
      model_answered: null,
      input_tokens: n,
      output_tokens: 1,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      reasoning_tokens: 0,
      estimated: 0,
      cost_nano: n,
      failure: null,
      status: null,
      stop_reason: null,
      ttft_ms: 1,
      total_ms: 2,
    },
  }
}

it('without storage, sums of invented tenants do not fill the memory', async () => {
  const books = openBooks(undefined)
  const now = Date.now()
  for (let n = 0; n < 4000; n += 2000)
    await books.store.write(Array.from({ length: 2000 }, (_, index) => attempt(n + index, now)))
  const rows = await books.store.totals('tenant', { from: 0, to: now + 60_000 })
  expect(rows).toHaveLength(1001)
  expect(rows.find(({ key }) => key === '_OTHER')?.attempts).toBe(3000)
  await books.close()
}, 20_000)

it('usage of 20,000 invented tenants or models is a short answer that adds up to the summary', async () => {
  const url = `sqlite:${join(temporaryFolder(), 'ledger.db')}`
  const store = openLedgerStore(url)
  const now = Date.now()
  for (let n = 0; n < groups; n += 2000)
    await store.write(Array.from({ length: 2000 }, (_, index) => attempt(n + index, now)))
  await store.close()
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url } }))
  const ask = async (path: string): Promise<string> => {
    const { status, text } = await send(`${gateway.url}${path}`, { method: 'GET' })
    expect(status, text.slice(0, 200)).toBe(200)
    return text
  }
  const summary: Summary = JSON.parse(await ask('/api/summary'))
  for (const [by, limit, query] of [
    ['tenant', 100, ''],
    ['model', 100, ''],
    ['tenant', 7, '&limit=7'],
  ] as const) {
    const text = await ask(`/api/usage?by=${by}${query}`)
    expect(text.length).toBeLessThan(100_000)
    const { rows, other }: Usage = JSON.parse(text)
    expect(rows).toHaveLength(limit)
    expect(other?.groups).toBe(groups - limit)
    const cost = rows.reduce((sum, { costNano }) => sum + BigInt(costNano), BigInt(other?.costNano ?? 0))
    expect(String(cost)).toBe(summary.costNano)
    expect(rows.reduce((sum, { tokens }) => sum + tokens.input, other?.tokens.input ?? 0)).toBe(
      summary.tokens.input,
    )
  }
}, 60_000)
