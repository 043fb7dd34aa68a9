import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { quantileOf } from '../slope.ts'
import { faultShare } from './faults.ts'
import { liveLine, plotInText } from './live-line.ts'
import { writePage } from './page.ts'
import { plotSoak } from './plot.ts'
import { type SoakResult, type SoakSample, soak } from './run.ts'

/** `pnpm prove soak`: resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '30' },
      'warm-up': { type: 'string', default: '8' },
      rate: { type: 'string', default: '100' },
      streams: { type: 'string', default: '200' },
      workers: { type: 'string', default: '1' },
      'change-every': { type: 'string', default: '15' },
      seed: { type: 'string', default: '1' },
      plot: { type: 'string' },
      leak: { type: 'string', default: '0' },
      'heap-snapshots': { type: 'string' },
      check: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (options.help) {
    console.log(`Usage: pnpm prove soak [options]

Sends calls at a steady rate through the built gateway, beside 200 streams of half a minute, while ${faultShare * 100} % of the attempts
meet a fault, the configuration is reloaded and keys are rotated, and watches what it holds.

  --minutes N   how long calls are sent, after the warm-up (default 30)
  --warm-up N   minutes before that whose samples do not count (default 8)
  --rate N      calls a second (default 100)
  --streams N   streams of half a minute at a time (default 200)
  --workers N   processes that serve (default 1)
  --change-every N
                seconds between two changes: a reload, a new key of a vendor, a new key of a client; 0 for none (default 15)
  --plot FILE   write an SVG of what was held
  --seed N      where chance begins (default 1)
  --leak BYTES  each request leaves so many bytes behind in the gateway, which must be found (default 0)
  --heap-snapshots DIR
                write warm.heapsnapshot and end.heapsnapshot, to be compared in the developer tools of Chromium: what fills and
                what leaks. The process grows by what V8 needs for that, so that its RSS says nothing then
  --check       exit with 1 when something does not hold
  --write-docs  write docs/soak.md and docs/soak.svg`)
    return 0
  }
  type Numbers = 'minutes' | 'warm-up' | 'rate' | 'streams' | 'workers' | 'change-every' | 'seed' | 'leak'
  const number = (name: Numbers): number => {
    const value = Number(options[name])
    if (value >= 0 && value <= 100_000) return value
    throw new RangeError(`--${name}: expected a number, 0 or more, but got ${options[name]}`)
  }
  const set = {
    warmUp: number('warm-up'),
    rate: number('rate'),
    seed: number('seed'),
    workers: number('workers'),
  }
  const heapSnapshots = options['heap-snapshots'] && resolve(options['heap-snapshots'])
  if (heapSnapshots) mkdirSync(heapSnapshots, { recursive: true })
  const result = await soak({
    ...{ ...set, leak: number('leak'), minutes: number('minutes') + set.warmUp },
    ...{ streams: number('streams'), changeEvery: number('change-every') },
    heapSnapshots,
    onSample: teller(set.warmUp),
  })
  const summary = summaryOf(result)
  console.log(`\n\n${summary.join('\n')}\n\n${plotInText(result.samples).join('\n')}\n`)
  if (options.plot !== undefined) {
    const title = `${(result.seconds / 60).toFixed(0)} minutes; grey: the first ${set.warmUp}, which do not count`
    writeFileSync(options.plot, await plotSoak(result.samples, set.warmUp, title))
  }
  for (const { what, seen, holds } of result.lines)
    console.log(`${holds ? 'holds ' : 'FAILS '} ${what}: ${seen}`)
  if (options['write-docs']) console.log(`\nwritten: ${(await writePage(result, summary, set)).join(', ')}`)
  return options.check && result.lines.some(({ holds }) => !holds) ? 1 : 0
}

/** A line that is written over, or, where that cannot be, one every half a minute. */
function teller(warmUp: number): (samples: readonly SoakSample[]) => void {
  let next = 0
  return (samples) => {
    const line = liveLine(samples, warmUp)
    if (process.stderr.isTTY)
      return void process.stderr.write(`\r\u001b[K${line.slice(0, process.stderr.columns - 1)}`)
    const at = samples.at(-1)?.at ?? 0
    if (at < next) return
    next = at + 30
    console.error(line)
  }
}

/** What was sent, what happened, and how long it took. */
function summaryOf({ calls, faults, seconds }: SoakResult): string[] {
  const results = Map.groupBy(calls, ({ result }) => result)
  const list = (counts: Iterable<readonly [string, number]>): string =>
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${count} × ${name}`)
      .join(', ')
  const times = (kind: boolean): string => {
    const ms = calls
      .filter(({ stream, isLong, result }) => stream === kind && !isLong && result === '200')
      .map((each) => each.ms)
    const [p50, p99] = [0.5, 0.99].map((share) => quantileOf(ms, share).toFixed(0))
    return `p50 ${p50} ms, p99 ${p99} ms`
  }
  return [
    `${calls.length} calls in ${seconds.toFixed(0)} s (${(calls.length / seconds).toFixed(1)} a second): ${list([...results].map(([name, each]) => [name, each.length]))}.`,
    `Faults: ${list(faults)}.`,
    `To the last byte, of calls that were answered: whole answers ${times(false)}; streams ${times(true)}.`,
  ]
}
