/** What booking a call costs, in CPU of all threads. `--help` tells the options. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import {
  type AuditTrail,
  createAuditTrail,
  createLedger,
  type LedgerStore,
  openLedgerStore,
} from '@spillway/ledger'
import {
  compose,
  createRequest,
  emit,
  type Handler,
  type Middleware,
  type Outcome,
} from '@spillway/middleware'
import { bodyOf, followCall, jsonBodyFromObject } from '@spillway/middleware/kit'
import { median, rotated } from './measure.ts'

/** How many times the CPU of bare inserts the books may take. */
const bounds = { 'in memory': 9, 'in SQLite': 9, 'in SQLite, with the audit log': 14 } as const

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    rate: { type: 'string', default: '5000' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const rounds = Number(options.rounds)
const rate = Number(options.rate)
if (options.help || !(rounds >= 1) || !(rate >= 100)) {
  console.log(`Usage: pnpm bench booking [--rounds N] [--rate N] [--check]

Sends calls that cost nothing through the ledger, N a second for a second, and measures the CPU of all threads, against the same calls
without a ledger, and against bare inserts of their rows into two tables without indexes. All take turns in each round; medians.
  --rounds N  (7)
  --rate N    calls a second (5,000)
  --check     exits with 1 when the books take more than ${Object.values(bounds).join(', ')} times what bare inserts take`)
  process.exit(options.help ? 0 : 1)
}

interface Variant {
  readonly name: string
  readonly handler: Handler
  readonly audit?: AuditTrail
  flush(): Promise<unknown>
  close(): Promise<unknown>
}

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-booking-'))
const nothing = async (): Promise<void> => {}
const body = jsonBodyFromObject({ model: 'claude-sonnet-5-5', messages: [] })
const answer = new Uint8Array(1)

/** Answers at once, and tells of its attempt. */
const upstream: Handler = async (request) => {
  emit(request, 'attempt.started', { model: request.model })
  const outcome: Outcome = {
    ...{ failure: undefined, stopReason: 'end_turn', model: 'claude-sonnet-5-5', bytes: 1 },
    usage: {
      ...{
        inputTokens: 1000,
        outputTokens: 100,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        cacheWrite1hTokens: 0,
      },
      ...{ reasoningTokens: 0, estimated: false },
    },
    timings: { startedAt: request.clock.now(), firstContent: 2 + Math.random() * 8, end: 12 },
  }
  emit(request, 'attempt.ended', { outcome })
  return {
    ...{ status: 200, headers: {}, failure: undefined, target: 'claude' },
    body: bodyOf(answer),
    outcome: Promise.resolve(outcome),
  }
}

/** All that is around an attempt but for the books: each call is followed once. */
const followed =
  (onEnd: () => void): Middleware =>
  (next) =>
  (request) =>
    followCall(request, next, onEnd)

function booked(name: string, store: LedgerStore | undefined, isAudited = false): Variant {
  const ledger = createLedger({ store: store ?? { write: async () => 0 } })
  const audit = store && isAudited ? createAuditTrail({ log: store.audit }) : undefined
  return {
    name,
    ...(audit && { audit }),
    handler: compose([followed(() => {}), ledger.calls, ledger.attempts], upstream),
    flush: () => Promise.all([ledger.flush(), audit?.flush()]),
    async close() {
      await Promise.all([ledger.close(), audit?.close()])
      const { lost, rejected, buffered } = ledger.state
      if (lost + rejected + buffered > 0) throw new Error(`${name}: ${lost} rows are lost`)
      await store?.close()
    },
  }
}

const file = (name: string): LedgerStore => openLedgerStore(`sqlite:${join(folder, name)}`)
const variants: readonly Variant[] = [
  { name: 'without books', handler: compose([followed(() => {})], upstream), flush: nothing, close: nothing },
  booked('thrown away', undefined),
  booked('in memory', openLedgerStore('sqlite::memory:', { maxNames: 1000 })),
  booked('in SQLite', file('books.db')),
  booked('in SQLite, with the audit log', file('audited.db'), true),
]

try {
  const used = new Map(variants.map(({ name }) => [name, [] as number[]]))
  const bare: number[] = []
  const insert = bareInserts(join(folder, 'bare.db'))
  for (let round = -2; round < rounds; round++) {
    for (const variant of rotated(variants, round + 2)) {
      const cpu = await measured(() => send(variant))
      if (round >= 0) used.get(variant.name)?.push(cpu)
    }
    const cpu = await measured(async () => insert(rate))
    if (round >= 0) bare.push(cpu)
  }
  const [{ name: none }] = variants as [Variant]
  const alone = used.get(none) as number[]
  console.log(
    `${rate} calls a second, one attempt a call, ${rounds} rounds; CPU of all threads in microseconds a call, medians\n`,
  )
  console.log(`${none.padEnd(36)} ${median(alone).toFixed(1).padStart(6)}`)
  console.log(`${'bare inserts'.padEnd(36)} ${median(bare).toFixed(1).padStart(6)}\n`)
  for (const { name } of variants.slice(1)) {
    const more = (used.get(name) as number[]).map((cpu, round) => cpu - (alone[round] as number))
    const ratio = median(more.map((cpu, round) => cpu / (bare[round] as number)))
    const bound = (bounds as Readonly<Record<string, number>>)[name]
    const isMissed = bound !== undefined && ratio > bound
    const promise = bound === undefined ? '' : `, at most ${bound}x${isMissed ? ': MISSED' : ''}`
    console.log(
      `${`books ${name}`.padEnd(36)} ${median(more).toFixed(1).padStart(6)}  ${ratio.toFixed(1)}x bare inserts${promise}`,
    )
    if (isMissed && options.check) process.exitCode = 1
  }
} finally {
  for (const { close } of variants) await close()
  rmSync(folder, { recursive: true })
}

/** Calls of a second at the rate; resolves when all are written. */
async function send({ handler, audit, flush }: Variant): Promise<void> {
  const startedAt = performance.now()
  for (let sent = 0; sent < rate; ) {
    const due = Math.min(rate, Math.ceil(((performance.now() - startedAt) / 1000) * rate))
    for (; sent < due; sent++) {
      const request = createRequest({
        api: 'anthropic',
        model: 'claude-sonnet-5-5',
        stream: false,
        url: '/v1/messages',
        body,
      })
      const response = await handler(request)
      await response.outcome
      audit?.record({
        ...{ actor: 'nobody', action: 'call' },
        details: {
          ...{ subject: request.model, call: request.context.callId, from: '127.0.0.1', path: request.url },
          ...{ outcome: 'ok', target: 'claude', attempts: 1, keys: ['env:ANTHROPIC_API_KEY'] },
        },
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await flush()
}

/** @returns CPU of all threads in microseconds a call */
async function measured(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / rate
}

/** The least that keeps what the ledger keeps of a call: a row of 20 values and one of 27. */
function bareInserts(path: string): (calls: number) => void {
  const database = new DatabaseSync(path)
  const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`)
  database.exec(`pragma journal_mode = wal; pragma synchronous = normal;
    create table calls (${names(20)}); create table attempts (${names(27)})`)
  const statements = [20, 27].map((count) =>
    database.prepare(
      `insert into ${count === 20 ? 'calls' : 'attempts'} values (${names(count).map(() => '?')})`,
    ),
  )
  const texts = [
    'mg9z8abc-1234567890abc-00000001',
    '019aaaaa-aaaa-7aaa-aaaa-aaaaaaaaaaaa',
    'claude-sonnet-5-5',
    'claude-sonnet-5-5',
  ]
  const rows = [20, 27].map((count) =>
    Array.from({ length: count }, (_, index) => texts[index] ?? (index % 3 === 0 ? index : null)),
  )
  return (calls) => {
    database.exec('begin')
    for (let call = 0; call < calls; call++)
      for (const [index, statement] of statements.entries())
        statement.run(...(rows[index] as (string | number | null)[]))
    database.exec('commit')
  }
}
