// Fills a queue, empties it in the way that its argument says, and must then exit by itself.
import { systemClock } from '@spillway/middleware'
import type { Lease } from '../src/admission.ts'
import { Limiter } from '../src/limiter.ts'
import { WaitQueue } from '../src/wait-queue.ts'

const cost = { inputTokens: 0, outputTokens: 0 }
const count = Number(process.argv[2])
const limiter = new Limiter({ concurrency: 1 })
const occupant = limiter.tryAcquire(cost, systemClock.now()) as Lease
const queue = new WaitQueue(limiter, { maxQueued: 10_000, ageing: 10_000 })
const callers = Array.from({ length: count }, () => new AbortController())
let admitted = 0
const calls = callers.map(async ({ signal }) => {
  const usual = { cost, priority: 5, patience: 600_000, clock: systemClock }
  const lease = (await queue.enter({ ...usual, signal })) as Lease
  admitted++
  lease.settle(cost, systemClock.now())
})
const left = process.argv[3] === 'all leave' ? callers : callers.slice(0, count / 2)
for (const caller of left) caller.abort()
occupant.settle(cost, systemClock.now())
await Promise.allSettled(calls)
process.send?.({ admitted, waiting: queue.size, inFlight: limiter.inFlight })
process.disconnect()
