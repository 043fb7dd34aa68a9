import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chained, genesis, writtenEntry } from '../src/audit-chain.ts'
import { auditSigners } from '../src/audit-keys.ts'
import {
  type AuditEntry,
  type AuditMark,
  type LedgerStore,
  openLedgerStore,
  startRetention,
  verifyAudit,
} from '../src/index.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'
import { openTestDatabase, type TestDatabase } from './test-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'spillway-audit-keys-'))
const postgres: PrivatePostgres | undefined = await privatePostgres()
afterAll(async () => {
  await postgres?.close()
  rmSync(folder, { recursive: true })
})

const key = 'first-key-first-key-first-key-first-key'
const newKey = 'second-key-second-key-second-key-second'
const thirdKey = 'third-key-third-key-third-key-third-key'
const [idOfKey, idOfNewKey] = auditSigners([key, newKey]).map(({ id }) => id)

const entry = (id: string | number, at = 0): AuditEntry => ({
  id: `e${id}`,
  at,
  actor: 'acme',
  action: 'call',
  details: { outcome: 'ok' },
})
const many = (from: number, to: number): AuditEntry[] =>
  Array.from({ length: to - from + 1 }, (_, n) => entry(from + n, from + n))
const by = { id: 'pruned', at: 1_000_000, actor: 'retention' }
const refused = { code: 'SPILLWAY_AUDIT_REFUSED' }

