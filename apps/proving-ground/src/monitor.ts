/**
 * Loaded into a gateway before its own code, with `--import`, in all of its processes and their threads. Reports each block of the
 * main thread's event loop over IPC and, when it is asked for `holdings`, collects the garbage of all threads and says what
 * the process holds. Writes a snapshot of the main thread's heap when it is asked for one.
 */
import cluster from 'node:cluster'
import { createServer } from 'node:net'
import { writeHeapSnapshot } from 'node:v8'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import { leakPerRequest, leakVariable } from './leak.ts'
import {
  type FromMonitor,
  type Heap,
  type Holdings,
  longestBlock,
  monitorSocket,
  socketsVariable,
  type ToMonitor,
} from './monitored.ts'

/** How often the loop is looked at, in milliseconds. */
const beat = 10

/** How long the threads may take to collect their garbage, in milliseconds. */
const patience = 20_000

const channel = new BroadcastChannel('spillway-monitor')
channel.unref()

if (isMainThread) {
  if (cluster.isWorker) answerAtSocket()
  else watchProcess()
  const leak = Number(process.env[leakVariable] ?? 0)
  if (leak > 0) leakPerRequest(leak)
} else
  channel.onmessage = ({ data }: { data?: unknown }) => {
    if (data === 'collect') channel.postMessage(collect())
  }

function watchProcess(): void {
  const report = (message: FromMonitor): void => void process.send?.(message)
  const cpuNow = (): NodeJS.CpuUsage => process.threadCpuUsage?.() ?? process.cpuUsage()
  let last = performance.now()
  let cpu = cpuNow()
  const look = (): void => {
    last = performance.now()
    cpu = cpuNow()
  }
  setInterval(() => {
    const now = performance.now()
    const used = cpuNow()
    const ms = now - last - beat
    if (ms > longestBlock / 2) {
      const cpuMs = (used.user - cpu.user + used.system - cpu.system) / 1_000
      report({ type: 'block', at: performance.timeOrigin + now, ms, cpuMs })
    }
    last = now
    cpu = used
  }, beat).unref()

  const threads = countThreads()
  process.on('uncaughtExceptionMonitor', (error: unknown) => {
    report({
      type: 'uncaught',
      text: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  })
  process.on('message', async (message: unknown) => {
    const question = message as ToMonitor
    if (typeof question === 'object') {
      writeHeapSnapshot(question.snapshot)
      look()
      return report({ type: 'snapshot' })
    }
    const heaps = await collectedByThreads(threads())
    const holdings = holdingsWith(heaps)
    // Collecting garbage on demand is no block of the gateway's own.
    look()
    report({ type: 'holdings', ...holdings })
  })
  // The listener must not keep the process alive, nor make it hear that the channel is closed.
  process.channel?.unref()
  process.on('disconnect', () => process.exit(0))
}

/** The channel of a process that serves is its primary's: it says what it holds to whoever connects to a socket. */
function answerAtSocket(): void {
  const threads = countThreads()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    void collectedByThreads(threads()).then((heaps) => socket.end(JSON.stringify(holdingsWith(heaps))))
  })
  // Its own, and none of those that the primary opens for all.
  server.listen({ path: monitorSocket(process.env[socketsVariable] ?? '', process.pid), exclusive: true })
  server.unref()
}

/** How many other threads this process has now. */
function countThreads(): () => number {
  let threads = 0
  process.on('worker', (worker) => {
    threads++
    worker.once('exit', () => threads--)
  })
  return () => threads
}

function collectedByThreads(threads: number): Promise<Heap[]> {
  return new Promise((resolve) => {
    const heaps: Heap[] = []
    const end = (): void => {
      clearTimeout(timer)
      channel.onmessage = () => {}
      resolve(heaps)
    }
    const timer = setTimeout(end, patience)
    channel.onmessage = ({ data }: { data?: unknown }) => {
      if (typeof data === 'object') heaps.push(data as Heap)
      if (heaps.length >= threads) end()
    }
    if (threads === 0) end()
    else channel.postMessage('collect')
  })
}

function holdingsWith(workers: readonly Heap[]): Holdings {
  const { heapUsed, heapTotal } = collect()
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  const { rss, external, arrayBuffers } = process.memoryUsage()
  return { rss, heapUsed, heapTotal, external, arrayBuffers, resources, workers }
}

/** As much as V8 can find, and its free pages go back to the system. */
function collect(): Heap {
  for (let times = 0; times < 2; times++)
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const { heapUsed, heapTotal } = process.memoryUsage()
  return { heapUsed, heapTotal }
}
