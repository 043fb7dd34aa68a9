/**
 * What a mirror costs the calls that it mirrors: their latency with every call mirrored to a candidate that is well, dead,
 * slow or hostile, beside the same calls without a mirror, in turn, in one run.
 * `pnpm prove mirror [--rounds N] [--check]`
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Client, createClient } from '@spillway/core-client'
import { compose, createRequest, type Handler } from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { createMirror, type Mirror, type MirrorOptions, target } from '@spillway/mirror'
import { medianOf } from '../slope.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (options.help) {
  console.log(`Usage: pnpm prove mirror [--rounds N] [--check]

  --rounds N   rounds, at least 3 (default 9)
  --check      exit with 1 when a bound is missed`)
  process.exit(0)
}

/** With a mirror a call takes at most so many times what it takes without, whatever the candidate does. */
const bound = 1.1
const rounds = Math.max(3, Number(options.rounds) || 9)
const calls = 40
const concurrency = 4
/** Every call is mirrored; only the candidates under way at a time are limited, by default. */
const everyCall: Omit<MirrorOptions, 'to'> = { sample: 1, callsPerMinute: Infinity, timeout: 10_000 }

const children: ChildProcess[] = []
const clients: Client[] = []
const claude = await startUpstream('claude')
const upstreams = {
  well: claude,
  dead: 'http://127.0.0.1:9',
  slow: await startUpstream('slow'),
  'an endless stream': await startUpstream('endless'),
  'an endless body': await startUpstream('huge'),
}
const primary = clientOf(claude)
const candidates = Object.entries(upstreams).map(([name, url]) => ({ name, client: clientOf(url) }))

console.log(
  `Node ${process.version}, ${cpus().length} cores, ${rounds} rounds of ${calls} calls, ${concurrency} at a time; milliseconds a call\n`,
)
let missed = false
for (const stream of [false, true]) await bench(stream)
for (const client of clients) await client.close()
for (const child of children) child.disconnect()
if (options.check && missed) process.exitCode = 1

interface Measured {
  readonly name: string
  /** One median a round. */
  readonly medians: number[]
  readonly all: number[]
  mirrored: number
}

async function bench(stream: boolean): Promise<void> {
  const variants = [
    { name: 'no mirror', client: undefined },
    { name: 'no mirror, again', client: undefined },
    ...candidates,
  ]
  const results = new Map<string, Measured>(
    variants.map(({ name }) => [name, { name, medians: [], all: [], mirrored: 0 }]),
  )
  for (let round = -1; round < rounds; round++) {
    for (const index of variants.keys()) {
      const { name, client } = variants[(index + round + 1) % variants.length] as (typeof variants)[number]
      const shadow = client && createMirror({ ...everyCall, to: target(name, client.handler) })
      const times = await run(
        compose(shadow === undefined ? [] : [shadow.middleware], primary.handler),
        stream,
      )
      const started = await finish(shadow)
      if (round < 0) continue
      const result = results.get(name) as Measured
      result.medians.push(medianOf(times))
      result.all.push(...times)
      result.mirrored += started
    }
  }
  report(stream ? 'Streams' : 'Whole answers', [...results.values()])
}

/** Nothing of one measurement may reach into the next. */
async function finish(shadow: Mirror | undefined): Promise<number> {
  await shadow?.close()
  await new Promise((resolve) => setTimeout(resolve, 20))
  return shadow?.stats().started ?? 0
}

async function run(handler: Handler, stream: boolean): Promise<number[]> {
  const times: number[] = []
  let left = calls
  const work = async (): Promise<void> => {
    while (left-- > 0) times.push(await timed(handler, stream))
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return times
}

/** One call, from the request to its last byte. */
async function timed(handler: Handler, stream: boolean): Promise<number> {
  const model = 'claude-sonnet-5-5'
  const messages = [{ role: 'user', content: 'Write a haiku about a dam that is full.' }]
  const request = createRequest({
    api: 'anthropic',
    model,
    stream,
    url: '/v1/messages',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: jsonBodyFromObject({ model, max_tokens: 1024, stream, messages }),
  })
  const startedAt = performance.now()
  const response = await handler(request)
  await readBody(response.body)
  const took = performance.now() - startedAt
  if (response.status !== 200) throw new Error(`the primary answered with ${response.status}`)
  return took
}

function report(title: string, results: readonly Measured[]): void {
  const [baseline] = results as [Measured]
  console.log(`${title}\n\n  candidate           median     p95  mirrored  without a mirror`)
  for (const { name, medians, all, mirrored } of results) {
    const reached = medianOf(medians.map((value, round) => value / (baseline.medians[round] as number)))
    const sorted = [...all].sort((a, b) => a - b)
    const p95 = sorted[Math.floor(sorted.length * 0.95)] as number
    const holds = reached <= bound
    if (!holds) missed = true
    console.log(
      `  ${name.padEnd(17)} ${medianOf(all).toFixed(1).padStart(8)} ${p95.toFixed(1).padStart(7)} ` +
        `${`${mirrored}/${all.length}`.padStart(9)}  ${reached.toFixed(2)}x ${holds ? 'holds' : 'MISSED'}, at most ${bound}x`,
    )
  }
  console.log('')
}

function clientOf(url: string): Client {
  const client = createClient({ provider: 'anthropic', baseUrl: url, credential: 'sk-benchmark' })
  clients.push(client)
  return client
}

async function startUpstream(kind: string): Promise<string> {
  const child = fork(new URL('./upstreams.ts', import.meta.url), [kind], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.push(child)
  const [message] = (await once(child, 'message')) as [{ url: string }]
  return message.url
}
