/**
 * Loaded into a gateway before its own code, with `--import`. Reports each block of the event loop over IPC and, when it is
 * asked for `holdings`, collects garbage and says what the process holds.
 */
import { type FromMonitor, type Holdings, longestBlock } from './monitored.ts'

/** How often the loop is looked at, in milliseconds. */
const beat = 10

const report = (message: FromMonitor): void => void process.send?.(message)

let last = performance.now()
let cpu = process.threadCpuUsage?.() ?? process.cpuUsage()
setInterval(() => {
  const now = performance.now()
  const used = process.threadCpuUsage?.() ?? process.cpuUsage()
  const ms = now - last - beat
  if (ms > longestBlock / 2) {
    const cpuMs = (used.user - cpu.user + used.system - cpu.system) / 1_000
    report({ type: 'block', at: performance.timeOrigin + now, ms, cpuMs })
  }
  last = now
  cpu = used
}, beat).unref()

process.on('uncaughtExceptionMonitor', (error: unknown) => {
  report({ type: 'uncaught', text: error instanceof Error ? (error.stack ?? error.message) : String(error) })
})
process.on('message', (question: unknown) => {
  if (question === 'holdings') report({ type: 'holdings', ...holdings() })
})
// The listener must not keep the process alive, nor make it hear that the channel is closed.
process.channel?.unref()
process.on('disconnect', () => process.exit(0))

function holdings(): Holdings {
  globalThis.gc?.()
  globalThis.gc?.()
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return { rss, heapTotal, heapUsed, external, arrayBuffers, resources }
}
