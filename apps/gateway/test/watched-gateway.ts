// Runs a gateway with the configuration in CONFIG and tells over IPC how long its event loop stood, and what it holds.
import { parseConfig, startGateway } from '../src/index.ts'

const { config } = parseConfig(process.env.CONFIG ?? '', 'test.yaml')
const gateway = await startGateway(config, { port: 0 })

/** CPU time of this thread, in milliseconds: what others take from it on a busy machine is none of its own. */
function cpuTime(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage()
  return (user + system) / 1_000
}

let longest = 0
let lastBeat = performance.now()
let lastCpu = cpuTime()
setInterval(() => {
  const now = performance.now()
  const cpu = cpuTime()
  longest = Math.max(longest, Math.min(now - lastBeat, cpu - lastCpu))
  lastBeat = now
  lastCpu = cpu
}, 1)

process.on('message', (question: 'held' | 'block') => {
  if (question === 'block') {
    process.send?.(longest)
    longest = 0
    return
  }
  // Twice, since buffers go with their finalisers.
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ held: heapUsed + external, rss })
  lastBeat = performance.now()
  lastCpu = cpuTime()
})
process.on('disconnect', () => process.exit())
process.send?.(gateway.url)
