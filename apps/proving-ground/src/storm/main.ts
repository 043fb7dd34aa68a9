import { parseArgs } from 'node:util'
import { longestBeat } from './accelerated-clock.ts'
import { faultMix, faultWords } from './attempt-plan.ts'
import { reportOf, type Storm } from './report.ts'
import { callsPerSecond, outageShare, planSchedule, type Schedule, thinned } from './schedule.ts'
import { runSocketStorm } from './socket-storm.ts'
import { writePage } from './storm-page.ts'
import { plainText } from './text.ts'
import { type Progress, runVirtualStorm } from './virtual-storm.ts'
import { limits, localLatency } from './ways.ts'

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '400000' },
    'socket-calls': { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    check: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm prove storm [options]

Makes the same calls in three ways while attempts fail: directly, with retries, with retries and a fallback.
First on a virtual clock, then a part of them over real sockets.

  --calls N          calls on the virtual clock, at least 1000 (default 400000: of 100000 some 80 fail for good, too few to tell 99.0 from 99.2 %)
  --socket-calls N   how many of them are also made over real sockets; 0 for none (default 10000)
  --seed N           where chance begins (default 1)
  --check            exit with 1 when a target is missed
  --write-docs       write docs/storm.md and docs/storm.svg`)
  process.exit(0)
}

const calls = wholeNumber('calls', options.calls, 1000)
const socketCalls = Math.min(calls, wholeNumber('socket-calls', options['socket-calls'], 0))
const seed = wholeNumber('seed', options.seed, 0)

const schedule = planSchedule(calls, seed)
const set = setOf(schedule)
const storms: [Storm, ...Storm[]] = [await virtualStorm(schedule)]
const reports = [reportOf(storms[0])]
console.log(`${set}\n\n${plainText(reports[0]!)}`)
if (socketCalls > 0) {
  const storm = await socketStorm(thinned(schedule, socketCalls))
  storms.push(storm)
  reports.push(reportOf(storm))
  console.log(`\n${plainText(reports.at(-1)!)}`)
}
if (options['write-docs']) console.log(`\nwritten: ${(await writePage(storms, reports, set)).join(', ')}`)
const isMissed = reports.some(({ targets }) => targets.some(({ holds }) => !holds))
if (options.check && isMissed) process.exitCode = 1

async function virtualStorm(schedule: Schedule): Promise<Storm> {
  const startedAt = performance.now()
  const total = schedule.calls.length
  const runs = await runVirtualStorm(schedule, progress('virtual clock', total))
  const note = `${hours(schedule)} simulated in ${seconds(startedAt)}, a way after the other.`
  return { title: `${total} calls on the virtual clock`, note, schedule, runs, speed: 1 }
}

async function socketStorm(schedule: Schedule): Promise<Storm> {
  const startedAt = performance.now()
  const total = schedule.calls.length
  const { runs, speed, pausedMs } = await runSocketStorm(schedule, progress('real sockets', total))
  const note =
    `Calls spread evenly over the same schedule, all ways at once, in ${seconds(startedAt)}. The clock of the policies runs ` +
    `${speed.toFixed(0)} times as fast as the real one: a \`retry-after\` of 1 s is over after ${(1000 / speed).toFixed(1)} ms. Waits ` +
    'are those of the real clock, where the machine itself adds a millisecond or two to each attempt. In pauses of the process ' +
    `longer than ${longestBeat} ms (${pausedMs.toFixed(0)} ms in all) the clock is paused. Half of the attempts go ` +
    'through `createClient`, half through `fetchTransport`.'
  return { title: `${total} of these calls over real sockets`, note, schedule, runs, speed }
}

function setOf({ outages, seed }: Schedule): string {
  const mix = faultMix.map(({ fault, share }) => `${share * 100} % ${faultWords[fault]}`).join(', ')
  const spans = outages.map(
    ({ kind, from, to }) => `${((to - from) / 1000).toFixed(0)} s ${faultWords[kind]}`,
  )
  return (
    `Seed ${seed}; ${callsPerSecond} calls a second on average, half of them streamed. Of all attempts fail: ${mix}. In two outages (${spans.join(', ')}), ` +
    `during each of which ${outageShare * 100} % of the calls are made, all attempts fail. A call belongs to an outage when it is made during one. ` +
    `Policies have their defaults, but every way has a limit of ${limits.attempt / 1000} s an attempt, which ends stalls. ` +
    `The local model answers after ${localLatency} ms. A wait ends with the first content of a stream, the whole of another answer, or an error.`
  )
}

function hours({ durationMs }: Schedule): string {
  return `${(durationMs / 3_600_000).toFixed(1)} hours`
}

function seconds(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(0)} s`
}

function progress(title: string, total: number): Progress | undefined {
  if (!process.stderr.isTTY) return undefined
  return (way, done) => {
    if (done === total) process.stderr.write('\r\u001b[K')
    else if (done % 500 === 0) process.stderr.write(`\r\u001b[K${title}, ${way}: ${done} of ${total} `)
  }
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  console.error(`--${name} must be a whole number, ${least} or more, but is ${text}`)
  process.exit(2)
}
