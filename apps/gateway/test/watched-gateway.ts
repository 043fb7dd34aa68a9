// Runs a gateway with the configuration in CONFIG. Over IPC it tells how long its event loop stood, and what it holds.
import { parseConfig, startGateway } from '../src/index.ts'

const { config } = parseConfig(process.env.CONFIG ?? '', 'test.yaml')
const gateway = await startGateway(config, { port: 0, log: () => {} })

/** CPU time of this thread, in milliseconds: what other processes take of the machine is no block. */
function cpuTime(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage()
  return (user + system) / 1_000
}

/** A piece of work that takes 7.5 ms on an idle machine of 2026, to tell how slow this one is now. */
const work = JSON.stringify(
  Array.from({ length: 20_000 }, (_, index) => ({
    role: 'user',
    content: [{ type: 'text', text: `${index}` }],
  })),
)

/** How many times as long as it should everything takes now; 1 at least. */
function slowness(): number {
  const times = Array.from({ length: 5 }, () => {
    const startedAt = performance.now()
    JSON.parse(work)
    return performance.now() - startedAt
  })
  return Math.max(1, (times.sort((a, b) => a - b)[1] as number) / 7.5)
}

let longest = 0
let largest = 0
let lastBeat = 0
let lastCpu = 0

function beginAgain(): void {
  longest = 0
  largest = 0
  lastBeat = performance.now()
  lastCpu = cpuTime()
}

setInterval(() => {
  const now = performance.now()
  const cpu = cpuTime()
  longest = Math.max(longest, Math.min(now - lastBeat, cpu - lastCpu))
  largest = Math.max(largest, process.memoryUsage.rss())
  lastBeat = now
  lastCpu = cpu
}, 2)

process.on('message', (question: 'since' | 'now') => {
  if (question === 'since') process.send?.({ longestBlock: longest / slowness(), largestRss: largest })
  else {
    // Twice: buffers go with their finalisers.
    globalThis.gc?.()
    globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    process.send?.({ held: heapUsed + external, rss })
  }
  beginAgain()
})
process.on('disconnect', () => process.exit())
beginAgain()
process.send?.(gateway.url)
