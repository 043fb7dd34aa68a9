import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { ConformanceCase } from './limit-store-suite.ts'

interface AttemptRow {
  readonly id: string
  readonly call_id: string
  readonly call_row?: string | null
  readonly attempt: number
  readonly role: 'primary' | 'retry'
  readonly started_at: number
  readonly tenant: string | null
  readonly target: string | null
  readonly endpoint: string | null
  readonly provider: string
  readonly model_asked: string
  readonly model_answered: string | null
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly reasoning_tokens: number
  readonly estimated: number
  readonly cost_nano: number | null
  readonly failure: string | null
  readonly status: number | null
  readonly stop_reason: string | null
  readonly ttft_ms: number | null
  readonly total_ms: number
}

interface CallRow {
  readonly id: string
  readonly call_id: string
  readonly started_at: number
  readonly tenant: string | null
  readonly api: string
  readonly operation: string
  readonly model_asked: string
  readonly model_answered: string | null
  readonly target: string | null
  readonly attempts: number
  readonly failure: string | null
  readonly status: number | null
  readonly stop_reason: string | null
  readonly ttft_ms: number | null
  readonly total_ms: number
}

type Entry =
  | { readonly table: 'attempts'; readonly row: AttemptRow }
  | { readonly table: 'calls'; readonly row: CallRow }

interface Range {
  readonly from: number
  readonly to: number
}

interface Owner {
  readonly id: string
  readonly target: string
  readonly endpoint: string
  readonly tenant: string | null
  readonly results_of: string | null
  readonly at: number
}

interface AuditEntry {
  readonly id: string
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly details: { readonly [name: string]: unknown }
}

/** What the suite needs of a store of books; a `LedgerStore` of `@spillway/ledger` has it. */
export interface TestedLedgerStore {
  write(entries: readonly Entry[], signal?: AbortSignal): Promise<number>
  countCalls(range: Range): Promise<number>
  totals(
    by: 'tenant' | 'day',
    range: Range,
  ): Promise<
    readonly {
      readonly key: string
      readonly calls: number
      readonly attempts: number
      readonly errors: number
      readonly costNano: string
      readonly tokens: { readonly input: number; readonly output: number }
    }[]
  >
  calls(filter: {
    readonly limit: number
    readonly before?: string | undefined
    readonly range?: Range | undefined
  }): Promise<{
    readonly calls: readonly { readonly id: string }[]
    readonly next?: string | undefined | null
  }>
  callStory(callId: string): Promise<{ readonly attempts: readonly { readonly role: string }[] } | null>
  noteOwner(row: Owner): Promise<void>
  owner(id: string): Promise<Owner | undefined>
  forgetOwner(id: string): Promise<void>
  readonly audit: {
    append(entries: readonly AuditEntry[], signal?: AbortSignal): Promise<void>
    read(
      after: number,
      limit: number,
    ): Promise<
      readonly { readonly seq: number; readonly id: string; readonly prev: string; readonly hash: string }[]
    >
    head(): Promise<{ readonly seq: number; readonly hash: string }>
  }
}

/** Makes two stores of the same books, as two processes have them. What other cases wrote may be there. */
export type OpenLedgerStores = () =>
  | readonly [TestedLedgerStore, TestedLedgerStore]
  | Promise<readonly [TestedLedgerStore, TestedLedgerStore]>

const day = 86_400_000

/** Rows of a month and a tenant that no other case has. */
interface Books {
  readonly tenant: string
  readonly range: Range
  attempt(changes?: Partial<AttemptRow>): Entry
  call(changes?: Partial<CallRow>): Entry
}