let databases = 0
describe.each([
  { name: 'SQLite', make: async (name: string) => `sqlite:${join(folder, `${name}.db`)}` },
  ...(postgres === undefined
    ? []
    : [{ name: 'PostgreSQL', make: (name: string) => postgres.database(name) }]),
])('an audit log in $name', ({ make }) => {
  let url: string
  let intruder: TestDatabase
  const stores: LedgerStore[] = []
  const open = (auditKey?: string | string[]): LedgerStore => {
    const store = openLedgerStore(url, { auditKey })
    stores.push(store)
    return store
  }
  beforeEach(async () => {
    url = await make(`audit_${databases++}`)
    await open().countCalls({ from: 0, to: 1 })
    intruder = await openTestDatabase(url)
  })
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()))
    await intruder.close()
  })
  const problems = async (options: Parameters<typeof verifyAudit>[1]) =>
    (await verifyAudit(open().audit, options)).problems

  /** What whoever may write to the database can do without a key: one more row behind the last one, all its hashes right. */
  async function forge(more: AuditEntry, last?: AuditMark): Promise<AuditMark> {
    const row = chained(writtenEntry(more), last ?? (await open().audit.head()), undefined)
    const text = (value: string): string => `'${value.replaceAll("'", "''")}'`
    await intruder.query(`insert into audit (seq, id, at, version, entry, prev, hash) values
      (${row.seq}, ${text(row.id)}, ${row.at}, 2, ${text(row.entry)}, ${text(row.prev)}, ${text(row.hash)})`)
    await setEnd(row)
    return row
  }
  async function setEnd({ seq, hash }: AuditMark, signature = 'key_id = null, mac = null'): Promise<void> {
    await intruder.query(
      `update audit_marks set seq = ${seq}, hash = '${hash}', ${signature} where name = 'head'`,
    )
  }
  /** The history is gone, and an entry says so as the log itself would. */
  async function deleteHistory(): Promise<void> {
    const head = await open().audit.head()
    await intruder.query(`delete from audit; delete from audit_marks where name <> 'head';
      insert into audit_marks (name, seq, hash) values ('anchor', ${head.seq}, '${head.hash}')`)
    const details = {
      fromSeq: 0,
      fromHash: genesis,
      seq: head.seq,
      hash: head.hash,
      before: 900,
      reason: 'retention',
    }
    await forge({ ...by, action: 'audit.pruned', details }, head)
  }

  it('has MACs with a key, which verify with it and are not checked without', async () => {
    const { audit } = open(key)
    await audit.append(many(1, 3))
    await audit.append(many(3, 5))
    const report = await verifyAudit(audit, { keys: key })
    expect(report).toMatchObject({ rows: 5, problems: [], authentic: 5, unknownKeys: [] })
    expect(await verifyAudit(audit)).toMatchObject({ problems: [], authentic: 0, unknownKeys: [idOfKey] })
    expect(await problems({ keys: newKey })).toContainEqual({ seq: 5, kind: 'unkeyed' })
    expect(() => openLedgerStore(url, { auditKey: 'short' })).toThrow('must have 32 bytes or more')
  })

  it('shows that its history was deleted: by its key, and without one by a row that was noted', async () => {
    const plain = open()
    await plain.audit.append(many(1, 50))
    const { head } = await verifyAudit(plain.audit)
    await deleteHistory()
    const report = await verifyAudit(plain.audit, { head })
    expect(report.problems).toEqual([{ seq: 50, kind: 'removed' }])
    expect(report.removal).toMatchObject({ through: { seq: 50 }, actor: 'retention', isAuthentic: false })
    // Without a key nobody can know; but what the log says is told.
    expect(await verifyAudit(plain.audit)).toMatchObject({ rows: 1, problems: [], removal: { before: 900 } })
  })

  it('shows by its key that its history was deleted, without a row that was noted', async () => {
    await open(key).audit.append(many(1, 50))
    const head = await open().audit.head()
    await deleteHistory()
    expect(await problems({ keys: key })).toEqual([{ seq: 51, kind: 'unkeyed' }])
    expect(await problems({ keys: key, head })).toContainEqual({ seq: 50, kind: 'removed' })
    // Nor does the log go on from there, which would cover it up.
    await expect(open(key).audit.append([entry('later')])).rejects.toMatchObject(refused)
  })

  it.each(['unkeyed rows behind it', 'an end that was cut off', 'an end that was cut off, and its mark'])(
    'shows by its key %s, and takes nothing behind that',
    async (what) => {
      const writer = open(key)
      await writer.audit.append(many(1, 9))
      if (what.startsWith('unkeyed')) await forge(entry('forged'))
      else {
        await intruder.query('delete from audit where seq > 6')
        const [row] = await intruder.query('select seq, hash from audit where seq = 6')
        const mark = { seq: 6, hash: String(row?.hash) }
        await setEnd(mark, what.endsWith('mark') ? undefined : 'name = name')
      }
      const kind = what.startsWith('unkeyed') ? 'unkeyed' : 'cut'
      expect((await problems({ keys: key })).map((problem) => problem.kind)).toContain(kind)
      for (const store of [writer, open(key)])
        await expect(store.audit.append([entry('later')])).rejects.toMatchObject(refused)
    },
  )

  it('shows by its key a row that was changed, with all hashes behind it', async () => {
    await open(key).audit.append(many(1, 5))
    // The intruder has no key, and leaves the old MACs where they are.
    let last = {
      seq: 2,
      hash: String((await intruder.query('select hash from audit where seq = 2'))[0]?.hash),
    }
    for (let seq = 3; seq <= 5; seq++) {
      const forged = writtenEntry({ ...entry(seq, seq), actor: 'innocent' })
      const row = chained(forged, last, auditSigners(key)[0])
      await intruder.query(
        `update audit set entry = '${row.entry}', prev = '${row.prev}', hash = '${row.hash}' where seq = ${seq}`,
      )
      last = row
    }
    await setEnd(last, 'name = name')
    expect(await problems({})).toEqual([])
    expect(await problems({ keys: key })).toEqual([
      { seq: 3, kind: 'forged' },
      { seq: 4, kind: 'forged' },
      { seq: 5, kind: 'forged' },
      { seq: 5, kind: 'cut' },
    ])
  })

  it('signs rows that have no MAC when it is told to, and covers them from then on', async () => {
    await open().audit.append(many(1, 3))
    expect(await problems({ keys: key })).toEqual([{ seq: 3, kind: 'unkeyed' }])
    await expect(open(key).audit.append([entry(4)])).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('its rows up to 3 are not signed: verify it, and sign it once'),
    })
    const adoption = { id: 'adopted', at: 5, actor: 'admin' }
    const end = await open().audit.head()
    await expect(open().audit.adopt(end, adoption)).rejects.toThrow('give one')
    await expect(open(key).audit.adopt({ ...end, seq: 2 }, adoption)).rejects.toThrow(
      'row 2 is not the last one',
    )
    await open(key).audit.adopt(end, adoption)
    await open(key).audit.append(many(5, 6))
    expect(await verifyAudit(open().audit, { keys: key })).toMatchObject({ problems: [], authentic: 3 })
    const [row] = await open().audit.read(3, 1)
    expect(JSON.parse(row?.entry ?? '')).toMatchObject({ action: 'audit.signed', details: { seq: 3 } })
    await expect(open().audit.append([entry(7)])).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('and no key was given'),
    })
    // Back to before the first key: that was signed, and is known.
    await intruder.query('delete from audit where seq > 3')
    const [third] = await intruder.query('select hash from audit where seq = 3')
    await setEnd({ seq: 3, hash: String(third?.hash) })
    await expect(open(key).audit.append([entry(7)])).rejects.toMatchObject({
      message: expect.stringContaining('is not signed, though rows were'),
    })
  })

  it('shows rows without MACs that nobody has told it to sign', async () => {
    await open().audit.append(many(1, 3))
    const [signer] = auditSigners(key)
    const last = chained(writtenEntry(entry(4)), await open().audit.head(), signer)
    await intruder.query(`insert into audit (seq, id, at, version, key_id, entry, prev, hash, mac) values (4, 'e4', 0, 2,
      '${last.key_id}', '${last.entry}', '${last.prev}', '${last.hash}', '${last.mac}')`)
    await setEnd(last, `key_id = '${last.key_id}', mac = '${signer?.macOfEnd(last)}'`)
    expect(await problems({ keys: key })).toEqual([{ seq: 3, kind: 'unkeyed' }])
  })

  it('goes on with a new key where the old one is lost, when it is told to', async () => {
    await open(key).audit.append(many(1, 3))
    await open(newKey).audit.adopt(await open().audit.head(), { id: 'adopted', at: 5, actor: 'admin' })
    await open(newKey).audit.append(many(4, 5))
    expect(await verifyAudit(open().audit, { keys: newKey })).toMatchObject({
      problems: [],
      authentic: 3,
      unknownKeys: [idOfKey],
    })
  })

  it('changes its key when the new one comes with the old one, and never back', async () => {
    await open(key).audit.append(many(1, 3))
    await expect(open(newKey).audit.append([entry(4)])).rejects.toMatchObject({
      message: expect.stringContaining(
        `${idOfKey}, which was not given: name it behind the new one, ${idOfNewKey}`,
      ),
    })
    await open([newKey, key]).audit.append(many(4, 5))
    await expect(open(key).audit.append([entry(6)])).rejects.toMatchObject(refused)
    await expect(open([key, newKey]).audit.append([entry(6)])).rejects.toMatchObject({
      message: expect.stringContaining('a key that was replaced does not sign again'),
    })
    await open(newKey).audit.append([entry(6)])
    expect(await verifyAudit(open().audit, { keys: [newKey, key] })).toMatchObject({
      problems: [],
      authentic: 6,
    })
    // The newest key is enough: what it signed holds all that was before.
    expect(await verifyAudit(open().audit, { keys: newKey })).toMatchObject({
      problems: [],
      authentic: 3,
      unknownKeys: [idOfKey],
    })
    expect(await problems({ keys: key })).toContainEqual({ seq: 4, kind: 'rekeyed' })
  })

  it('shows what somebody writes with a key that was replaced', async () => {
    await open(key).audit.append(many(1, 3))
    await open([newKey, key]).audit.append(many(4, 6))
    // The old key got out: its finder removes the rows of the new one, and writes others.
    await intruder.query("delete from audit where seq > 3; delete from audit_marks where name like 'key:%'")
    const [old] = auditSigners(key)
    const [third] = await intruder.query('select seq, hash from audit where seq = 3')
    const last = { seq: 3, hash: String(third?.hash) }
    await setEnd(last, `key_id = '${old?.id}', mac = '${old?.macOfEnd(last)}'`)
    await open(key).audit.append([entry('forged')])
    expect(await problems({ keys: [newKey, key] })).toEqual([{ seq: 4, kind: 'rekeyed' }])
    expect(await problems({ keys: [thirdKey, newKey] })).toContainEqual({ seq: 4, kind: 'unkeyed' })
  })

  it('says by itself from where to where it was pruned and why, signed with its key', async () => {
    const { audit } = open(key)
    await audit.append(many(1, 40))
    const noted = await audit.head()
    await audit.append(many(41, 60))
    expect(await audit.prune(31, { ...by, id: 'p1' })).toBe(30)
    expect(await audit.prune(51, { ...by, id: 'p2', reason: 'asked by the customer' })).toBe(20)
    const rows = await audit.read(0, 100)
    expect(JSON.parse(rows.at(-1)?.entry ?? '')).toMatchObject({
      action: 'audit.pruned',
      details: { fromSeq: 30, seq: 50, before: 51, reason: 'asked by the customer' },
    })
    const report = await verifyAudit(audit, { keys: key, head: noted })
    expect(report).toMatchObject({ rows: 12, problems: [] })
    expect(report.removal).toMatchObject({ from: { seq: 30 }, through: { seq: 50 }, isAuthentic: true })
    // Nothing but the key says so: without it the row is gone, whatever the log says.
    expect(await problems({ head: noted })).toEqual([{ seq: 40, kind: 'removed' }])
    expect(await problems({ keys: key, head: { ...(await audit.anchor()), hash: 'a'.repeat(64) } })).toEqual([
      { seq: 50, kind: 'replaced' },
    ])
    // An entry that is gone cannot be replaced by one without a MAC.
    await intruder.query("update audit set mac = null, key_id = null where id = 'p2'")
    expect((await problems({ keys: key })).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['altered', 'unkeyed']),
    )
  })

  it('finds prunings that do not go on from each other', async () => {
    const { audit } = open()
    await audit.append(many(1, 20))
    await audit.prune(6, { ...by, id: 'p1' })
    const pruned = { fromSeq: 7, fromHash: genesis, seq: 9, hash: genesis, before: 9, reason: 'x' }
    await forge({ ...by, id: 'p2', action: 'audit.pruned', details: pruned })
    expect(await problems({})).toEqual([{ seq: 22, kind: 'unsigned' }])
  })

  it('keeps its evidence from retention: what was altered is not removed, and somebody hears of it', async () => {
    const { audit, ...store } = open(key)
    await audit.append(many(1, 10))
    await intruder.query('update audit set at = 0')
    const errors: unknown[] = []
    const retention = startRetention({
      store: { ...store, audit },
      audit: 1,
      every: 20,
      onError: (e) => errors.push(e),
    })
    await expect.poll(() => errors.length, { timeout: 10_000 }).toBeGreaterThan(0)
    await retention.close()
    expect(errors[0]).toMatchObject(refused)
    expect(await intruder.query('select seq from audit')).toHaveLength(10)
  })

  it('is verified while others append and prune', async () => {
    const writer = open(key)
    await writer.audit.append(many(1, 3000))
    let next = 3001
    let isDone = false
    const appending = (async () => {
      while (!isDone) {
        await writer.audit.append(many(next, next + 24))
        next += 25
      }
    })()
    const pruning = (async () => {
      for (let n = 0; !isDone; n++) {
        await writer.audit.prune(next - 1000, { ...by, id: `prune-${n}` }, 300)
      }
    })()
    const reader = open()
    const found: unknown[] = []
    for (let n = 0; n < 8; n++) found.push(...(await verifyAudit(reader.audit, { keys: key })).problems)
    isDone = true
    await Promise.all([appending, pruning])
    expect(found).toEqual([])
  })

  it('takes each entry once, in one batch and in several, from several writers', async () => {
    const writers = url.startsWith('postgres') ? [open(key), open(key), open(key)] : [open(key)]
    await Promise.all(
      writers.flatMap(({ audit }, n) => [
        audit.append([entry(`${n}a`), entry(`${n}a`), entry('shared')]),
        audit.append(Array.from({ length: 1200 }, (_, i) => entry(`${n}-${i}`))),
      ]),
    )
    expect(await verifyAudit(open().audit, { keys: key })).toMatchObject({
      rows: writers.length * 1201 + 1,
      problems: [],
    })
  })

  it('takes any text of an entry', async () => {
    const { audit } = open(key)
    const odd = {
      ...entry('odd'),
      actor: '\u0000 \ud800 \' "; --',
      details: { nested: { ü: [1, null, '\n'] } },
    }
    await audit.append([odd])
    const [row] = await audit.read(0, 1)
    expect(JSON.parse(row?.entry ?? '')).toEqual(odd)
    expect(await problems({ keys: key })).toEqual([])
  })
})
