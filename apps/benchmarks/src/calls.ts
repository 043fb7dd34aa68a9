import { fork } from 'node:child_process'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import { type ChildServer, startChild } from './child.ts'
import { type CallsSettings, requestBody } from './client-variants.ts'
import { measure, type Result, ratio, type Variant } from './measure.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    clients: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm bench calls [--rounds N] [--clients] [--check]

Measures the CPU time of one call in several ways, against a simulated Claude in another process. All ways are
measured in turn in every round; the figures are medians. Calls by the chain and calls by fetch have a process each, as they
have in programs: where both run, V8 compiles what they share for both.

  --rounds N   rounds, at least 3 (default 15)
  --clients    only what runs in process, without the gateway
  --check      exit with 1 when a bound is missed`)
  process.exit(0)
}

/** A promise of the project about one ratio. */
interface Bound {
  readonly of: string
  readonly to: string
  readonly atMost: number
}

const jsonBounds: readonly Bound[] = [
  { of: 'empty chain', to: 'bare undici.request', atMost: 1.1 },
  { of: 'eight policies', to: 'bare undici.request', atMost: 1.25 },
  { of: 'client.fetch, eight policies', to: 'bare fetch', atMost: 0.55 },
]
const streamBounds: readonly Bound[] = [{ of: 'client.fetch, eight policies', to: 'bare fetch', atMost: 0.9 }]

/** What runs in one process. */
const ways: Readonly<Record<string, readonly string[]>> = {
  'the chain': ['bare undici.request', 'empty chain', 'eight policies'],
  fetch: ['bare fetch', 'empty chain over fetch', 'client.fetch', 'client.fetch, eight policies'],
}

const rounds = Math.max(3, Number(options.rounds) || 15)
const missed: string[] = []

console.log(
  `Node ${process.version}, ${cpus().length} cores, ${rounds} rounds; CPU microseconds a call, medians\n`,
)
const claude = await startChild('claude')
for (const stream of [false, true]) {
  await benchClients(stream)
  if (!options.clients) await benchProxies(stream)
}
await claude.stop()
if (missed.length > 0) console.log(`missed: ${missed.join('; ')}`)
if (options.check && missed.length > 0) process.exitCode = 1

async function benchClients(stream: boolean): Promise<void> {
  for (const [way, names] of Object.entries(ways)) {
    const title = `In process, ${way}, ${kind(stream)}`
    const results = await inProcess(title, { url: claude.url, stream, names })
    const bounds = (stream ? streamBounds : jsonBounds).filter(({ of }) => names.includes(of))
    report(results, 'bare fetch', bounds)
  }
}

async function inProcess(title: string, settings: CallsSettings): Promise<readonly Result[]> {
  const child = fork(new URL('./calls-in-process.ts', import.meta.url), [
    JSON.stringify({ ...settings, rounds }),
  ])
  const results = await new Promise<readonly Result[]>((resolve, reject) => {
    child.on('message', (message: { round?: number; results?: readonly Result[] }) => {
      if (message.results !== undefined) resolve(message.results)
      else showRound(title, message.round ?? 0)
    })
    child.on('exit', (code) => reject(new Error(`the process of ${title} has ended with ${code}`)))
  })
  showTitle(title)
  return results
}

async function benchProxies(stream: boolean): Promise<void> {
  const servers = {
    'bare proxy': await startChild('proxy', claude.url),
    gateway: await startChild('gateway', claude.url),
  }
  const agent = new Agent({ connections: 50 })
  const variants = Object.entries(servers).map(([name, server]) => proxyVariant(name, server, agent, stream))
  const results = await run(`Through a server, ${kind(stream)}; CPU of the server`, variants, stream)
  await agent.close()
  await Promise.all(Object.values(servers).map((server) => server.stop()))
  report(results, 'bare proxy', [{ of: 'gateway', to: 'bare proxy', atMost: stream ? 1.25 : 1.4 }])
}

function proxyVariant(name: string, server: ChildServer, agent: Agent, stream: boolean): Variant {
  const body = requestBody(stream)
  const headers = {
    'content-type': 'application/json',
    'anthropic-version': '2023-06-01',
    'x-api-key': 'sk-benchmark',
  }
  return {
    name,
    cpu: () => server.cpu(),
    async call() {
      const response = await request(`${server.url}/v1/messages`, {
        method: 'POST',
        headers,
        body,
        dispatcher: agent,
      })
      if (response.statusCode !== 200) throw new Error(`${name} answered with ${response.statusCode}`)
      await response.body.arrayBuffer()
    },
  }
}

async function run(title: string, variants: readonly Variant[], stream: boolean): Promise<Result[]> {
  const results = await measure(variants, {
    rounds,
    calls: stream ? 100 : 1_000,
    collect: 'young',
    concurrency: 8,
    onRound: (round) => showRound(title, round),
  })
  showTitle(title)
  return results
}

function showRound(title: string, round: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${title}: round ${Math.max(0, round + 1)} of ${rounds} `)
}

function showTitle(title: string): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  console.log(`${title}\n`)
}

function report(results: readonly Result[], baseline: string, bounds: readonly Bound[]): void {
  const named = (name: string): Result => results.find((result) => result.name === name) as Result
  const rows = results.map((result) => [
    result.name,
    result.median.toFixed(0),
    ...(['bare undici.request', baseline] as const)
      .filter((name, index, all) => all.indexOf(name) === index && results.some((each) => each.name === name))
      .map((name) => `${ratio(result, named(name)).toFixed(2)}x ${name}`),
  ])
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  for (const row of rows) {
    console.log(
      `  ${row.map((cell, column) => (column === 1 ? cell.padStart(widths[1] as number) : cell.padEnd(widths[column] as number))).join('  ')}`,
    )
  }
  for (const { of, to, atMost } of bounds) {
    const reached = ratio(named(of), named(to))
    const holds = reached <= atMost
    const line = `${of}: ${reached.toFixed(2)}x ${to}, at most ${atMost}x`
    console.log(`  ${holds ? 'holds ' : 'MISSED'}  ${line}`)
    if (!holds) missed.push(line)
  }
  console.log('')
}

function kind(stream: boolean): string {
  return stream ? 'SSE of 200 chunks' : 'JSON'
}
