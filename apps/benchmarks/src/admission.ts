/**
 * What it costs to let a call pass a limit that has room for it: CPU a call, beside other libraries, in one run.
 * `pnpm bench admission [--check]`
 */
import { Limiter } from '@spillway/rate-limit'
import Bottleneck from 'bottleneck'
import { bulkhead } from 'cockatiel'
import pThrottle from 'p-throttle'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { checkOption } from './check-option.ts'
import { measure, type Result, ratio, type Variant } from './measure.ts'

const check = checkOption(
  'admission',
  'Measures the CPU time of a call that is within all limits, beside other libraries.',
)

/** A call admitted by Spillway takes less, in microseconds. */
const bound = 2

/** More than is ever reached, so that everybody has room for every call. */
const plenty = 1_000_000_000
const limits = {
  requestsPerMinute: plenty,
  inputTokensPerMinute: plenty,
  outputTokensPerMinute: plenty,
  concurrency: 100_000,
}
const cost = { inputTokens: 100, outputTokens: 50 }
const work = async (): Promise<void> => {}

const limiter = new Limiter(limits)
const bottleneck = new Bottleneck({ maxConcurrent: 100_000 })
const flexible = new RateLimiterMemory({ points: plenty, duration: 60 })
const throttled = pThrottle({ limit: 100_000_000, interval: 60_000 })(work)
const compartment = bulkhead(100_000)

const variants: readonly Variant[] = [
  { name: 'nothing', call: work },
  {
    name: 'spillway, 4 limits at once',
    async call() {
      const lease = limiter.tryAcquire(cost, performance.now())
      await work()
      lease?.settle(cost, performance.now())
    },
  },
  { name: 'cockatiel bulkhead', call: () => compartment.execute(work) },
  {
    name: 'rate-limiter-flexible, memory',
    async call() {
      await flexible.consume('key')
      await work()
    },
  },
  { name: 'p-throttle', call: async () => throttled() },
  { name: 'bottleneck', call: () => bottleneck.schedule(work) },
]

console.log(
  `Node ${process.version}; CPU microseconds a call where there is room, medians of 15 rounds, 16 calls at a time\n`,
)
const results = await measure(variants, { rounds: 15, calls: 2_000, concurrency: 16 })
const [nothing, spillway] = results as [Result, Result]
for (const result of results) {
  console.log(
    `  ${result.name.padEnd(30)} ${result.median.toFixed(2).padStart(8)}  ${ratio(result, spillway).toFixed(1)}x spillway`,
  )
}
const admission = spillway.median - nothing.median
const holds = admission < bound
console.log(
  `\n  ${holds ? 'holds ' : 'MISSED'}  an admission by spillway costs ${admission.toFixed(2)} µs, less than ${bound} µs`,
)
if (check && !holds) process.exitCode = 1
