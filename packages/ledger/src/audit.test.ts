import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { canonicalJson } from './audit-chain.ts'
import { type LedgerStore, openLedgerStore } from './store.ts'
import { exportAudit, verifyAudit } from './verify-audit.ts'

let folder: string
let store: LedgerStore
let intruder: DatabaseSync
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-audit-'))
  store = openLedgerStore(`sqlite:${join(folder, 'audit.db')}`)
  const entries = Array.from({ length: 10 }, (_, n) => ({
    id: `e${n}`,
    at: n,
    actor: 'acme',
    action: 'call',
    details: { from: '127.0.0.1', outcome: 'ok' },
  }))
  await store.audit.append(entries)
  intruder = new DatabaseSync(join(folder, 'audit.db'))
})
afterEach(async () => {
  intruder.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

it.each([
  [
    'an altered entry',
    "update audit set entry = replace(entry, 'ok', 'no') where seq = 4",
    [{ seq: 4, kind: 'altered' }],
  ],
  ['a missing row', 'delete from audit where seq = 4', [{ seq: 5, kind: 'missing' }]],
  [
    'a missing row whose gap was closed',
    'delete from audit where seq = 4; update audit set seq = seq - 1 where seq > 4',
    [
      { seq: 4, kind: 'missing' },
      { seq: 10, kind: 'missing' },
    ],
  ],
  ['a missing end', 'delete from audit where seq > 8', [{ seq: 10, kind: 'missing' }]],
  ['a missing beginning', 'delete from audit where seq < 3', [{ seq: 3, kind: 'missing' }]],
  [
    'rows that changed places',
    'update audit set seq = -4 where seq = 4; update audit set seq = 4 where seq = 6; update audit set seq = 6 where seq = -4',
    [4, 5, 6, 7].map((seq) => ({ seq, kind: 'reordered' })),
  ],
  [
    'a pruned beginning that nobody signed',
    "insert into audit_marks select 'anchor', seq, hash from audit where seq = 3; delete from audit where seq <= 3",
    [{ seq: 3, kind: 'unsigned' }],
  ],
])('finds %s', async (_name, statement, problems) => {
  expect((await verifyAudit(store.audit)).problems).toEqual([])
  intruder.exec(statement)
  expect((await verifyAudit(store.audit)).problems).toEqual(problems)
})

it('is exported as JSON Lines', async () => {
  const lines: string[] = []
  for await (const line of exportAudit(store.audit)) lines.push(line)
  expect(lines).toHaveLength(10)
  expect(JSON.parse(lines[3] as string)).toMatchObject({ seq: 4, entry: { id: 'e3', actor: 'acme' } })
})

it('writes the same entry as the same text, whatever the order of its keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse())
      expect(canonicalJson(turned)).toBe(canonicalJson(value))
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
