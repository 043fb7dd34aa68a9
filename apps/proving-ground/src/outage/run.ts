import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type RecordedRequest, startClaude } from '@spillway/testing'
import { checkBooks, type Figure, tokensOf } from './check-books.ts'
import { checkRefused } from './check-refused.ts'
import type { Database } from './databases.ts'
import { startGatewayChild } from './gateway-child.ts'
import { type Load, meetsAnError, type SeenCall, startLoad } from './load.ts'

export interface RunOptions {
  readonly database: Database
  /** A folder for the journal. */
  readonly folder: string
  readonly callsPerSecond: number
  /** Seconds before the outage, of it, and after it at least. */
  readonly before: number
  readonly outage: number
  readonly after: number
  /** Kills the gateway in the middle of the outage, and starts it again. */
  readonly kill?: boolean
  /** Ends the gateway in order in the middle of the outage, which must take 10 s at most, and starts it again. */
  readonly end?: boolean
  /** Two gateways with the same configuration, in the same folder. */
  readonly two?: boolean
  /** Options of node for the gateway's process. */
  readonly execArgv?: readonly string[]
  readonly onProgress?: ((line: string) => void) | undefined
}

/** Latencies of the calls that were sent in one phase, in milliseconds. */
export interface Phase {
  readonly name: string
  readonly calls: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
}

export interface Run {
  readonly phases: readonly Phase[]
  readonly figures: readonly Figure[]
}

/** How long the calls in flight may take before the gateway is ended, in milliseconds. */
const longestDrain = 10_000

/** No catching up takes longer, in milliseconds. */
const longestCatchUp = 120_000

/** Calls at a steady rate through a gateway whose database goes away and comes back. */
export async function runOutage(options: RunOptions): Promise<Run> {
  const { database, folder, execArgv = [], onProgress = () => {} } = options
  const { refuses } = database
  const requests = new Map<number, number>()
  const indexOf = ({ body }: RecordedRequest): number =>
    Number(/call number (\d+)/.exec(Buffer.from(body).toString())?.[1])
  await using claude = await startClaude({
    record: false,
    reply: (request) => ({ usage: { inputTokens: tokensOf(indexOf(request)), outputTokens: 20 } }),
    fault(request) {
      const index = indexOf(request)
      const count = (requests.get(index) ?? 0) + 1
      requests.set(index, count)
      return count === 1 && meetsAnError(index) ? { type: 'status', status: 529 } : undefined
    },
  })
  const journal = join(folder, 'journal')
  const config = configOf(claude.url, database.url, journal)
  await mkdir(folder, { recursive: true })
  let gateway = await startGatewayChild(config, folder, execArgv)
  const second = options.two ? await startGatewayChild(config, folder, execArgv) : undefined
  const load = startLoad(gateway.url, options.callsPerSecond, second?.url)
  let largest = 0
  const watch = async (seconds: number, what: string): Promise<void> => {
    const end = performance.now() + seconds * 1000
    for (let ticks = 1; performance.now() < end; ticks++) {
      await pause(Math.min(250, Math.max(1, end - performance.now())))
      const bytes = await journalBytes(journal)
      largest = Math.max(largest, bytes)
      if (ticks % 20 === 0)
        onProgress(`${database.name}, ${what}: ${load.sent} calls, ${kilo(bytes)} wait on disk`)
    }
  }
  let killedAt: number | undefined
  const ends: number[] = []
  try {
    await watch(options.before, 'before')
    // On a busy machine the tables may not be there yet.
    await firstRow(database)
    const stoppedAt = performance.now()
    await database.stop()
    await watch(options.outage / 2, 'database away')
    if (options.kill) {
      load.url = undefined
      killedAt = performance.now()
      await gateway.kill()
      gateway = await startGatewayChild(config, folder, execArgv)
      load.url = gateway.url
    }
    if (options.end) {
      load.url = undefined
      // A request that has not been read yet could not be drained.
      await load.idle(longestDrain)
      ends.push(await timed(() => gateway.close()))
      gateway = await startGatewayChild(config, folder, execArgv)
      load.url = gateway.url
    }
    load.nextModel = refuses
    await watch(options.outage / 2, 'database away')
    const left = await journalBytes(journal)
    const startedAt = performance.now()
    await database.start()
    const behind = await caughtUp(gateway.url, journal)
    await watch(options.after, 'database back')
    await load.stop()
    const final = await caughtUp(gateway.url, journal)
    const refused =
      refuses === undefined ? [] : await checkRefused(gateway.url, { journal, model: refuses, execArgv })
    ends.push(await timed(() => gateway.close()))
    if (second !== undefined) ends.push(await timed(() => second.close()))
    const figures: Figure[] = [
      callsFailed(load.calls, killedAt),
      {
        what: 'on disk when the database came back',
        seen: kilo(left),
        target: database.waits ? 'more than 0' : 'any',
        holds: left > 0 || !database.waits,
      },
      { what: 'seconds that an end of the gateway took', ...seconds(Math.max(...ends), 10) },
      { what: 'seconds until all of it was in the database', ...seconds(behind, 30) },
      { what: 'on disk at the end', ...empty(await journalBytes(journal), final) },
      ...refused,
      ...(await checkBooks(database, {
        calls: load.calls,
        requests,
        refuses,
        mayBeLost: ({ endedAt, sentAt }) =>
          killedAt !== undefined && endedAt > killedAt - 1000 && sentAt < killedAt,
      })),
    ]
    return { phases: phasesOf(load, stoppedAt, startedAt), figures }
  } finally {
    load.url = undefined
    await load.stop()
    await gateway.kill()
    await second?.kill()
  }
}