function booksOf(from: number): Books {
  const tenant = `tenant-${randomUUID()}`
  return {
    tenant,
    range: { from, to: from + 30 * day },
    attempt: (changes = {}) => ({
      table: 'attempts',
      row: {
        ...{ id: randomUUID(), call_id: randomUUID(), attempt: 1, role: 'primary', started_at: from },
        ...{ tenant, target: 'claude', endpoint: null, provider: 'anthropic' },
        ...{ model_asked: 'claude-opus-5-5', model_answered: 'claude-opus-5-5' },
        ...{ input_tokens: 10, output_tokens: 5, cache_read_tokens: 3, cache_write_tokens: 2 },
        ...{ reasoning_tokens: 1, estimated: 0, cost_nano: 1_000_000_007, failure: null, status: null },
        ...{ stop_reason: 'end_turn', ttft_ms: 12.5, total_ms: 100 },
        ...changes,
      },
    }),
    call: (changes = {}) => ({
      table: 'calls',
      row: {
        ...{ id: randomUUID(), call_id: randomUUID(), started_at: from, tenant, api: 'anthropic' },
        ...{ operation: 'generate', model_asked: 'claude-opus-5-5', model_answered: 'claude-opus-5-5' },
        ...{ target: 'claude', attempts: 1, failure: null, status: 200, stop_reason: 'end_turn' },
        ...{ ttft_ms: 12.5, total_ms: 100 },
        ...changes,
      },
    }),
  }
}

