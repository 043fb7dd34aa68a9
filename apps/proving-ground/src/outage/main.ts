/** A database that goes away under load. `pnpm prove outage [--outage S] [--rate N] [--only NAME] [--check]` */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Database, fullDisk, postgresDatabase, sqliteDatabase } from './databases.ts'
import { type Run, runOutage } from './run.ts'

const { values: options } = parseArgs({
  options: {
    outage: { type: 'string', default: '60' },
    rate: { type: 'string', default: '100' },
    only: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (options.help) {
  console.log(`Usage: pnpm prove outage [--outage S] [--rate N] [--only NAME] [--check]

Sends calls at a steady rate through a gateway whose database goes away for a minute and comes back. Compares the rows with
what the clients and the upstream saw.

  postgres     a PostgreSQL of its own is stopped
  sqlite       another program locks a SQLite file
  kill         PostgreSQL is stopped, and the gateway killed and started again meanwhile
  frozen       PostgreSQL is frozen (SIGSTOP), and the gateway ended in order and started again meanwhile
  locked       a table of PostgreSQL is locked, and the gateway ended in order and started again meanwhile
  far          PostgreSQL is 60 ms away all the time
  refusing     a rule of PostgreSQL refuses one row
  two          two gateways share a folder, and PostgreSQL is stopped
  full         the disk of a SQLite file is full (a small one in memory; needs the right to mount it)

  --outage S   seconds that the database is away (default 60)
  --rate N     calls a second (default 100)
  --only NAME  one of them alone
  --check      exit with 1 when something does not hold`)
  process.exit(0)
}
const outage = positive('outage')
const rate = positive('rate')
/** What happens to the gateway. */
const scenarios: Readonly<Record<string, { kill?: boolean; end?: boolean; two?: boolean; also?: string }>> = {
  postgres: {},
  sqlite: {},
  kill: { kill: true, also: '; the gateway killed and started again meanwhile' },
  frozen: { end: true, also: '; the gateway ended and started again meanwhile' },
  locked: { end: true, also: '; the gateway ended and started again meanwhile' },
  far: {},
  refusing: {},
  two: { two: true, also: '; two gateways in one folder' },
  full: {},
}

async function open(scenario: string, place: string): Promise<Database | undefined> {
  if (scenario === 'sqlite') return sqliteDatabase(place)
  if (scenario === 'full') return fullDisk(place)
  if (scenario === 'frozen' || scenario === 'locked' || scenario === 'far' || scenario === 'refusing')
    return postgresDatabase(scenario)
  return postgresDatabase()
}
if (options.only !== undefined && !Object.hasOwn(scenarios, options.only)) {
  console.error(`--only: expected one of ${Object.keys(scenarios).join(', ')}, but got ${options.only}`)
  process.exit(2)
}

const folder = await mkdtemp(join(tmpdir(), 'spillway-outage-'))
let isMissed = false
try {
  for (const [scenario, { also = '', ...what }] of Object.entries(scenarios)) {
    if (scenario !== (options.only ?? scenario)) continue
    const place = join(folder, scenario)
    const database = await open(scenario, place)
    if (database === undefined) {
      isMissed = true
      continue
    }
    try {
      const run = await runOutage({
        database,
        folder: place,
        callsPerSecond: rate,
        before: 10,
        outage,
        after: 10,
        ...what,
        onProgress: (line) => console.error(line),
      })
      print(database, also, run)
      isMissed ||= run.figures.some(({ holds }) => !holds)
    } finally {
      await database.remove()
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
if (options.check && isMissed) process.exitCode = 1

function print(database: Database, also: string, { phases, figures }: Run): void {
  console.log(`\n${database.name}: ${database.outage} for ${outage} s, ${rate} calls a second${also}\n`)
  console.log(
    `  ${''.padEnd(14)} ${'calls'.padStart(7)} ${'failed'.padStart(7)} ${'p50 ms'.padStart(8)} ${'p99 ms'.padStart(8)}`,
  )
  for (const { name, calls, failed, p50, p99 } of phases)
    console.log(
      `  ${name.padEnd(14)} ${String(calls).padStart(7)} ${String(failed).padStart(7)} ${p50.toFixed(1).padStart(8)} ${p99.toFixed(1).padStart(8)}`,
    )
  console.log('')
  for (const { what, seen, target, holds } of figures)
    console.log(`  ${holds ? 'holds ' : 'MISSED'}  ${what}: ${seen} (${target})`)
}

function positive(name: 'outage' | 'rate'): number {
  const value = Number(options[name])
  if (value > 0 && value <= 100_000) return value
  console.error(`--${name}: expected a number above 0, but got ${options[name]}`)
  process.exit(2)
}