/** @throws Error when no call is booked in time */
async function firstRow(database: Database): Promise<void> {
  const end = performance.now() + longestCatchUp
  while (performance.now() < end) {
    const calls = await database.calls().catch(() => [])
    if (calls.length > 0) return
    await pause(100)
  }
  throw new Error('the gateway has booked no call')
}

/** How long something takes, in milliseconds. */
async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

/** In a gateway that is killed, calls are cut off. */
function callsFailed(calls: readonly SeenCall[], killedAt: number | undefined): Figure {
  const failed = calls.filter(({ isAnswered }) => !isAnswered)
  const inFlight = ({ sentAt, endedAt }: SeenCall): boolean =>
    killedAt !== undefined && sentAt <= killedAt && endedAt >= killedAt
  const wrong = failed.filter((call) => !inFlight(call))
  const problems = [...new Set(wrong.map(({ problem }) => problem))].slice(0, 3).join(', ')
  return {
    what:
      killedAt === undefined ? 'calls that failed' : 'calls that failed, but for those in the killed gateway',
    seen: `${wrong.length} of ${calls.length}${problems && `: ${problems}`}`,
    target: '0',
    holds: wrong.length === 0,
  }
}

/** Resolves with the milliseconds until nothing waits on disk; undefined when that takes too long. */
async function caughtUp(url: string, journal: string): Promise<number | undefined> {
  const begun = performance.now()
  while (performance.now() - begun < longestCatchUp) {
    const ready = (await (await fetch(`${url}/readyz`)).json()) as { ledger: string }
    if (ready.ledger === 'ok' && (await journalBytes(journal)) === 0) return performance.now() - begun
    await pause(100)
  }
  return undefined
}

function seconds(ms: number | undefined, most: number): Omit<Figure, 'what'> {
  const holds = ms !== undefined && ms <= most * 1000
  return { seen: ms === undefined ? 'never' : (ms / 1000).toFixed(1), target: `at most ${most}`, holds }
}

function empty(bytes: number, caughtUpAfter: number | undefined): Omit<Figure, 'what'> {
  return { seen: kilo(bytes), target: kilo(0), holds: bytes === 0 && caughtUpAfter !== undefined }
}

function phasesOf({ calls }: Load, stoppedAt: number, startedAt: number): Phase[] {
  const phase = (name: string, from: number, to: number): Phase => {
    const sent = calls.filter(({ sentAt }) => sentAt >= from && sentAt < to)
    const times = sent.map(({ sentAt, endedAt }) => endedAt - sentAt).sort((a, b) => a - b)
    const at = (share: number): number =>
      times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
    const failed = sent.filter(({ isAnswered }) => !isAnswered).length
    return { name, calls: sent.length, failed, p50: at(0.5), p99: at(0.99) }
  }
  return [
    phase('before', 0, stoppedAt),
    phase('database away', stoppedAt, startedAt),
    phase('database back', startedAt, Infinity),
  ]
}

/** All that waits in the journal, the audit log's part of it included. */
async function journalBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = names
    .filter((name) => name.endsWith('.jsonl'))
    // A file may be gone meanwhile.
    .map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

const kilo = (bytes: number): string => `${Math.ceil(bytes / 1000).toLocaleString('en')} kB`

function configOf(claude: string, storage: string, journal: string): object {
  return {
    targets: {
      claude: { api: 'anthropic', endpoints: [{ url: claude, credential: 'env:SPILLWAY_OUTAGE_KEY' }] },
    },
    routes: [{ models: '*', target: 'claude' }],
    retry: { attempts: 3, baseDelay: '1ms', maxDelay: '5ms', budget: 1 },
    // A fifth of the calls meets an error.
    circuitBreaker: { enabled: false },
    storage: { url: storage, journal },
  }
}
