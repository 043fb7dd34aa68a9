import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuditRow, canonicalJson, genesis, hashOf } from './audit-chain.ts'
import { exportAudit } from './export-audit.ts'
import { type LedgerStore, openLedgerStore } from './store.ts'
import { verifyAudit } from './verify-audit.ts'

let folder: string
let store: LedgerStore
let intruder: DatabaseSync
const entries = Array.from({ length: 10 }, (_, n) => ({
  id: `e${n}`,
  at: n,
  actor: 'acme',
  action: 'call',
  details: { from: '127.0.0.1', outcome: 'ok' },
}))
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-audit-'))
  store = openLedgerStore(`sqlite:${join(folder, 'audit.db')}`)
  await store.audit.append(entries)
  intruder = new DatabaseSync(join(folder, 'audit.db'))
})
afterEach(async () => {
  intruder.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

/** Makes the rows those of an older Spillway, whose hashes cover the entry and the row before alone. */
function becomeVersion1(): void {
  intruder.exec('drop trigger audit_version')
  let prev = genesis
  for (const [n, entry] of entries.entries()) {
    const text = canonicalJson(entry)
    const hash = createHash('sha256').update(`${prev}\n${text}`).digest('hex')
    intruder.prepare('update audit set version = 1, prev = ?, hash = ? where seq = ?').run(prev, hash, n + 1)
    prev = hash
  }
  intruder.prepare("update audit_marks set hash = ? where name = 'head'").run(prev)
}

const altered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ seq: from + n, kind: 'altered' }))

describe.each([1, 2])('a log of version %i', (version) => {
  beforeEach(() => {
    if (version === 1) becomeVersion1()
  })
  // The hash of version 2 covers the number of a row too, so that a row in another place is altered as well.
  const moved = (...problems: { seq: number; kind: string }[]) => (version === 2 ? problems : [])

  it.each([
    [
      'an altered entry',
      "update audit set entry = replace(entry, 'ok', 'no') where seq = 4",
      [{ seq: 4, kind: 'altered' }],
    ],
    [
      'an altered time, by which retention would remove the row',
      'update audit set at = -5 where seq = 4',
      altered(4, 4),
    ],
    ['an altered id', "update audit set id = 'other' where seq = 4", altered(4, 4)],
    ['a missing row', 'delete from audit where seq = 4', [{ seq: 5, kind: 'missing' }]],
    [
      'a missing row whose gap was closed',
      'delete from audit where seq = 4; update audit set seq = seq - 1 where seq > 4',
      [{ seq: 4, kind: 'missing' }, ...moved(...altered(4, 9)), { seq: 10, kind: 'missing' }],
    ],
    ['a missing end', 'delete from audit where seq > 8', [{ seq: 10, kind: 'missing' }]],
    ['a missing beginning', 'delete from audit where seq < 3', [{ seq: 3, kind: 'missing' }]],
    [
      'rows that changed places',
      'update audit set seq = -4 where seq = 4; update audit set seq = 4 where seq = 6; update audit set seq = 6 where seq = -4',
      [
        ...[4, 5, 6, 7].map((seq) => ({ seq, kind: 'reordered' })),
        ...moved({ seq: 4, kind: 'altered' }, { seq: 6, kind: 'altered' }),
      ],
    ],
    [
      'a pruned beginning that nobody signed',
      "insert into audit_marks (name, seq, hash) select 'anchor', seq, hash from audit where seq = 3; delete from audit where seq <= 3",
      [{ seq: 3, kind: 'unsigned' }],
    ],
    [
      'a beginning whose anchor was moved',
      "insert into audit_marks (name, seq, hash) select 'anchor', seq, hash from audit where seq = 3",
      [
        { seq: 1, kind: 'missing' },
        { seq: 3, kind: 'unsigned' },
      ],
    ],
  ])('shows %s', async (_name, statement, problems) => {
    expect((await verifyAudit(store.audit)).problems).toEqual([])
    intruder.exec(statement)
    const found = (await verifyAudit(store.audit)).problems
    const order = (list: readonly { seq: number; kind: string }[]) =>
      [...list].sort((a, b) => a.seq - b.seq || a.kind.localeCompare(b.kind))
    expect(order(found)).toEqual(order(problems))
  })

  it.each([
    'update audit set at = -5',
    'update audit set entry = replace(entry, \'"at":\', \'"at":-\') where seq = 2',
    "update audit set id = id || 'x' where seq = 1",
    'delete from audit where seq = 3',
    "update audit_marks set seq = 1, hash = 'x' where name = 'anchor'",
  ])('is not pruned where it is not what it was: %s', async (statement) => {
    await store.audit.append([{ ...entries[0], id: 'last' } as (typeof entries)[number]])
    intruder.exec(
      "insert into audit_marks (name, seq, hash) values ('anchor', 0, '0') on conflict do nothing",
    )
    intruder.prepare("update audit_marks set hash = ? where name = 'anchor'").run(genesis)
    intruder.exec(statement)
    const before = intruder.prepare('select * from audit').all()
    const by = { id: 'p', at: 99, actor: 'retention' }
    await expect(store.audit.prune(5, by)).rejects.toMatchObject({
      code: 'SPILLWAY_AUDIT_REFUSED',
      message: expect.stringMatching(
        /^nothing was removed from the audit log: row \d+ (is missing|was altered)/,
      ),
    })
    expect(intruder.prepare('select * from audit').all()).toEqual(before)
  })
})

