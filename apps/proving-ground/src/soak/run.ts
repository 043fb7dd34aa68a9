import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { askOnce, type BooksLine, checkBooks, settle } from '../books.ts'
import { type Holdings, type MonitoredGateway, type SystemHoldings, startMonitored } from '../monitored.ts'
import { type Changes, openChanges } from './changes.ts'
import { configOf } from './config.ts'
import { type Load, type SeenCall, startLoad } from './load.ts'
import { memoryLines, type Sample } from './memory-lines.ts'
import { startUpstreams } from './upstreams.ts'

export interface SoakOptions {
  readonly minutes: number
  /** Before what is held counts; in minutes. */
  readonly warmUp: number
  /** Calls a second. */
  readonly rate: number
  /** Streams that go on for long, at a time. @default 200 */
  readonly streams?: number
  /** How long each of them goes on. @default 30 */
  readonly streamSeconds?: number
  /** Processes that serve. @default 1: one that serves by itself */
  readonly workers?: number
  /** Seconds between two changes: of the configuration, a vendor's key, a client's key. 0 changes nothing. @default 15 */
  readonly changeEvery?: number
  readonly seed: number
  /** Seconds between two looks at what the gateway holds. */
  readonly every?: number
  /**
   * Seconds for which idle connections may go on when all calls have ended; 0 does not look at them. @default 45: connections to
   * upstreams are kept for 30 s
   */
  readonly idle?: number
  /** Bytes that each request leaves behind in the gateway, to see that they are found. @default 0 */
  readonly leak?: number
  /** Where snapshots of the gateway's heap are written, when it is warm and at the end of the load. @default none is */
  readonly heapSnapshots?: string | undefined
  readonly onSample?: ((samples: readonly SoakSample[]) => void) | undefined
}

/** What the gateway held, and what had happened until then. */
export interface SoakSample extends Sample {
  /** Streams that go on for long, of the calls in flight. */
  readonly streams: number
  /** Calls so far. */
  readonly sent: number
  readonly changes: Changes['counts']
}

export interface SoakResult {
  readonly samples: readonly SoakSample[]
  readonly calls: readonly SeenCall[]
  readonly faults: ReadonlyMap<string, number>
  /** Seconds for which the calls were sent. */
  readonly seconds: number
  /** Everything that is to hold. */
  readonly lines: readonly BooksLine[]
}

/** The database has a log and an index beside it once it is written to. */
const ownFiles = 3

const poolThreads = 4

/**
 * After these parts of the warm-up, the calls of some seconds are sent at once. `malloc` keeps what the most calls at a time have needed, so
 * that RSS follows the highest peak so far: once it has had one that is higher than those of the load, what rises is held.
 */
const peaks = [0.2, 0.4, 0.6]
const secondsInPeak = 4

