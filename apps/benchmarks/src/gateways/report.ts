import { median } from '../measure.ts'
import type { Latencies } from './open-loop.ts'

/** A gateway under one closed loop. */
export interface ClosedRow {
  readonly load: string
  readonly rival: string
  /** CPU microseconds a call, by round. */
  readonly cpu: readonly number[]
  readonly callsPerSecond: number
  /** Resident bytes afterwards. */
  readonly memory: number
  /** Why it could not be measured. */
  readonly failed: string | undefined
}

/** A gateway at one rate. */
export interface OpenRow {
  readonly rival: string
  readonly perSecond: number
  readonly hasFaults: boolean
  readonly latencies: Latencies
}

/** A gateway before its first call. */
export interface IdleRow {
  readonly rival: string
  /** Milliseconds from its start to its first answer. */
  readonly startedIn: number
  /** Resident bytes. */
  readonly memory: number
}

const baseline = 'bare Node proxy'
/** Which of ours is to be ahead of which, in CPU a call and in memory. */
const ahead: readonly { readonly ours: string; readonly theirs: string }[] = [
  { ours: 'Spillway, SQLite', theirs: 'claude gateway' },
  { ours: 'Spillway, SQLite', theirs: 'claude gateway, spend limits' },
]

/** Resident megabytes of Spillway at most: before its first call, and after the loads. */
const mostMemory = { idle: 90, afterwards: 220 }

/** What is promised: CPU a call against the bare proxy, by load and gateway. */
const bounds: readonly { readonly load: RegExp; readonly rival: string; readonly atMost: number }[] = [
  { load: /^JSON, 16/, rival: 'Spillway, SQLite', atMost: 1.8 },
  { load: /^JSON, 16/, rival: 'Spillway, no storage', atMost: 1.5 },
  { load: /^SSE/, rival: 'Spillway, SQLite', atMost: 1.15 },
  { load: /^450 kB/, rival: 'Spillway, SQLite', atMost: 1.3 },
]

/** Added latency at 1,000 calls a second beyond the bare proxy, in milliseconds. */
const added = { p50: 0.15, p99: 1, p99UnderFaults: 2 }

/** Calls a second beside Portkey's, at least. */
const timesPortkey = 4.5

