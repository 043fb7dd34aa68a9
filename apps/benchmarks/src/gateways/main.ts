import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { median, rotated } from '../measure.ts'
import { closedLoop } from './closed-loop.ts'
import { type Latencies, openLoop } from './open-loop.ts'
import { type Prompt, prompts } from './prompts.ts'
import { type ClosedRow, type IdleRow, type OpenRow, report } from './report.ts'
import { type RunningRival, rivals } from './rivals.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '10' },
    warm: { type: 'string', default: '25000' },
    loads: { type: 'string' },
    rates: { type: 'string', default: '100,1000,3000' },
    write: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm bench gateways [--only NAMES] [--rounds N] [--loads NAMES] [--rates N,N] [--seconds N] [--warm N] [--write FILE]
                            [--check]

Measures gateways side by side on this machine, in front of a simulated Claude that costs next to nothing: what a call costs in a
closed loop (CPU of all processes of the gateway), and what it adds in an open loop at fixed rates, with and without faults. All
take turns in each round; figures are medians, and ratios are medians of the rounds' ratios.

  --only NAMES    of ${Object.keys(rivals).join(', ')}; default: all that are there
  --rounds N      rounds of the closed loop (default 7)
  --loads NAMES   of ${Object.keys(loadTable()).join(', ')}; default: all
  --rates N,N     calls a second of the open loop (default 100,1000,3000); 0 leaves it out
  --seconds N     how long each rate is kept (default 10)
  --warm N        small calls to each gateway before anything is measured (default 25000), so that its code is compiled as it is in
                  service; at most 15 seconds of them
  --write FILE    the tables, as Markdown
  --check         exit with 1 when a bound is missed

What is not there is said and left out; how to get it is said too.`)
  process.exit(0)
}

/** For one gateway, in milliseconds. */
const longestWarmUp = 15_000

/** A closed loop. */
interface Load {
  readonly prompt: Prompt
  readonly connections: number
  /** Calls in one measurement. */
  readonly calls: number
}

function loadTable(): Readonly<Record<string, Load>> {
  const { json, stream, long, huge } = prompts
  return {
    'json-1': { prompt: json, connections: 1, calls: 1_500 },
    'json-16': { prompt: json, connections: 16, calls: 6_000 },
    'json-256': { prompt: json, connections: 256, calls: 6_000 },
    'sse-16': { prompt: stream, connections: 16, calls: 800 },
    '450kB-4': { prompt: long, connections: 4, calls: 1_000 },
    '2MB-2': { prompt: huge, connections: 2, calls: 200 },
  }
}

const loads = Object.entries(loadTable()).filter(
  ([name]) => options.loads === undefined || options.loads.split(',').includes(name),
)
const asked = options.only?.split(',') ?? Object.keys(rivals)
const present = asked.flatMap((name) => {
  const rival = rivals[name]
  if (rival === undefined) throw new Error(`--only ${name}: there are ${Object.keys(rivals).join(', ')}`)
  const missing = rival.missing()
  if (missing !== undefined) console.log(`${rival.name} is left out: ${missing}`)
  return missing === undefined ? [rival] : []
})
console.log(`Node ${process.version}, ${cpus().length} cores\n`)

const claude = fork(new URL('./raw-claude.ts', import.meta.url), {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
})
const upstream = await portOf(claude)
const idle: IdleRow[] = []
const closed: ClosedRow[] = []
const opened: OpenRow[] = []
const running: { name: string; rival: RunningRival }[] = []
try {
  for (const { name, start } of present) {
    const rival = await start([upstream])
    running.push({ name, rival })
    idle.push({ rival: name, startedIn: rival.startedIn, memory: rival.memory() })
    console.log(`${name}: started in ${rival.startedIn.toFixed(0)} ms, ${megabytes(rival.memory())} MB`)
  }
  for (const { name, rival } of running) await warmUp(name, rival)
  for (const [, load] of loads) closed.push(...(await measureClosed(load)))
  for (const rate of options.rates
    .split(',')
    .map(Number)
    .filter((each) => each > 0)) {
    for (const faults of [undefined, { refused: 0.05, stalled: 0.01 }])
      opened.push(...(await measureOpen(rate, faults)))
  }
} finally {
  for (const { rival } of running) await rival.stop()
  claude.disconnect()
}
const { text, missed } = report(idle, closed, opened)
console.log(`\n${text}`)
for (const line of missed) console.log(`MISSED  ${line}`)
if (options.write !== undefined) writeFileSync(options.write, `${text}\n`)
if (options.check && missed.length > 0) process.exitCode = 1

/** What is cold costs compilation, which no gateway in service pays for long. */
async function warmUp(name: string, rival: RunningRival): Promise<void> {
  const piece = 1_000
  const calls = Number(options.warm) || 0
  const startedAt = performance.now()
  for (let sent = 0; sent < calls && performance.now() - startedAt < longestWarmUp; sent += piece) {
    show(`${name}: warming up, ${sent} of ${calls} calls`)
    try {
      await closedLoop(rival, {
        connections: 16,
        body: prompts.json.body,
        calls: Math.min(piece, calls - sent),
      })
    } catch {
      // What it refuses is said where it is measured.
      break
    }
  }
  show('')
}

async function measureClosed({ prompt, connections, calls }: Load): Promise<ClosedRow[]> {
  const name = `${prompt.name}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`
  const rows = new Map<string, { cpu: number[]; rate: number[]; failed?: string }>()
  for (const { name: rival } of running) rows.set(rival, { cpu: [], rate: [] })
  const rounds = Math.max(1, Number(options.rounds) || 7)
  for (let round = -1; round < rounds; round++) {
    show(`${name}: round ${round + 1} of ${rounds}`)
    for (const each of rotated(running, round + 1)) {
      const row = rows.get(each.name)
      if (row === undefined || row.failed !== undefined) continue
      try {
        const cost = await closedLoop(each.rival, { connections, body: prompt.body, calls })
        if (round < 0) continue
        row.cpu.push(cost.cpuPerCall)
        row.rate.push(cost.callsPerSecond)
      } catch (error) {
        row.failed = (error as Error).message
      }
    }
  }
  show('')
  return running.map((each): ClosedRow => {
    const { cpu, rate, failed } = rows.get(each.name) ?? { cpu: [], rate: [] }
    const row = { load: name, rival: each.name, cpu, callsPerSecond: failed ? 0 : median(rate), failed }
    console.log(
      `${name}  ${each.name}: ${failed ?? `${median(cpu).toFixed(0)} µs a call, ${row.callsPerSecond.toFixed(0)}/s`}, ${megabytes(each.rival.memory())} MB`,
    )
    return { ...row, memory: each.rival.memory() }
  })
}

async function measureOpen(
  perSecond: number,
  faults: { readonly refused: number; readonly stalled: number } | undefined,
): Promise<OpenRow[]> {
  const rows: OpenRow[] = []
  for (const { name, rival } of running) {
    // No rival that retries is in the way of those that do.
    const latencies: Latencies = await openLoop(rival, {
      ...{ body: prompts.json.body, perSecond, faults },
      seconds: Number(options.seconds) || 10,
    })
    rows.push({ rival: name, perSecond, hasFaults: faults !== undefined, latencies })
    const { p50, p99, p999, failed, calls } = latencies
    console.log(
      `${perSecond}/s${faults ? ' with faults' : ''}  ${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)}, p99.9 ${p999.toFixed(2)}; ${failed} of ${calls} failed`,
    )
  }
  return rows
}

async function portOf(child: ChildProcess): Promise<URL> {
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return new URL(`http://127.0.0.1:${port}`)
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}

function show(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
