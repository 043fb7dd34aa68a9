import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { Agent } from 'undici'
import { startChild } from '../child.ts'
import { median } from '../measure.ts'
import { openStreams, type Seen } from './open-streams.ts'

const { values: options } = parseArgs({
  options: {
    streams: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    chunks: { type: 'string', default: '20' },
    every: { type: 'string', default: '1000' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm bench streams [--streams N] [--rounds N] [--chunks N] [--every MS] [--check]

Opens many paced streams at the same time, through a bare proxy and through the gateway in turn, and compares what their
client sees: time to first byte, how late each chunk is, and what a stream costs in memory and CPU. Medians of rounds.

  --streams N   concurrent streams (default 2000)
  --rounds N    rounds (default 3)
  --chunks N    chunks a stream (default 20), one every --every milliseconds (default 1000)
  --check       exit with 1 when a bound is missed`)
  process.exit(0)
}

const load = {
  streams: Number(options.streams),
  chunks: Number(options.chunks),
  everyMs: Number(options.every),
  rampMs: Math.min(4_000, (Number(options.chunks) * Number(options.every)) / 2),
}
const rounds = Math.max(1, Number(options.rounds))

interface Figures {
  readonly whole: number
  readonly firstByte: readonly [p50: number, p99: number]
  readonly late: readonly [p50: number, p99: number, most: number]
  readonly kilobytes: number
  readonly cpuMicroseconds: number
}

console.log(
  `Node ${process.version}, ${cpus().length} cores; ${load.streams} streams at a time, ${load.chunks} chunks each, one every ${load.everyMs} ms; medians of ${rounds} rounds\n`,
)

const upstream = await startChild('paced')
const figures: Record<'bare proxy' | 'gateway', Figures[]> = { 'bare proxy': [], gateway: [] }
for (let round = 0; round < rounds; round++) {
  for (const kind of ['proxy', 'gateway'] as const) {
    const name = kind === 'proxy' ? 'bare proxy' : kind
    const measured = await measureOnce(kind)
    figures[name].push(measured)
    const [p50, p99] = measured.firstByte
    console.error(
      `round ${round + 1} of ${rounds}, ${name}: first byte p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`,
    )
  }
}
await upstream.stop()
report()

/** A fresh server each time: what it holds while all streams are open is compared with what it held before. */
async function measureOnce(kind: 'proxy' | 'gateway'): Promise<Figures> {
  const server = await startChild(kind, upstream.url)
  const agent = new Agent({ keepAliveTimeout: 1 })
  try {
    // Compiles the code and lets V8's young generation grow: neither belongs to a single stream.
    await openStreams(server.url, agent, { ...load, streams: 500, chunks: 10, everyMs: 100, rampMs: 500 })
    const before = await server.memory()
    const cpuBefore = await server.cpu()
    const running = openStreams(server.url, agent, load)
    // All have begun, and none has ended.
    const middle = load.rampMs + (load.chunks * load.everyMs - load.rampMs) / 2
    const peak = new Promise<number>((resolve) => setTimeout(() => resolve(server.memory()), middle))
    const seen = await running
    const kilobytes = ((await peak) - before) / 1024 / load.streams
    return {
      ...figuresOf(seen),
      kilobytes,
      cpuMicroseconds: ((await server.cpu()) - cpuBefore) / load.streams,
    }
  } finally {
    await agent.close()
    await server.stop()
  }
}

function figuresOf({
  whole,
  broken,
  firstBytes,
  delays,
}: Seen): Pick<Figures, 'whole' | 'firstByte' | 'late'> {
  for (const why of broken) console.error(`broken: ${why}`)
  return {
    whole,
    firstByte: [quantile(firstBytes, 0.5), quantile(firstBytes, 0.99)],
    late: [quantile(delays, 0.5), quantile(delays, 0.99), quantile(delays, 1)],
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

function report(): void {
  const of = (name: keyof typeof figures, read: (each: Figures) => number): number =>
    median(figures[name].map(read))
  const columns: readonly (readonly [title: string, read: (each: Figures) => number, digits: number])[] = [
    ['whole', ({ whole }) => whole, 0],
    ['first byte p50', ({ firstByte }) => firstByte[0], 1],
    ['p99 ms', ({ firstByte }) => firstByte[1], 1],
    ['late p50', ({ late }) => late[0], 2],
    ['p99 ms', ({ late }) => late[1], 2],
    ['kB a stream', ({ kilobytes }) => kilobytes, 1],
    ['CPU us a stream', ({ cpuMicroseconds }) => cpuMicroseconds, 0],
  ]
  const names = ['bare proxy', 'gateway'] as const
  console.log(`${''.padEnd(12)}${columns.map(([title]) => title.padStart(17)).join('')}`)
  for (const name of names) {
    const cells = columns.map(([, read, digits]) => of(name, read).toFixed(digits).padStart(17))
    console.log(`${name.padEnd(12)}${cells.join('')}`)
  }
  const pairs = figures.gateway.map((each, round) => [each, figures['bare proxy'][round] as Figures] as const)
  const whole = Math.min(...figures.gateway.map((each) => each.whole))
  const firstByte = median(pairs.map(([ours, bare]) => ours.firstByte[1] / bare.firstByte[1]))
  const late = median(pairs.map(([ours, bare]) => ours.late[1] - bare.late[1]))
  const kilobytes = of('gateway', (each) => each.kilobytes)
  const bounds: readonly (readonly [holds: boolean, line: string])[] = [
    [whole === load.streams, `all streams whole: ${whole} of ${load.streams}`],
    [firstByte <= 2, `first byte at p99: ${firstByte.toFixed(2)}x the bare proxy's, at most 2x`],
    [late <= 10, `a chunk at p99: ${late.toFixed(2)} ms later than through the bare proxy, at most 10 ms`],
    [kilobytes < 60, `memory: ${kilobytes.toFixed(1)} kB a stream, under 60 kB`],
  ]
  console.log('')
  for (const [holds, line] of bounds) console.log(`  ${holds ? 'holds ' : 'MISSED'}  ${line}`)
  if (options.check && bounds.some(([holds]) => !holds)) process.exitCode = 1
}
