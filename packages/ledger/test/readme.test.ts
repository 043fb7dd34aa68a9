import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { ledgerDefaults } from '../src/ledger.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that books a call', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  const example = readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8')
  expect(shown).toBe(example)

  const folder = mkdtempSync(join(tmpdir(), 'spillway-ledger-'))
  await using claude = await startClaude()
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  // The example writes into the current folder; this one is the test's own.
  vi.doMock('@spillway/ledger', async (load) => {
    const ledger = await load<typeof import('../src/index.ts')>()
    return {
      ...ledger,
      openLedgerStore: (url: string) => ledger.openLedgerStore(url.replace(':', `:${folder}/`)),
      createLedger: (options: Parameters<typeof ledger.createLedger>[0]) =>
        ledger.createLedger({ ...options, journal: join(folder, options.journal ?? '') }),
    }
  })
  const { bookedFetch, ledger, store } = await import('./readme-example.ts')
  const response = await bookedFetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-opus-5',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  })
  expect(response.status).toBe(200)
  await ledger.close()
  const [totals] = await store.totals('model', { from: 0, to: Date.now() + 1000 })
  expect(totals).toMatchObject({ key: 'claude-opus-5', attempts: 1, unpriced: 0 })
  expect(Number(totals?.costNano)).toBeGreaterThan(0)
  await store.close()
  rmSync(folder, { recursive: true })
  vi.unstubAllGlobals()
})

it('lists the defaults as they are', () => {
  const listed = [...readme.matchAll(/^\| `(\w+)`\s*\| `(\d+)`\s*\|/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ])
  expect(Object.fromEntries(listed)).toEqual(ledgerDefaults)
})
