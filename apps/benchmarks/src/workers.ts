/**
 * What it costs a worker to be one of several: CPU time of what it asks its primary, in both processes, for a number of calls in flight.
 * `pnpm bench workers [--check]`
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Entry } from '@spillway/ledger'
import { openChannel } from '../../gateway/src/workers/channel.ts'
import { remoteLedger } from '../../gateway/src/workers/ledger-channel.ts'
import { ipcPort } from '../../gateway/src/workers/port.ts'
import { openWorkerState } from '../../gateway/src/workers/worker-state.ts'
import { checkOption } from './check-option.ts'
import { cpuSoFar } from './workers-primary.ts'

const check = checkOption(
  'workers',
  'Measures the CPU time of limits, budgets and books that workers share through their primary.',
)

/** Microseconds of both processes together that an admission may take with 64 calls in flight. */
const bound = 60

const calls = 20_000
const child = fork(fileURLToPath(new URL('./workers-primary.ts', import.meta.url)), {
  serialization: 'advanced',
})
const channel = openChannel(ipcPort(child, () => child.connected))
const { limits, budgets } = openWorkerState(channel, { processes: 2, timeout: 60_000, log: console.error })
const ledger = remoteLedger(channel)

const plenty = 1_000_000_000
const limiter = limits.open('bench', {
  requestsPerMinute: plenty,
  inputTokensPerMinute: plenty,
  outputTokensPerMinute: plenty,
  concurrency: 100_000,
})
const cost = { inputTokens: 100, outputTokens: 50, group: 'claude-opus-5' }
const meters = ['requests', 'usd'].map((unit) => ({ name: `client:${unit}:day:ann`, period: 'day' as const }))
const demands = meters.map((meter) => ({ ...meter, limit: plenty, expected: 1, most: 1 }))

const row: Entry = {
  table: 'attempts',
  row: {
    ...{
      id: 'lq2x7-0000-00000000',
      call_id: 'call_01JDX3M5Z8Q4',
      call_row: 'lq2x7-0000-00000001',
      attempt: 1,
    },
    ...{
      role: 'primary',
      started_at: 1_795_000_000_000,
      tenant: 'ann',
      target: 'claude',
      endpoint: 'claude/0',
    },
    ...{
      provider: 'anthropic',
      model_asked: 'claude-opus-5',
      model_answered: 'claude-opus-5',
      input_tokens: 1_200,
    },
    ...{ output_tokens: 350, cache_read_tokens: 0, cache_write_tokens: 0, reasoning_tokens: 0, estimated: 0 },
    ...{
      cost_nano: 14_750_000,
      failure: null,
      status: 200,
      code: null,
      request_id: null,
      stop_reason: 'end_turn',
    },
    ...{ ttft_ms: 412.5, total_ms: 2_210.1, session: null },
  },
}
/** An object that comes twice is serialised once. */
const rows = Array.from({ length: 500 }, (_, number) => ({
  ...row,
  row: { ...row.row, id: `lq2x7-0000-${number}` },
})) as Entry[]

interface Variant {
  readonly name: string
  readonly inFlight: number
  /** Calls that one run is for. */
  readonly of: number
  run(): Promise<void>
}

let reservations = 0
const admission = async (): Promise<void> => {
  const lease = await limiter.tryAcquire(cost, performance.now())
  lease?.settle(cost, performance.now())
}
const reservation = async (): Promise<void> => {
  const id = `bench ${reservations++}`
  await budgets.reserve(id, demands)
  await budgets.settle(id, [1, 1])
}
const variants: readonly Variant[] = [
  ...[1, 8, 64, 512].map((inFlight) => ({ name: 'limits', inFlight, of: 1, run: admission })),
  ...[1, 8, 64, 512].map((inFlight) => ({ name: 'budgets', inFlight, of: 1, run: reservation })),
  // A call has two rows.
  { name: 'books', inFlight: 1, of: 250, run: async () => void (await ledger.write(rows)) },
]

/** Runs so many calls; returns the microseconds of CPU of both processes that each took, and of the clock by their number. */
async function measured({ inFlight, of, run }: Variant, count: number) {
  let left = Math.ceil(count / of)
  const there = await channel.ask(cpuSoFar, undefined, { deadline: 60_000 })
  const here = process.cpuUsage()
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await run()
    }),
  )
  const wall = performance.now() - begun
  const { user, system } = process.cpuUsage(here)
  const primary = (await channel.ask(cpuSoFar, undefined, { deadline: 60_000 })) - there
  return { worker: (user + system) / count, primary: primary / count, wall: (wall * 1_000) / count }
}

console.log('microseconds a call, the best of three runs\n')
console.log('what      in flight   worker   primary      wall')
let isMissed = false
for (const variant of variants) {
  await measured(variant, calls / 4)
  const runs = []
  for (let run = 0; run < 3; run++) runs.push(await measured(variant, calls))
  const best = runs.reduce((one, other) =>
    other.worker + other.primary < one.worker + one.primary ? other : one,
  )
  const { name, inFlight } = variant
  const [worker, primary, wall] = [best.worker, best.primary, best.wall].map((each) => each.toFixed(1))
  console.log(
    `${name.padEnd(10)}${String(inFlight).padStart(9)}${worker?.padStart(9)}${primary?.padStart(10)}${wall?.padStart(10)}`,
  )
  if (name === 'limits' && inFlight === 64 && best.worker + best.primary > bound) isMissed = true
}
child.kill()
if (check && isMissed) {
  console.error(`an admission takes more than ${bound} µs`)
  process.exitCode = 1
}
process.exit()