it('goes on from rows of version 1 with rows of version 2, and finds older ones behind them', async () => {
  becomeVersion1()
  await store.audit.append([{ ...entries[0], id: 'new' } as (typeof entries)[number]])
  expect(await store.audit.read(9, 5)).toMatchObject([{ version: 1 }, { version: 2, id: 'new' }])
  expect(await verifyAudit(store.audit)).toMatchObject({ rows: 11, problems: [] })
  const { hash: prev } = await store.audit.head()
  const entry = canonicalJson({ ...entries[0], id: 'forged' })
  const row = { seq: 12, id: 'forged', at: 0, version: 1, key_id: null, entry, prev }
  const hash = hashOf(row) as string
  intruder
    .prepare('insert into audit (seq, id, at, version, entry, prev, hash) values (12, ?, 0, 1, ?, ?, ?)')
    .run(row.id, entry, prev, hash)
  intruder.prepare("update audit_marks set seq = 12, hash = ? where name = 'head'").run(hash)
  expect((await verifyAudit(store.audit)).problems).toEqual([{ seq: 12, kind: 'downgraded' }])
})

it('takes no rows from an older Spillway, which would look like an attack', () => {
  expect(() =>
    intruder.exec("insert into audit (seq, id, at, entry, prev, hash) values (11, 'x', 0, '{}', '', '')"),
  ).toThrow('this audit log is of a newer version: update Spillway')
})

it('is exported as JSON Lines', async () => {
  const lines: string[] = []
  for await (const line of exportAudit(store.audit)) lines.push(line)
  expect(lines).toHaveLength(10)
  expect(JSON.parse(lines[3] as string)).toMatchObject({ seq: 4, entry: { id: 'e3', actor: 'acme' } })
})

it('can be checked by anyone from what is exported, as the README says', async () => {
  let prev = genesis
  for await (const line of exportAudit(store.audit)) {
    const row = JSON.parse(line) as AuditRow & { key: string | null }
    const entry = line.slice(line.indexOf('"entry":') + '"entry":'.length, -2)
    const { id, at } = JSON.parse(entry) as { id: string; at: number }
    const covered = JSON.stringify(['spillway-audit/2', row.seq, id, at, row.key, prev, entry])
    expect(row.hash).toBe(createHash('sha256').update(covered).digest('hex'))
    prev = row.hash
  }
})

/** As rows have been written since there is a log. */
const written = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

it('writes an entry as it was always written', () => {
  const odd = { 10: 1, 9: 2, b: undefined, a: [undefined, { z: 1, y: new Date(0) }], n: null, f: () => {} }
  expect(canonicalJson(odd)).toBe(written(odd))
  const proto = JSON.parse('{"__proto__":{"b":1,"a":2},"a":1}') as unknown
  expect(canonicalJson(proto)).toBe(written(proto))
  fc.assert(
    fc.property(fc.object(), (value) => {
      expect(canonicalJson(value)).toBe(written(value))
    }),
  )
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
