import { parseArgs } from 'node:util'
import { columns, figuresOf, judgeDay, seedColumns, seedRow, tableOf } from './judge.ts'
import { type SimulatedDay, writePage } from './page.ts'
import { type SchedulerName, simulateDay } from './run.ts'

/** `pnpm prove day`: resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      hours: { type: 'string', default: '24' },
      agents: { type: 'string', default: '500' },
      start: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      days: { type: 'string', default: '1' },
      check: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (options.help) {
    console.log(`Usage: pnpm prove day [--hours N] [--agents N] [--start HOUR] [--seed N] [--days N] [--check] [--write-docs]

Simulates a day of agents in front of a vendor whose limits are real, on the virtual clock: through the limiter, and through a
scheduler that knows everything. Takes two minutes a day.

  --hours N     how long the day is (default 24)
  --agents N    how many agents there are (default 500); the vendor's limits grow with them
  --start HOUR  the hour at which it begins (default 0)
  --seed N      where chance begins (default 1)
  --days N      how many days are simulated, each with the next seed (default 1)
  --check       exit with 1 when something does not hold
  --write-docs  write docs/day.md and docs/day.svg`)
    return 0
  }
  const number = (
    name: 'hours' | 'agents' | 'start' | 'seed' | 'days',
    least: number,
    most: number,
  ): number => {
    const value = Number(options[name])
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new RangeError(
      `--${name}: expected a whole number from ${least} to ${most}, but got ${options[name]}`,
    )
  }
  const set = {
    hours: number('hours', 1, 168),
    agents: number('agents', 1, 5_000),
    startHour: number('start', 0, 23),
    seed: number('seed', 0, 2 ** 31),
    onHour: printHour,
  }
  const days: SimulatedDay[] = []
  let isMissed = false
  for (let day = 0; day < number('days', 1, 100); day++) {
    const seed = set.seed + day
    const perfect = await simulateDay('perfect', { ...set, seed })
    const limiter = await simulateDay('limiter', { ...set, seed })
    const figures = figuresOf(limiter, perfect)
    days.push({ seed, limiter, perfect, figures })
    console.log(`\nseed ${seed}`)
    printTable([columns, ...[limiter, perfect].flatMap(tableOf)], 2)
    for (const { what, seen, holds } of judgeDay(figures)) {
      console.log(`${holds ? 'holds ' : 'FAILS '} ${what}: ${seen}`)
      isMissed ||= !holds
    }
  }
  if (days.length > 1)
    printTable([seedColumns, ...days.map(({ seed, figures }) => seedRow(seed, figures))], 0)
  if (options['write-docs']) console.log(`\nwritten: ${(await writePage(days, set)).join(', ')}`)
  return options.check && isMissed ? 1 : 0
}

function printHour(hour: number, scheduler: SchedulerName, calls: number, waiting: number): void {
  console.error(
    `${scheduler.padEnd(8)} hour ${String(hour).padStart(2)}: ${calls} calls answered, ${waiting} wait`,
  )
}

/** @param names how many columns are names: to the left */
function printTable(rows: readonly (readonly string[])[], names: number): void {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? []
  console.log()
  for (const row of rows) {
    console.log(
      row
        .map((cell, at) => (at < names ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  '),
    )
  }
  console.log()
}
