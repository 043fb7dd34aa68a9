/**
 * Memory of the gateway when idle and after many calls, of a key whose limits are shared over Redis, and how long a scrape of
 * `/metrics` with many circuits keeps calls waiting. `pnpm bench memory [--check]`
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { measureCalls } from './calls.ts'
import type { Figure } from './figure.ts'
import { measureLimiterKeys } from './limiter-keys.ts'
import { measureScrape } from './scrape.ts'

const parts = ['calls', 'keys', 'scrape']

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    calls: { type: 'string', default: '1000000' },
    keys: { type: 'string', default: '20000' },
    circuits: { type: 'string', default: '50000' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm bench memory [--only NAMES] [--calls N] [--keys N] [--circuits N] [--check]

Resident memory of the gateway, with all policies, SQLite, the audit log and metrics on: when it has started, during and after
many small calls, and a minute after the last one. What a key whose limits are shared over Redis takes here and there. How
long the event loop is blocked while /metrics is read, with many circuits.

  --only NAMES    of ${parts.join(', ')} (default all)
  --calls N       small calls on 16 connections (default 1000000, which takes some minutes)
  --keys N        keys over Redis (default 20000)
  --circuits N    circuits (default 50000)
  --check         exit with 1 when a bound is missed`)
  process.exit(0)
}

const only = options.only?.split(',') ?? parts
for (const part of only)
  if (!parts.includes(part)) throw new Error(`--only ${part}: there are ${parts.join(', ')}`)
console.log(`Node ${process.version}, ${cpus().length} cores\n`)

const claude = fork(new URL('../gateways/raw-claude.ts', import.meta.url), {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
})
const figures: Figure[] = []
try {
  const [{ port }] = (await once(claude, 'message')) as [{ port: number }]
  const upstream = new URL(`http://127.0.0.1:${port}`)
  if (only.includes('calls')) figures.push(...(await measureCalls(upstream, Number(options.calls))))
  if (only.includes('keys')) figures.push(...(await measureLimiterKeys(Number(options.keys))))
  if (only.includes('scrape')) figures.push(...(await measureScrape(upstream, Number(options.circuits))))
} finally {
  claude.disconnect()
}

const isMissed = ({ value, below }: Figure): boolean => below !== undefined && !(value < below)
for (const figure of figures) {
  const { name, value, unit, below } = figure
  const bound = below === undefined ? '' : `${isMissed(figure) ? 'MISSED' : 'holds '}  below ${below} ${unit}`
  console.log(`${name.padEnd(44)}${value.toFixed(1).padStart(9)} ${unit.padEnd(8)}${bound}`)
}
if (options.check && figures.some(isMissed)) process.exitCode = 1
