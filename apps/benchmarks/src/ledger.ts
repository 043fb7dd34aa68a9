/** How long the ledger's views take over many rows. `--help` tells the options. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type AttemptRow,
  type CallRow,
  type ChangeRow,
  type ComparisonRow,
  type Entry,
  type LedgerStore,
  openLedgerStore,
  type SplitSeries,
} from '@spillway/ledger'
import { newCallId } from '@spillway/middleware/kit'
import { privatePostgres } from '../../../packages/ledger/test/private-postgres.ts'
import { lognormal, randomFor } from '../../proving-ground/src/seeded-random.ts'
import { type View, viewsOverHttp } from './ledger-over-http.ts'

/** Every view answers within, in milliseconds. */
const bound = 300

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    days: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '5' },
    url: { type: 'string' },
    postgres: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const rows = Number(values.rows)
const days = Number(values.days)
const rounds = Number(values.rounds)
if (values.help || !(rows >= 1) || !(days > 0) || !(rounds >= 1)) {
  console.log(`Usage: pnpm bench ledger [--rows N] [--days N] [--rounds N] [--postgres | --url URL] [--check]

Fills an empty ledger with N attempts (1,000,000) and their calls over the last days (30), then times each view,
and each answer of the gateway's API that the dashboard asks for, over HTTP.
  --postgres  in a PostgreSQL of its own, which is removed at the end
  --url URL   the database: a new one is filled and stays, a filled one is timed as it is
              [default: a file of SQLite that is removed at the end]
  --check     fails if the slowest round of a view takes over ${bound} ms`)
  process.exit(values.help ? 0 : 1)
}

const day = 86_400_000
const now = Date.now()
const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-ledger-'))
const file = join(folder, 'ledger.db')
const server = values.postgres ? await privatePostgres() : undefined
if (values.postgres && server === undefined) process.exit(1)
const url = server?.url ?? values.url ?? `sqlite:${file}`
const store = openLedgerStore(url)
/** Times to the first token of the last two weeks, as they were written. */
const waited: { readonly target: string; readonly at: number; readonly ms: number }[] = []
let api: Awaited<ReturnType<typeof viewsOverHttp>> | undefined
try {
  if ((await store.calls({ limit: 1 })).calls.length === 0) {
    await fill(store)
    await fillAudit(store)
  }
  if (url === `sqlite:${file}`) console.log(`${(statSync(file).size / 2 ** 20).toFixed(0)} MiB`)
  api = await viewsOverHttp(url, join(folder, 'waiting'))
  const wrong = await compareWeeks(api.read)
  if (values.check && wrong.length > 0) {
    console.error(`not what the calls say: ${wrong.join(', ')}`)
    process.exitCode = 1
  }
  const slow = [...(await time(viewsOf(store))), ...(await time(api.views))]
  if (values.check && slow.length > 0) {
    console.error(`over ${bound} ms: ${slow.join(', ')}`)
    process.exitCode = 1
  }
} finally {
  await api?.close()
  await store.close()
  await server?.close()
  rmSync(folder, { recursive: true })
}