/** What every store of books must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function ledgerStoreCases(open: OpenLedgerStores): ConformanceCase[] {
  let months = 0
  const on = (
    name: string,
    run: (one: TestedLedgerStore, other: TestedLedgerStore, books: Books) => Promise<void>,
  ): ConformanceCase => ({
    name,
    async run() {
      const [one, other] = await open()
      // Owners and sums of the far past are removed.
      await run(one, other, booksOf(Date.UTC(2026, 0, 1) + 30 * day * months++))
    },
  })
  const totalOf = async (store: TestedLedgerStore, { tenant, range }: Books) =>
    (await store.totals('tenant', range)).find(({ key }) => key === tenant)
  return [
    on('takes each row once, whoever writes it, and says how many are new', async (one, other, books) => {
      const rows = [books.attempt(), books.call(), books.attempt()]
      assert.equal(await one.write(rows), 3)
      assert.equal(await other.write([...rows, books.attempt()]), 1)
      assert.equal(await one.write([]), 0)
      const total = await totalOf(one, books)
      assert.deepEqual([total?.attempts, total?.calls, total?.costNano], [3, 1, '3000000021'])
      assert.deepEqual([total?.tokens.input, total?.tokens.output], [30, 15])
    }),

    on('takes a row that a batch has twice once', async (one, _, books) => {
      const row = books.attempt()
      assert.equal(await one.write([row, books.attempt(), row]), 2)
      assert.equal((await totalOf(one, books))?.attempts, 2)
    }),

    on('takes each row once when two write the same at a time', async (one, other, books) => {
      const batches = Array.from({ length: 8 }, () => Array.from({ length: 25 }, () => books.attempt()))
      const counts = await Promise.all(
        [one, other].flatMap((store) => batches.map((batch) => store.write(batch))),
      )
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        200,
      )
      const total = await totalOf(other, books)
      assert.deepEqual([total?.attempts, total?.costNano], [200, '200000001400'])
    }),

    on('shows what is written to both at once', async (one, other, books) => {
      await one.write([books.call()])
      assert.equal(await other.countCalls(books.range), 1)
      assert.equal(await one.countCalls(books.range), 1)
    }),

    on('sums money exactly, beyond what a double holds', async (one, _, books) => {
      const most = Number.MAX_SAFE_INTEGER
      for (let row = 0; row < 3; row++) await one.write([books.attempt({ cost_nano: most })])
      assert.equal((await totalOf(one, books))?.costNano, String(3n * BigInt(most)))
    }),

    on('keeps text as it is, whatever is in it', async (one, other, books) => {
      const tenant = `o'brien "x" \\ \n 水 $1 ? ${books.tenant}`
      await one.write([books.attempt({ tenant })])
      assert.ok((await other.totals('tenant', books.range)).some(({ key }) => key === tenant))
    }),

    on('groups by day in UTC, within a range that excludes its end', async (one, _, books) => {
      const { from } = books.range
      const midnight = from + day
      await one.write([
        books.attempt({ started_at: midnight - 1, failure: 'timeout', cost_nano: null }),
        books.attempt({ started_at: midnight }),
      ])
      const key = (at: number): string => new Date(at).toISOString().slice(0, 10)
      const first = await one.totals('day', { from, to: midnight })
      assert.deepEqual(
        first.map((total) => [total.key, total.attempts, total.errors]),
        [[key(from), 1, 1]],
      )
      const both = await one.totals('day', { from, to: midnight + day })
      assert.deepEqual(
        both.map((total) => total.key),
        [key(from), key(midnight)],
      )
    }),

    on(
      'pages calls from the newest on, each once, those of the same moment too',
      async (one, other, books) => {
        const { from } = books.range
        const rows = Array.from({ length: 7 }, (_, index) =>
          books.call({ started_at: from + 1_000 * Math.floor(index / 3) }),
        )
        await one.write(rows)
        const ids: string[] = []
        let before: string | undefined
        for (let pages = 0; pages < 4; pages++) {
          const page = await other.calls({ limit: 2, before, range: books.range })
          assert.ok(page.calls.length <= 2)
          ids.push(...page.calls.map(({ id }) => id))
          before = page.next ?? undefined
          if (before === undefined) break
        }
        assert.deepEqual([...ids].sort(), rows.map(({ row }) => row.id).sort())
        const at = new Map(rows.map(({ row }) => [row.id, row.started_at]))
        const times = ids.map((id) => at.get(id) ?? 0)
        assert.deepEqual(
          times,
          times.toSorted((a, b) => b - a),
        )
      },
    ),

    on('tells the story of a call by the id that its caller has', async (one, other, books) => {
      const [id, call_id] = [randomUUID(), randomUUID()]
      const of = { call_id, call_row: id }
      await one.write([
        books.attempt({ ...of, attempt: 2, role: 'retry', started_at: books.range.from + 5 }),
        books.attempt({ ...of, failure: 'overloaded', status: 529 }),
        books.call({ id, call_id, attempts: 2 }),
      ])
      const story = await other.callStory(call_id)
      assert.deepEqual(
        story?.attempts.map(({ role }) => role),
        ['primary', 'retry'],
      )
      assert.equal(await other.callStory(randomUUID()), null)
    }),

    on(
      'notes who made a batch or a file: the first stays, until it is deleted',
      async (one, other, books) => {
        const id = `msgbatch_${randomUUID()}`
        const row = { id, target: 'claude', endpoint: 'first', tenant: books.tenant, results_of: null }
        await one.noteOwner({ ...row, at: books.range.from })
        await other.noteOwner({ ...row, tenant: 'other', at: books.range.from + 9 })
        assert.deepEqual(await other.owner(id), { ...row, at: books.range.from })
        await one.forgetOwner(id)
        assert.equal(await other.owner(id), undefined)
      },
    ),

    on('keeps an audit log whose rows hold each other, each entry once', async (one, other, books) => {
      const entry = (id: string): AuditEntry => ({
        ...{ id, at: books.range.from, actor: books.tenant, action: 'call', details: { b: 1, a: [id] } },
      })
      const { seq: begin, hash } = await one.audit.head()
      const ids = Array.from({ length: 12 }, () => randomUUID())
      await one.audit.append(ids.slice(0, 2).map(entry))
      await one.audit.append(ids.slice(1, 4).map(entry))
      const batches = [ids.slice(4, 6), ids.slice(6, 9), ids.slice(9)]
      // One process appends at a time: the other one may be refused, or has to wait.
      for (const [index, batch] of batches.entries())
        await (index % 2 === 0 ? other : one).audit.append(batch.map(entry))
      const rows = await one.audit.read(begin, 100)
      assert.deepEqual(
        rows.map(({ id }) => id),
        ids,
      )
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        ids.map((_, index) => begin + 1 + index),
      )
      assert.deepEqual(
        rows.map(({ prev }) => prev),
        [hash, ...rows.slice(0, -1).map((row) => row.hash)],
      )
      assert.deepEqual(await other.audit.head(), { seq: rows.at(-1)?.seq, hash: rows.at(-1)?.hash })
    }),
  ]
}
