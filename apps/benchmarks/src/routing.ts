/** What it costs to choose an endpoint: CPU a call. `pnpm bench routing [--check]` */
import { createRequest, type Handler, type ModelRequest, type Outcome } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { balance, type RoutingOptions } from '@spillway/routing'
import { checkOption } from './check-option.ts'
import { measure, type Result, type Variant } from './measure.ts'

/** A choice takes less, in microseconds. */
const bound = 5

const check = checkOption(
  'routing',
  'Measures the CPU time that a call spends in routing, with endpoints that answer at once.',
)

const outcome: Promise<Outcome> = Promise.resolve({
  failure: undefined,
  usage: undefined,
  stopReason: undefined,
  model: undefined,
  timings: { startedAt: 0, end: 0 },
  bytes: 0,
})
const body = bodyOf(new Uint8Array(0))
const response = { status: 200, headers: {}, body, failure: undefined, outcome, target: undefined }
const answer: Handler = () => Promise.resolve(response)

const requests = Array.from({ length: 1_000 }, (_, index) =>
  createRequest({
    api: 'anthropic',
    model: 'm',
    stream: true,
    url: '/v1/messages',
    body: jsonBodyFromObject({
      system: 'You are a careful assistant. '.repeat(200),
      messages: [{ role: 'user', content: `Question ${index}` }],
    }),
    context: { callId: String(index) },
  }),
)
let next = 0
const request = (): ModelRequest => requests[next++ % requests.length] as ModelRequest
const over = (count: number, options?: RoutingOptions): Handler =>
  balance(
    Array.from({ length: count }, (_, index) => ({ name: `e${index}`, handler: answer })),
    options,
  )
const variant = (name: string, handler: Handler): Variant => ({
  name,
  call: async () => void (await handler(request())),
})

const variants: readonly Variant[] = [
  variant('no routing', answer),
  variant('3 endpoints', over(3)),
  variant('3 endpoints, no affinity', over(3, { affinity: false })),
  variant('10 endpoints', over(10)),
  variant('3 endpoints, hedging', over(3, { hedge: { after: 'p95', maxExtra: 0.05 } })),
]
const [nothing, ...results] = (await measure(variants, { rounds: 15, calls: 5_000, concurrency: 16 })) as [
  Result,
  ...Result[],
]
console.log(`Node ${process.version}; CPU microseconds a call, medians of 15 rounds, beside no routing\n`)
for (const { name, median } of results) {
  console.log(`  ${name.padEnd(26)} ${(median - nothing.median).toFixed(2).padStart(6)}`)
}
const cost = (results[0] as Result).median - nothing.median
const holds = cost < bound
console.log(
  `\n  ${holds ? 'holds ' : 'MISSED'}  a choice among 3 endpoints costs ${cost.toFixed(2)} µs, less than ${bound} µs`,
)
if (check && !holds) process.exitCode = 1