/** About 1.2 attempts a call, in the order of time, from 40 tenants and 4 models, on 3 targets. */
async function fill(store: LedgerStore): Promise<void> {
  const random = randomFor(1)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const models = ['claude-opus-5', 'claude-sonnet-5-5', 'claude-haiku-4-5', 'openai/gpt-oss-120b']
  const started = performance.now()
  let attempts = 0
  let batch: Entry[] = []
  const write = async (): Promise<void> => {
    await store.write(batch)
    batch = []
    const share = attempts / rows
    const seconds = (performance.now() - started) / 1000
    const line = `filling: ${(share * 100).toFixed(0)} %, ${attempts} attempts, ${seconds.toFixed(0)} s`
    if (process.stderr.isTTY) process.stderr.write(`\r${line}`)
    else if (Math.floor(share * 10) > Math.floor((share - 2000 / rows) * 10)) console.error(line)
  }
  for (let call = 0; attempts < rows; call++) {
    const startedAt = Math.floor(now - days * day + (attempts / rows) * days * day)
    const model = pick(models)
    const id = `run-${call.toString(36).padStart(8, '0')}`
    // Conversations have some forty calls each, of one tenant, and others are beside them.
    const conversation = Math.floor(call / 400) * 10 + Math.floor(random() * 10)
    const session = random() < 0.1 ? null : `session-${conversation}`
    const tenant = `tenant-${Math.floor((session === null ? random() : share(conversation)) ** 2 * 40)}`
    const isFallback = random() < 0.05
    const failure = random() < 0.02 ? pick(['timeout', 'server', 'cancelled', 'overloaded']) : null
    const roles: AttemptRow['role'][] = ['primary']
    if (random() < 0.12) roles.push('retry')
    if (isFallback) roles.push('fallback')
    if (random() < 0.03) roles.push('mirror')
    const ttft = lognormal(random, 600, 0.8)
    const row: CallRow = {
      id,
      call_id: newCallId(startedAt),
      started_at: startedAt,
      tenant,
      api: 'anthropic',
      operation: 'messages',
      model_asked: model,
      model_answered: model,
      target: isFallback ? pick(['openrouter', 'local']) : 'claude',
      attempts: roles.length,
      failure,
      status: failure === null ? 200 : 529,
      stop_reason: 'end_turn',
      ttft_ms: failure === null ? ttft : null,
      total_ms: ttft * (2 + random() * 20),
      stream: 1,
      fallback_from: isFallback ? 'claude' : null,
      fallback_to: isFallback ? 'local' : null,
      fallback_reason: isFallback ? pick(['overloaded', 'timeout', 'circuit_open']) : null,
      session,
    }
    batch.push({ table: 'calls', row })
    if (row.target !== null && row.ttft_ms != null && startedAt >= now - 15 * day)
      waited.push({ target: row.target, at: startedAt, ms: row.ttft_ms })
    for (const [index, role] of roles.entries()) {
      attempts++
      batch.push({
        table: 'attempts',
        row: {
          id: `${id}-${index}`,
          call_id: row.call_id,
          call_row: id,
          attempt: index + 1,
          role,
          started_at: startedAt,
          tenant,
          target: role === 'fallback' ? row.target : 'claude',
          endpoint: null,
          provider: 'anthropic',
          model_asked: model,
          model_answered: model,
          input_tokens: Math.floor(random() * 5000),
          output_tokens: Math.floor(random() * 800),
          cache_read_tokens: Math.floor(random() * 20_000),
          cache_write_tokens: 0,
          reasoning_tokens: 0,
          estimated: random() < 0.03 ? 1 : 0,
          cost_nano: Math.floor(random() * 50_000_000),
          failure: index < roles.length - 1 ? 'overloaded' : failure,
          status: null,
          stop_reason: 'end_turn',
          ttft_ms: row.ttft_ms,
          total_ms: row.total_ms,
          session,
        },
      })
    }
    if (roles.includes('mirror')) batch.push({ table: 'comparisons', row: compared(row) })
    if (random() < 0.002) batch.push({ table: 'changes', row: changed(row, call) })
    if (batch.length >= 4000) await write()
  }
  await write()
  if (process.stderr.isTTY) process.stderr.write('\n')
}

/** p95 by target of this week and of the last, by the API and by all calls themselves; nothing of a ledger that was filled before. */
async function compareWeeks(read: <T>(path: string) => Promise<T>): Promise<string[]> {
  const wrong: string[] = []
  if (waited.length === 0) return wrong
  const end = Math.floor(now / 60_000) * 60_000
  console.log(`\n${'p95 to the first token'.padEnd(42)}     shown     exactly`)
  for (const [name, to] of [
    ['this week', end],
    ['last week', end - 7 * day],
  ] as const) {
    const from = to - 7 * day
    const { series } = await read<SplitSeries>(`series?by=target&from=${from}&to=${to}`)
    for (const { key, firstContent } of series) {
      const times = waited.filter(({ target, at }) => target === key && at >= from && at < to)
      const sorted = times.map(({ ms }) => ms).sort((a, b) => a - b)
      const exact = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
      const shown = firstContent.p95 ?? 0
      const label = `${key}, ${name}`
      console.log(`${label.padEnd(42)} ${shown.toFixed(1).padStart(9)}  ${exact.toFixed(1).padStart(10)}`)
      if (!(Math.abs(shown / exact - 1) < 0.05)) wrong.push(label)
    }
  }
  return wrong
}

/** The candidate takes a third longer. */
function compared(row: CallRow): ComparisonRow {
  return {
    ...{ id: `compared-${row.id}`, call_id: row.call_id, started_at: row.started_at },
    ...{ from_target: 'claude', to_target: 'candidate', model_asked: row.model_asked, similarity: 0.8 },
    ...{ primary_failure: null, primary_ttft_ms: row.ttft_ms, primary_total_ms: row.total_ms },
    ...{ primary_output_tokens: 400, primary_cost_nano: 6_000_000 },
    ...{ candidate_failure: row.failure, candidate_ttft_ms: row.ttft_ms && row.ttft_ms * 1.3 },
    ...{
      candidate_total_ms: row.total_ms * 1.3,
      candidate_output_tokens: 380,
      candidate_cost_nano: 2_000_000,
    },
  }
}

function changed({ id, started_at, model_asked }: CallRow, call: number): ChangeRow {
  const isOpen = call % 2 === 0
  return {
    ...{ id: `change-${id}`, started_at, kind: 'circuit', target: 'claude', endpoint: '1' },
    ...{ subject: model_asked, was: isOpen ? 'closed' : 'open', became: isOpen ? 'open' : 'closed' },
    ...{ reason: 'failure_rate', until: null },
  }
}

/** A number from 0 to 1 that is as good as random, and always the same. */
function share(number: number): number {
  return ((number * 2_654_435_761) % 2 ** 32) / 2 ** 32
}

/** More than one answer looks through. */
async function fillAudit({ audit }: LedgerStore): Promise<void> {
  for (let number = 0; number < 20_000; number += 1000) {
    const entries = Array.from({ length: 1000 }, (_, index) => ({
      id: `entry-${number + index}`,
      at: now,
      actor: 'tenant-1',
      action: 'call',
      details: { subject: 'claude-opus-5', outcome: 'ok' },
    }))
    await audit.append(entries)
  }
}

