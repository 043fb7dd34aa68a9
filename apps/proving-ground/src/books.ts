import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { queryLedger } from './booked-rows.ts'
import { leaksIn } from './fuzz/markers.ts'

/** One line of the comparison. */
export interface BooksLine {
  readonly what: string
  readonly seen: string
  readonly holds: boolean
}

export interface ExpectedBooks {
  /** Calls that have got an answer of a route. */
  readonly calls: number
  /** Calls whose client left, so that nobody knows whether they were admitted. */
  readonly unknownCalls: number
  /** Whole requests that have reached the upstreams, by target. */
  readonly requests: ReadonlyMap<string, number>
}

/** Waits until nothing is booked any more. */
export async function settle(url: string, database: string): Promise<void> {
  let before = -1
  for (let quiet = 0; quiet < 3; ) {
    await pause(300)
    // The ledger writes what waits before it answers.
    await askOnce(`${url}/api/summary?range=1h`)
    const [row] = await queryLedger(
      database,
      'select (select count(*) from calls) + (select count(*) from attempts) as n',
    )
    quiet = row?.n === before ? quiet + 1 : 0
    before = Number(row?.n)
  }
}

/** Compares what is booked with what the upstreams have seen, and with what the gateway says in `/metrics` and `/api`. */
export async function checkBooks(
  url: string,
  database: string,
  expected: ExpectedBooks,
): Promise<BooksLine[]> {
  const one = async (text: string): Promise<number> => Number((await queryLedger(database, text))[0]?.n ?? 0)
  const calls = await one('select count(*) as n from calls')
  const attempts = await one('select count(*) as n from attempts')
  const { calls: least, unknownCalls } = expected
  const lines = [
    line(
      'calls booked',
      `${calls}, of which clients saw ${least} answered and left ${unknownCalls}`,
      calls >= least && calls <= least + unknownCalls,
    ),
  ]
  const ofCalls = await one('select sum(attempts) as n from calls')
  const notMirrored = await one(`select count(*) as n from attempts where role <> 'mirror'`)
  lines.push(
    line(
      'attempts of all calls',
      `${ofCalls} in the calls, ${notMirrored} one by one`,
      ofCalls === notMirrored,
    ),
  )
  const orphans = await one(
    `select count(*) as n from attempts where role <> 'mirror' and call_row not in (select id from calls)`,
  )
  lines.push(line('attempts without their call', String(orphans), orphans === 0))
  for (const [target, requests] of expected.requests) {
    const booked = await one(`select count(*) as n from attempts where target = '${target}'`)
    // An attempt that loses its connection, or its caller, may end before its request has left.
    const mayBeUnsent = await one(
      `select count(*) as n from attempts where target = '${target}' and failure in ('connection', 'cancelled', 'timeout', 'invalid_request')`,
    )
    const seen = `${booked} booked, ${requests} received, ${mayBeUnsent} that may not have left`
    lines.push(line(`attempts at ${target}`, seen, booked >= requests && booked - requests <= mayBeUnsent))
  }
  const metrics = await askOnce(`${url}/metrics`)
  const counted = (name: string): number => sumOf(metrics, name)
  lines.push(
    line(
      'calls in /metrics',
      `${counted('spillway_calls_total')} (${(metrics.length / 1_024).toFixed(0)} KB)`,
      counted('spillway_calls_total') === calls,
    ),
  )
  const attemptsCounted = counted('spillway_attempt_duration_count')
  lines.push(line('attempts in /metrics', String(attemptsCounted), attemptsCounted === attempts))
  // Says whether rows that are missing were given up, and where to look for those that are not.
  const [lost, rejected] = [counted('spillway_ledger_lost'), counted('spillway_ledger_rejected')]
  const waiting = counted('spillway_ledger_buffered') + counted('spillway_ledger_journal')
  lines.push(
    line(
      'rows that are kept elsewhere',
      `${lost} lost, ${rejected} refused, ${waiting} rows or bytes that wait`,
      lost + rejected + waiting === 0,
    ),
  )
  const summary = JSON.parse(await askOnce(`${url}/api/summary?range=24h`)) as { calls: number }
  lines.push(line('calls in /api/summary', String(summary.calls), summary.calls === calls))
  return lines
}

/** The sum of all samples with this name in Prometheus's text. */
function sumOf(metrics: string, name: string): number {
  let sum = 0
  for (const [, value] of metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm')))
    sum += Number(value)
  return sum
}

const line = (what: string, seen: string, holds: boolean): BooksLine => ({ what, seen, holds })

/** Markers in the files of a folder, whatever they are. */
export async function leaksOnDisk(folder: string): Promise<string[]> {
  const leaks = new Set<string>()
  if (!existsSync(folder)) return []
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    let tail = Buffer.alloc(0)
    for await (const chunk of createReadStream(join(entry.parentPath, entry.name), {
      highWaterMark: 1 << 20,
    })) {
      const bytes = Buffer.concat([tail, chunk as Buffer])
      for (const leak of leaksIn(bytes, undefined)) leaks.add(`${entry.name}: ${leak}`)
      tail = Buffer.from(bytes.subarray(-64))
    }
  }
  return [...leaks]
}

/** The body at this URL, over a connection that is closed then: what the gateway holds is compared with what it held. */
export async function askOnce(url: string): Promise<string> {
  return (await fetch(url, { headers: { connection: 'close' } })).text()
}