/** Sends calls at a steady rate through the built gateway while attempts fail, and watches what it holds. */
export async function soak({
  minutes,
  warmUp,
  rate,
  streams = 200,
  streamSeconds = 30,
  workers = 1,
  changeEvery = 15,
  seed,
  every = 5,
  idle = 45,
  leak = 0,
  heapSnapshots,
  onSample,
}: SoakOptions): Promise<SoakResult> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-soak-'))
  await using upstreams = await startUpstreams(seed, streamSeconds)
  const complaints: string[] = []
  const env = { SOAK_FINGERPRINT_KEY: randomBytes(32).toString('base64') }
  const place = { upstreams, folder, workers }
  const changes = await openChanges(place, { ...process.env, ...env })
  const gateway = await startMonitored({
    ...{ config: configOf(place), folder, env, leak },
    onComplaint: (text) => void complaints.push(text),
    onExit: (how) => void complaints.push(`the gateway ended: ${how}`),
  })
  let load: Load | undefined
  try {
    // The thread of the database begins with its first use.
    await askOnce(`${gateway.url}/api/summary?range=1h`)
    const before = await gateway.holdings()
    const startedAt = performance.now()
    const seconds = (): number => (performance.now() - startedAt) / 1_000
    const isWarmingUp = (): boolean => seconds() < warmUp * 60
    load = startLoad({
      url: gateway.url,
      rate,
      streams,
      streamSeconds,
      seed,
      isWarmingUp,
      keyOf: changes.keyOf,
    })
    if (changeEvery > 0) changes.start(changeEvery)
    const samples: SoakSample[] = []
    const peaksToCome = warmUp > 0 ? [...peaks] : []
    const snapshot = async (name: string): Promise<void> => {
      if (heapSnapshots !== undefined) await gateway.snapshot(join(heapSnapshots, `${name}.heapsnapshot`))
    }
    while (seconds() < minutes * 60) {
      await pause(Math.min(every, Math.max(0.1, minutes * 60 - seconds())) * 1_000)
      const { inFlight, sent } = load
      const counts = { inFlight, streams: load.streams, sent, changes: { ...changes.counts } }
      const sample = { at: seconds(), ...counts, ...(await gateway.holdings()) }
      samples.push(sample)
      onSample?.(samples)
      const isFirst = sample.at >= warmUp * 60 && (samples.at(-2)?.at ?? 0) < warmUp * 60
      if (isFirst) await snapshot('warm')
      if (sample.at < (peaksToCome[0] ?? Infinity) * warmUp * 60) continue
      peaksToCome.shift()
      load.peak(secondsInPeak * rate)
    }
    const duration = seconds()
    await snapshot('end')
    await changes.stop()
    await load.stop()
    const database = `sqlite:${folder}/books.db`
    await settle(gateway.url, database)
    const left = load.calls.filter(({ result }) => ['left', 'closed', 'cut'].includes(result)).length
    const books = await checkBooks(gateway.url, database, {
      // Who is refused at the door is in no book.
      calls: load.sent - left - load.calls.filter(({ result }) => result === '401').length,
      unknownCalls: left,
      requests: upstreams.requests,
    })
    const after = await idleHoldings(gateway, before.descriptors + ownFiles, idle)
    const lines = [
      ...memoryLines(samples.filter(({ at }) => at >= warmUp * 60)),
      handlesLine(before, after),
      threadsLine(before.threads, after.threads),
      line(
        'temporary files left behind',
        gateway.temporaryFiles().join(', ') || 'none',
        gateway.temporaryFiles().length === 0,
      ),
      ...(idle > 0 ? [descriptorsLine(before.descriptors, after.descriptors)] : []),
      ...books,
      line(
        'what it wrote to stderr',
        complaints.join(' ').slice(0, 500) || 'nothing',
        complaints.length === 0,
      ),
      ...callLines(load.calls),
      ...(changeEvery > 0 ? [changesLine(changes)] : []),
    ]
    lines.push(line('ends in order after SIGTERM', '', await gateway.stop(20_000)))
    return { samples, calls: load.calls, faults: upstreams.faults, seconds: duration, lines }
  } finally {
    // After an error they would go on for ever.
    await changes.stop().catch(() => {})
    void load?.stop()
    await gateway.stop(1_000)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the gateway holds when its calls have ended and, given the time, its idle connections have, too. */
async function idleHoldings(
  gateway: MonitoredGateway,
  descriptors: number,
  seconds: number,
): Promise<Holdings & SystemHoldings> {
  const end = performance.now() + Math.max(2, seconds) * 1_000
  let holdings: Holdings & SystemHoldings
  do {
    await pause(2_000)
    holdings = await gateway.holdings()
  } while (holdings.descriptors > descriptors && performance.now() < end)
  return holdings
}

/** How many open connections there are while calls come says how many calls there are: what leaks is what stays open. */
function descriptorsLine(before: number, after: number): BooksLine {
  const seen = `${before} before the first call, ${after} when the connections were closed after the last`
  return line('descriptors left behind', seen, after <= before + ownFiles)
}

/** The pool of libuv starts its threads one by one, with the first work for each. */
function threadsLine(before: number, after: number): BooksLine {
  return line(
    'threads',
    `${before} before the first call, ${after} after the last`,
    after <= before + poolThreads,
  )
}

/** Nothing that keeps the process alive is left when all calls have ended, but connections that may be used again. */
function handlesLine(before: Holdings, after: Holdings): BooksLine {
  const left = Object.entries(after.resources).filter(
    ([name, count]) => name !== 'TCPSocketWrap' && count > (before.resources[name] ?? 0),
  )
  const seen = left.map(([name, count]) => `${count} ${name}`).join(', ')
  return line('handles left behind', seen || 'none', left.length === 0)
}

/** Faults are rescued before the first content; afterwards a stream may end with an error event, but never be cut. */
function callLines(calls: readonly SeenCall[]): BooksLine[] {
  const share = (results: readonly string[]): number =>
    calls.filter(({ result }) => results.includes(result)).length / Math.max(1, calls.length)
  const broken = share(['cut', 'closed'])
  const answered = share(['200', 'error event', 'left'])
  const long = calls.filter(({ isLong }) => isLong)
  const whole = long.filter(({ result }) => result === '200').length
  return [
    line('long streams that were whole', `${whole} of ${long.length}`, whole === long.length),
    line('calls refused with 401', `${(share(['401']) * 100).toFixed(2)} %`, share(['401']) === 0),
    line('connections that were cut', `${(broken * 100).toFixed(3)} %`, broken === 0),
    line('calls with a 200', `${(answered * 100).toFixed(2)} % (99 % or more)`, answered >= 0.99),
  ]
}

function changesLine({ counts }: Changes): BooksLine {
  const { reloads, vendorKeys, clientKeys } = counts
  const seen = `${reloads} reloads, ${vendorKeys} new keys of vendors, ${clientKeys} of clients`
  return line('what was changed meanwhile', seen, reloads > 0)
}

const line = (what: string, seen: string, holds: boolean): BooksLine => ({ what, seen, holds })