function viewsOf(store: LedgerStore): View[] {
  const views: View[] = []
  for (const [name, length] of [
    ['1h', day / 24],
    ['24h', day],
    ['7d', 7 * day],
    ['30d', 30 * day],
  ] as const) {
    const range = { from: now - length, to: now }
    views.push(
      [`summary ${name}`, () => store.summary(range)],
      [`series ${name}, 60 steps`, () => store.series(range, 60)],
      [`latency ${name}`, () => store.latency(range)],
      [`latency ${name} by target`, () => store.latency(range, 'target')],
      [`fallbacks ${name}`, () => store.fallbacks(range)],
      ...(['model', 'tenant', 'target', 'role', 'day'] as const).map(
        (by): View => [`totals ${name} by ${by}`, () => store.totals(by, range)],
      ),
      ...(['model', 'tenant', 'target'] as const).map(
        (by): View => [`series ${name} by ${by}`, () => store.splitSeries(range, 60, by, 6)],
      ),
      [`facets ${name}`, () => store.facets(range)],
      [
        `facets ${name} of a tenant's problems`,
        () => store.facets(range, { tenant: 'tenant-3', problems: true }),
      ],
      [`matching calls ${name}`, () => store.matchingCalls(range, 60)],
      [`conversations ${name}, the newest`, () => store.sessions(range, 'recent', 100)],
      [`comparisons ${name}`, () => store.comparisons(range)],
      [`changes ${name}`, () => store.changes(range, 1000)],
      [`conversations ${name} by cost`, () => store.sessions(range, 'cost', 100)],
      [`calls ${name} with problems`, () => store.calls({ limit: 50, range, problems: true })],
    )
  }
  const middle = `${Math.floor(now - (days * day) / 2)}.x`
  for (const [name, filter] of Object.entries({
    newest: {},
    'from the middle': { before: middle },
    'of a model': { model: 'claude-opus-5' },
    'of a tenant': { tenant: 'tenant-39' },
    'of a target': { target: 'local' },
    'with a failure': { failure: 'timeout' },
    'of tenant, model and target': { tenant: 'tenant-39', model: 'claude-opus-5', target: 'local' },
    'of tenant, with a failure': { tenant: 'tenant-39', failure: 'timeout', before: middle },
    'of an unknown tenant': { tenant: 'nobody' },
    'of a busy tenant, unknown model': { tenant: 'tenant-0', model: 'nothing' },
    'found by call id': { query: newCallId(now - (days * day) / 2).slice(0, 9) },
    'found by one digit of a call id': { query: '0' },
    'found by a name': { query: 'opus' },
    'found nowhere': { query: 'no such thing' },
    'of a conversation': { session: 'session-4711' },
    'with a status': { status: 529 },
    'with a reason of the fallback': { reason: 'circuit_open' },
    'of a tenant with a reason': { tenant: 'tenant-39', reason: 'circuit_open' },
    'of a tenant with problems': { tenant: 'tenant-39', problems: true },
    'of a tenant with a status': { tenant: 'tenant-3', status: 529 },
    'with an unknown status': { status: 418 },
    'with an unknown reason': { reason: 'nothing' },
    'without a failure': { failure: '' },
    'of a day': { range: { from: now - 15 * day, to: now - 14 * day } },
    'of a tenant, of a day': { tenant: 'tenant-39', range: { from: now - 15 * day, to: now - 14 * day } },
    'of a model with a failure, of a day': {
      ...{ model: 'claude-opus-5', failure: 'timeout' },
      range: { from: now - 15 * day, to: now - 14 * day },
    },
    'of a day, with an unknown status': { status: 418, range: { from: now - 15 * day, to: now - 14 * day } },
    'with problems, from the middle': { problems: true, before: middle },
  }))
    views.push([`calls ${name}`, () => store.calls({ limit: 50, ...filter })])
  views.push([
    'the story of a call',
    async () => {
      const { calls } = await store.calls({ limit: 1, before: middle })
      return store.callStory(calls[0]?.callId ?? '')
    },
  ])
  return views
}

/** @returns the names of the views that are too slow */
async function time(views: readonly View[]): Promise<string[]> {
  const slow: string[] = []
  console.log(`\n${'view'.padEnd(42)} median ms  slowest ms   (${rounds} rounds)`)
  for (const [name, view] of views) {
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      const started = performance.now()
      try {
        await view()
      } catch (error) {
        throw new Error(`${name} failed after ${(performance.now() - started).toFixed(0)} ms`, {
          cause: error,
        })
      }
      times.push(performance.now() - started)
    }
    times.sort((a, b) => a - b)
    const median = times[Math.floor(rounds / 2)] as number
    const slowest = times.at(-1) as number
    if (slowest > bound) slow.push(name)
    console.log(`${name.padEnd(42)} ${median.toFixed(1).padStart(9)}  ${slowest.toFixed(1).padStart(10)}`)
  }
  return slow
}
