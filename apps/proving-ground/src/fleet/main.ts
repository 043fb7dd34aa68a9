import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { hasRedis } from '@spillway/testing'
import type { Figure } from './figure.ts'
import { type FleetOptions, limitsPart, type Phase, runFleet } from './run.ts'
import { troubles } from './trouble.ts'

const usage = (): string => `Usage: pnpm prove fleet [options]

Three gateways, each a real "spillway start", on one Redis and one PostgreSQL in front of a simulated vendor. First limits and budgets at five
times their load; then, under load, reloads, new keys, revocation, and the end of each process in turn. At last what clients, vendor
and ledger know of each call is compared. It takes about five minutes.

  --workers N    worker processes of each gateway (default 2)
  --gateways N   gateways (default 3)
  --seconds N    how long a piece of trouble lasts (default 8)
  --rate N       calls a second under trouble (default 60)
  --only LIST    these parts alone, by their names between commas: ${limitsPart},
                 ${troubles(2)
                   .map(({ name }) => name)
                   .join(',\n                 ')}
  --seed N       where chance begins (default 1)
  --logs DIR     write what each gateway says to stderr into this folder
  --check        exit with 1 when something does not hold`

/** `pnpm prove fleet`: resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const number = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ workers: number('2'), gateways: number('3'), seconds: number('8'), rate: number('60') },
      ...{ seed: number('1'), only: { type: 'string' }, logs: { type: 'string' } },
      ...{ check: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
    },
  })
  if (values.help) {
    console.log(usage())
    return 0
  }
  if (!hasRedis()) throw new Error('redis-server is not installed; on Debian: apt-get install redis-server')
  const whole = (name: 'workers' | 'gateways' | 'seconds' | 'rate' | 'seed'): number => {
    const value = Number(values[name])
    if (value >= (name === 'seed' ? 0 : 1) && value <= 10_000) return value
    throw new RangeError(`--${name}: expected a number, but got ${values[name]}`)
  }
  if (values.logs !== undefined) mkdirSync(values.logs, { recursive: true })
  const options: FleetOptions = {
    ...{ workers: whole('workers'), gateways: whole('gateways'), seconds: whole('seconds') },
    ...{ rate: whole('rate'), seed: whole('seed'), only: values.only?.split(',').map((name) => name.trim()) },
    ...{ logs: values.logs, progress: teller() },
  }
  const startedAt = performance.now()
  const { phases, figures } = await runFleet(options)
  options.progress('')
  const { gateways, workers, seed } = options
  console.log(
    `\n${gateways} gateways with ${workers} ${workers === 1 ? 'process' : 'workers'} each, seed ${seed}, ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`,
  )
  if (phases.length > 0) console.log(`${phaseTable(phases)}\n`)
  console.log(figureTable(figures))
  const missed = figures.filter(({ holds }) => !holds)
  console.log(missed.length === 0 ? '\nall of it holds' : `\n${missed.length} of ${figures.length} missed`)
  return values.check && missed.length > 0 ? 1 : 0
}

/** One line that is written over, or, where that cannot be, a line now and then. */
function teller(): (text: string) => void {
  if (process.stderr.isTTY) return (text) => void process.stderr.write(`\r\u001b[K${text}`)
  let toldAt = -Infinity
  let last = ''
  return (text) => {
    const [name = ''] = text.split(',')
    if (text === '' || (name === last && performance.now() - toldAt < 5_000)) return
    last = name
    toldAt = performance.now()
    console.error(text)
  }
}

function phaseTable(phases: readonly Phase[]): string {
  const rows = phases.map(({ name, calls, answered, killed, wrong, p50, p99 }) => [
    ...[name, calls, answered, killed, wrong].map(String),
    ...[p50, p99].map((ms) => ms.toFixed(0)),
  ])
  return table([['under load', 'calls', 'answered', 'in killed', 'wrong', 'p50 ms', 'p99 ms'], ...rows])
}

function figureTable(figures: readonly Figure[]): string {
  return table([
    ['', 'what', 'wanted', 'seen'],
    ...figures.map(({ what, wanted, seen, holds }) => [holds ? 'holds' : 'MISSED', what, wanted, seen]),
  ])
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  const isNumber = (column: number): boolean => rows.slice(1).every((row) => /^\d+$/.test(row[column] ?? ''))
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
