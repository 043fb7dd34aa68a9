import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { quantileOf } from '../slope.ts'
import { faultShare } from './faults.ts'
import type { Sample } from './memory-lines.ts'
import { writePage } from './page.ts'
import { type SoakResult, soak } from './run.ts'

/** `pnpm prove soak`: resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      'warm-up': { type: 'string', default: '8' },
      rate: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      leak: { type: 'string', default: '0' },
      'heap-snapshots': { type: 'string' },
      check: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (options.help) {
    console.log(`Usage: pnpm prove soak [--minutes N] [--warm-up N] [--rate N] [--seed N] [--leak BYTES] [--heap-snapshots DIR] [--check] [--write-docs]

Sends calls at a steady rate through the built gateway while ${faultShare * 100} % of the attempts meet a fault, and watches what it holds.

  --minutes N   how long calls are sent, after the warm-up (default 10)
  --warm-up N   minutes before that whose samples do not count (default 8)
  --rate N      calls a second (default 100)
  --seed N      where chance begins (default 1)
  --leak BYTES  each request leaves so many bytes behind in the gateway, which must be found (default 0)
  --heap-snapshots DIR
                write warm.heapsnapshot and end.heapsnapshot, to be compared in the developer tools of Chromium: what fills and
                what leaks. The process grows by what V8 needs for that, so that its RSS says nothing then
  --check       exit with 1 when something does not hold
  --write-docs  write docs/soak.md and docs/soak.svg`)
    return 0
  }
  const number = (name: 'minutes' | 'warm-up' | 'rate' | 'seed' | 'leak'): number => {
    const value = Number(options[name])
    if (value >= 0 && value <= 100_000) return value
    throw new RangeError(`--${name}: expected a number, 0 or more, but got ${options[name]}`)
  }
  const set = { warmUp: number('warm-up'), rate: number('rate'), seed: number('seed') }
  const heapSnapshots = options['heap-snapshots'] && resolve(options['heap-snapshots'])
  if (heapSnapshots) mkdirSync(heapSnapshots, { recursive: true })
  const result = await soak({
    ...{ ...set, leak: number('leak'), minutes: number('minutes') + set.warmUp },
    heapSnapshots,
    onSample: printSample,
  })
  const summary = summaryOf(result)
  console.log(`\n${summary.join('\n')}\n`)
  for (const { what, seen, holds } of result.lines)
    console.log(`${holds ? 'holds ' : 'FAILS '} ${what}: ${seen}`)
  if (options['write-docs']) console.log(`\nwritten: ${(await writePage(result, summary, set)).join(', ')}`)
  return options.check && result.lines.some(({ holds }) => !holds) ? 1 : 0
}

function printSample({ at, rss, heapUsed, arrayBuffers, descriptors, inFlight, resources }: Sample): void {
  const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
  console.error(
    `${at.toFixed(0).padStart(5)} s  RSS ${mb(rss)} MB, heap ${mb(heapUsed)} MB, array buffers ${mb(arrayBuffers)} MB, ${descriptors} descriptors, ${resources.Timeout ?? 0} timers, ${inFlight} calls in flight`,
  )
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
      .filter(({ stream, result }) => stream === kind && result === '200')
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
