import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { randomFor } from '../seeded-random.ts'
import { book } from './book.ts'
import { call } from './caller.ts'
import type { FaultSource } from './fault-entry.ts'
import { startSpillway } from './gateways/spillway-process.ts'
import type { Row } from './row.ts'
import { pathOf, requestBody } from './shape.ts'
import { type SoakUpstreams, soakConfig, startUpstreams } from './soak-config.ts'

/** What a process holds. */
export interface Holdings {
  /** How many of each kind of what keeps a process alive. */
  readonly resources: Readonly<Record<string, number>>
  readonly heapUsed: number
}

/** Calls at a time. */
const concurrency = 48

/** Idle connections to all four upstreams that a gateway may keep alive after so many calls at a time. */
const keptAtMost = 2 * concurrency

/** By so much may the heap grow between the first fifth of the calls and the last, in bytes. */
const growth = 4 * 2 ** 20

/** So long may a gateway take to let go of what calls have left, in milliseconds. */
const settling = 15_000

const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', connection: 'close' }
const withFaults = book.filter(({ faults, always }) => faults.length > 0 || always !== undefined)

/** Sends so many faulty calls through a gateway and says whether they have left anything behind. */
export async function soak(calls: number, seed: number): Promise<boolean> {
  const random = randomFor(seed)
  const upstreams = await startUpstreams()
  const preload = new URL('./report-resources.ts', import.meta.url).href
  const gateway = await startSpillway(soakConfig(upstreams), ['--expose-gc', '--import', preload])
  const startedAt = performance.now()
  const part = Math.floor(calls / 5)
  try {
    await runCalls(Math.min(200, part), gateway.url, upstreams, random)
    const before = await settled(gateway.child)
    await runCalls(part, gateway.url, upstreams, random)
    const early = await settled(gateway.child)
    const statuses = await runCalls(calls - part, gateway.url, upstreams, random)
    const late = await settled(gateway.child)
    const open = openConnections(upstreams)
    const problems = whatIsLeft(before, early, late, open, gateway.complaints())
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
    console.log(`${calls} calls in ${seconds} s, seed ${seed}; ${summary(statuses)}`)
    for (const [name, { resources, heapUsed }] of Object.entries({ before, early, late })) {
      console.log(`  ${name.padEnd(7)} heap ${megabytes(heapUsed)}, ${JSON.stringify(resources)}`)
    }
    console.log(`  connections kept alive to the upstreams: ${open}, at most ${keptAtMost}`)
    for (const problem of problems) console.log(`  FAILS: ${problem}`)
    if (problems.length === 0) console.log('  holds: nothing is left behind')
    return problems.length === 0
  } finally {
    await gateway.stop()
    await Promise.all(upstreams.all.map((server) => server.close()))
  }
}

function whatIsLeft(
  before: Holdings,
  early: Holdings,
  late: Holdings,
  open: number,
  complaints: string,
): string[] {
  const problems: string[] = []
  if (/unhandled|warning|error/i.test(complaints)) problems.push(`it wrote: ${complaints.slice(0, 500)}`)
  const grown = late.heapUsed - early.heapUsed
  if (grown > growth) problems.push(`the heap grew by ${megabytes(grown)}`)
  if (open > keptAtMost) problems.push(`${open} connections to the upstreams are open`)
  for (const [name, count] of Object.entries(late.resources)) {
    const was = before.resources[name] ?? 0
    if (count > was) problems.push(`${count} ${name} instead of ${was}`)
  }
  return problems
}

async function runCalls(
  count: number,
  url: string,
  upstreams: SoakUpstreams,
  random: () => number,
): Promise<Map<number, number>> {
  const statuses = new Map<number, number>()
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const row = withFaults[Math.floor(random() * withFaults.length)] as Row
      const status = await oneCall(row, url, upstreams, random)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (process.stderr.isTTY && left % 100 === 0) process.stderr.write(`\r\u001b[K${left} calls left`)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return statuses
}

/** Calls of other lanes may take the faults meant for this one; that is chance as well. */
async function oneCall(
  row: Row,
  url: string,
  upstreams: SoakUpstreams,
  random: () => number,
): Promise<number> {
  const { api } = row.shape
  const epoch = Date.now()
  const sources = [...row.faults, row.always].filter((source) => source !== undefined)
  upstreams[api].next(
    ...sources.map((source: FaultSource) => (typeof source === 'function' ? source(epoch) : source)),
  )
  const model = row.fallback === undefined ? api : `${api}-fallback`
  const calling = call(`${url}${pathOf(row.shape)}`, headers, requestBody(row.shape, model, row.requestMore))
  const leaves = row.leaveAt !== undefined || random() < 0.05
  if (leaves) {
    const seen = await Promise.race([calling.seen, delay(random() * 120)])
    if (seen === undefined) calling.leave()
  }
  return (await calling.seen).status
}

/** What the gateway holds once no timer and no busy connection is left; idle ones do not count as active. */
async function settled(child: ChildProcess): Promise<Holdings> {
  const deadline = performance.now() + settling
  for (;;) {
    await delay(500)
    const holdings = await ask(child)
    const { TCPSocketWrap: sockets = 0, Timeout: timers = 0 } = holdings.resources
    if (sockets + timers === 0 || performance.now() > deadline) return holdings
  }
}

function openConnections({ all }: SoakUpstreams): number {
  return all.reduce((sum, { connections }) => sum + connections, 0)
}

async function ask(child: ChildProcess): Promise<Holdings> {
  child.send('resources')
  const [holdings] = (await once(child, 'message')) as [Holdings]
  return holdings
}

function summary(statuses: ReadonlyMap<number, number>): string {
  const sorted = [...statuses].sort(([a], [b]) => a - b)
  return sorted.map(([status, count]) => `${count} × ${status || 'left'}`).join(', ')
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`
}
