/** A database that goes away under load. `pnpm bench:outage [--outage S] [--rate N] [--only NAME] [--check]` */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Database, postgresDatabase, sqliteDatabase } from './databases.ts'
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
  console.log(`Usage: pnpm bench:outage [--outage S] [--rate N] [--only postgres|sqlite|kill] [--check]

Sends calls at a steady rate through a gateway whose database goes away for a minute and comes back: a PostgreSQL of
its own, which is stopped; a SQLite file, which another program locks; and PostgreSQL once more, with the gateway
killed and started again meanwhile. Compares the rows with what the clients and the upstream saw.

  --outage S   seconds that the database is away (default 60)
  --rate N     calls a second (default 100)
  --only NAME  one of the three alone
  --check      exit with 1 when something does not hold`)
  process.exit(0)
}
const outage = positive('outage')
const rate = positive('rate')
const scenarios = ['postgres', 'sqlite', 'kill']
if (options.only !== undefined && !scenarios.includes(options.only)) {
  console.error(`--only: expected one of ${scenarios.join(', ')}, but got ${options.only}`)
  process.exit(2)
}

const folder = await mkdtemp(join(tmpdir(), 'spillway-outage-'))
let isMissed = false
try {
  for (const scenario of scenarios.filter((name) => name === (options.only ?? name))) {
    const place = join(folder, scenario)
    const database = scenario === 'sqlite' ? sqliteDatabase(place) : await postgresDatabase()
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
        kill: scenario === 'kill',
        onProgress: (line) => console.error(line),
      })
      print(database, scenario === 'kill', run)
      isMissed ||= run.figures.some(({ holds }) => !holds)
    } finally {
      await database.remove()
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
if (options.check && isMissed) process.exitCode = 1

function print(database: Database, isKilled: boolean, { phases, figures }: Run): void {
  const also = isKilled ? '; the gateway killed and started again meanwhile' : ''
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
