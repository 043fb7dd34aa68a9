/**
 * What it costs to let a call pass a closed circuit: CPU a call, beside other libraries, in one run.
 * `pnpm bench breaker [--check]`
 */
import { circuitBreaker } from '@spillway/circuit-breaker-fallback'
import { createRequest, type ModelResponse, type Outcome } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { circuitBreaker as cockatielBreaker, handleAll, SamplingBreaker } from 'cockatiel'
import Opossum from 'opossum'
import { checkOption } from './check-option.ts'
import { measure, type Result, ratio, type Variant } from './measure.ts'

const check = checkOption(
  'breaker',
  'Measures the CPU time of a call through a closed circuit, beside other libraries.',
)

/** A call that passes Spillway's breaker takes less, in microseconds. */
const bound = 5

const request = createRequest({
  api: 'anthropic',
  model: 'claude-sonnet-5-5',
  stream: true,
  url: '/v1/messages',
  body: jsonBodyFromObject({}),
})
const outcome: Outcome = {
  failure: undefined,
  usage: undefined,
  stopReason: 'end_turn',
  model: 'claude-sonnet-5-5',
  timings: { startedAt: 0, headers: 1, firstContent: 2, end: 3 },
  bytes: 0,
}
const response: ModelResponse = {
  status: 200,
  headers: {},
  body: bodyOf(new Uint8Array()),
  failure: undefined,
  outcome: Promise.resolve(outcome),
  target: 'claude',
}
const answer = async (): Promise<ModelResponse> => response

const guarded = circuitBreaker()(answer)
const judged = circuitBreaker({ slowCallThreshold: 10_000 })(answer)
const opossum = new Opossum(answer, { timeout: false })
const leanOpossum = new Opossum(answer, {
  timeout: false,
  rollingPercentilesEnabled: false,
  enableSnapshots: false,
})
const cockatiel = cockatielBreaker(handleAll, {
  halfOpenAfter: 15_000,
  breaker: new SamplingBreaker({ threshold: 0.5, duration: 60_000, minimumRps: 1 }),
})

/** All wait for the outcome too, so that nobody counts after the measurement. */
const variant = (name: string, call: () => Promise<ModelResponse>): Variant => ({
  name,
  async call() {
    await (await call()).outcome
  },
})

const variants: readonly Variant[] = [
  variant('nothing', answer),
  variant('spillway, model and key', () => guarded(request)),
  variant('spillway, with slow calls', () => judged(request)),
  variant('opossum, one circuit', () => opossum.fire()),
  variant('opossum, no percentiles', () => leanOpossum.fire()),
  variant('cockatiel, one circuit', () => cockatiel.execute(answer)),
]

console.log(
  `Node ${process.version}; CPU microseconds a call while closed, medians of 15 rounds, 16 calls at a time\n`,
)
const results = await measure(variants, { rounds: 15, calls: 2_000, concurrency: 16 })
opossum.shutdown()
leanOpossum.shutdown()
const [nothing, spillway] = results as [Result, Result]
for (const result of results) {
  console.log(
    `  ${result.name.padEnd(30)} ${result.median.toFixed(2).padStart(8)}  ${ratio(result, spillway).toFixed(1)}x spillway`,
  )
}
const passing = spillway.median - nothing.median
const holds = passing < bound
console.log(
  `\n  ${holds ? 'holds ' : 'MISSED'}  a call that passes spillway's breaker costs ${passing.toFixed(2)} µs, less than ${bound} µs`,
)
if (check && !holds) process.exitCode = 1