/** Tables in Markdown, and the bounds that were missed. */
export function report(
  idle: readonly IdleRow[],
  closed: readonly ClosedRow[],
  opened: readonly OpenRow[],
): { text: string; missed: string[] } {
  const missed: string[] = [...behind(closed), ...slow(closed), ...tooLarge(idle, closed)]
  const lines = [
    '| gateway | start | idle | after the loads |',
    '| --- | ---: | ---: | ---: |',
    ...idle.map(({ rival, startedIn, memory }) => {
      const last = closed.findLast((row) => row.rival === rival)
      const cells = [`${startedIn.toFixed(0)} ms`, inMegabytes(memory), last ? inMegabytes(last.memory) : '']
      return `| ${[rival, ...cells].join(' | ')} |`
    }),
    '',
    '| load | gateway | CPU a call | to the bare proxy | calls/s | memory |',
    '| --- | --- | ---: | ---: | ---: | ---: |',
  ]
  for (const row of closed) {
    const base = closed.find(({ load, rival }) => load === row.load && rival === baseline)
    const ratio = base === undefined || row.failed !== undefined ? undefined : ratioOf(row, base)
    const cells =
      row.failed === undefined
        ? [`${median(row.cpu).toFixed(0)} µs`, ratio?.toFixed(2) ?? '', row.callsPerSecond.toFixed(0)]
        : [`fails: ${row.failed}`, '', '']
    lines.push(`| ${[row.load, row.rival, ...cells, inMegabytes(row.memory)].join(' | ')} |`)
    for (const { load, rival, atMost } of bounds)
      if (load.test(row.load) && rival === row.rival && ratio !== undefined && ratio > atMost)
        missed.push(`${row.load}, ${rival}: ${ratio.toFixed(2)}x the bare proxy, at most ${atMost}x`)
  }
  if (opened.length > 0)
    lines.push(
      '',
      '| calls/s | faults | gateway | p50 | p99 | p99.9 | failed |',
      '| ---: | --- | --- | ---: | ---: | ---: | ---: |',
    )
  for (const { perSecond, hasFaults, rival, latencies } of opened) {
    const { p50, p99, p999, failed, calls } = latencies
    const share = `${failed} of ${calls}`
    const figures = [p50, p99, p999].map((ms) => `${ms.toFixed(2)} ms`)
    lines.push(
      `| ${[perSecond, hasFaults ? '5 % 529, 1 % stalls' : 'none', rival, ...figures, share].join(' | ')} |`,
    )
    const base = opened.find(
      (each) => each.rival === baseline && each.perSecond === perSecond && !each.hasFaults,
    )?.latencies
    if (base === undefined || perSecond !== 1_000 || !rival.startsWith('Spillway')) continue
    const more = { p50: p50 - base.p50, p99: p99 - base.p99 }
    if (!hasFaults && more.p50 > added.p50)
      missed.push(`${rival} at 1,000/s adds ${more.p50.toFixed(2)} ms at p50, at most ${added.p50}`)
    if (more.p99 > (hasFaults ? added.p99UnderFaults : added.p99))
      missed.push(
        `${rival} at 1,000/s${hasFaults ? ' under faults' : ''} adds ${more.p99.toFixed(2)} ms at p99`,
      )
  }
  return { text: lines.join('\n'), missed }
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

/** Where we are behind those that we are to be ahead of. */
function behind(closed: readonly ClosedRow[]): string[] {
  return closed.flatMap((row) =>
    ahead.flatMap(({ ours, theirs }) => {
      const other = closed.find(({ load, rival }) => load === row.load && rival === theirs)
      if (row.rival !== ours || row.failed !== undefined || other === undefined || other.failed !== undefined)
        return []
      const ratio = ratioOf(row, other)
      return [
        ...(ratio > 1 ? [`${row.load}, ${ours}: ${ratio.toFixed(2)}x the CPU of ${theirs}`] : []),
        ...(row.memory > other.memory
          ? [`${row.load}, ${ours}: ${inMegabytes(row.memory)}, ${theirs} ${inMegabytes(other.memory)}`]
          : []),
      ]
    }),
  )
}

/** Where we do not answer as many calls a second as we are to, beside Portkey. */
function slow(closed: readonly ClosedRow[]): string[] {
  return closed.flatMap((row) => {
    const other = closed.find(({ load, rival }) => load === row.load && rival === 'Portkey')
    if (row.rival !== 'Spillway, SQLite' || other === undefined) return []
    if (row.failed !== undefined || other.failed !== undefined) return []
    const ratio = row.callsPerSecond / other.callsPerSecond
    return ratio >= timesPortkey
      ? []
      : [
          `${row.load}, ${row.rival}: ${ratio.toFixed(1)}x the calls a second of Portkey, at least ${timesPortkey}x`,
        ]
  })
}

function tooLarge(idle: readonly IdleRow[], closed: readonly ClosedRow[]): string[] {
  // Bounds of one process.
  const ours = idle.filter(({ rival }) => rival.startsWith('Spillway') && !rival.endsWith('workers'))
  return ours.flatMap(({ rival, memory }) => {
    const last = closed.findLast((row) => row.rival === rival)?.memory ?? 0
    return [
      ...(memory > mostMemory.idle * 1e6
        ? [`${rival}, idle: ${inMegabytes(memory)}, at most ${mostMemory.idle} MB`]
        : []),
      ...(last > mostMemory.afterwards * 1e6
        ? [`${rival}, after the loads: ${inMegabytes(last)}, at most ${mostMemory.afterwards} MB`]
        : []),
    ]
  })
}

/** The median of the ratios, round by round. */
function ratioOf(of: ClosedRow, to: ClosedRow): number {
  return median(of.cpu.map((value, round) => value / (to.cpu[round] ?? Number.NaN)))
}
