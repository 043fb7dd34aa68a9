/** What becomes of traffic and latency when one of three endpoints is slow, then dead, then back. */
import { parseArgs } from 'node:util'
import { attempt } from '@spillway/attempt'
import { compose, createRequest, type Handler, listen } from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { retry } from '@spillway/retry'
import { createRouting, routingDefaults } from '@spillway/routing'
import { virtualClock } from '@spillway/testing'
import { lognormal, randomFor } from '../seeded-random.ts'
import type { AttemptPlan } from '../storm/attempt-plan.ts'
import { simulatedTransport } from '../storm/simulated-transport.ts'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm prove recovery [--seed N] [--check]

Sends 20 calls a second, half of them turns of 200 conversations, to three endpoints, with retries around, on a
virtual clock. One endpoint gets ten times as slow, then dies, then is back. Prints share and latency over time.

  --seed N   where chance begins (default 1)
  --check    exit with 1 when something does not hold`)
  process.exit(0)
}

const { window } = routingDefaults
const seed = Number(options.seed)
const clock = virtualClock({ seed, maxTimers: Infinity })
const perSecond = 20
/** Windows: healthy, slow, dead, back. */
const [slowFrom, deadFrom, backFrom, end] = [2, 5, 8, 12].map((count) => count * window) as [
  number,
  number,
  number,
  number,
]
const names = ['a', 'b', 'c'] as const

function plan(name: string, callId: string): AttemptPlan {
  const now = clock.now()
  const random = randomFor(seed, Number(callId), name.charCodeAt(0), Math.floor(now))
  const isTrouble = name === 'a' && now >= slowFrom && now < backFrom
  const first = lognormal(random, 600, 0.4) * (isTrouble && now < deadFrom ? 10 : 1)
  if (isTrouble && now >= deadFrom) {
    return { fault: 'refused', headers: 5, firstContent: Infinity, lastByte: Infinity }
  }
  return { fault: undefined, headers: first / 2, firstContent: first, lastByte: first + 1_500 }
}

const endpoints = names.map((name) => ({
  name,
  handler: attempt(simulatedTransport((request) => plan(name, request.context.callId))),
}))
const routing = createRouting({ endpoints })
const handler: Handler = compose([retry({ budget: false })], routing.handler)

interface Done {
  readonly at: number
  readonly latency: number
  readonly failed: boolean
}
const calls: Done[] = []
const attempts: { readonly at: number; readonly endpoint: string }[] = []
const log: string[] = []

async function call(index: number): Promise<void> {
  const at = clock.now()
  const conversation = index % 2 === 0 ? { session: `s${(index / 2) % 200}` } : {}
  const request = createRequest({
    api: 'anthropic',
    model: 'claude-sonnet-5-5',
    stream: true,
    url: '/v1/messages',
    body: jsonBodyFromObject({}),
    clock,
    context: { callId: String(index), ...conversation },
  })
  const watched = listen(request, (event) => {
    if (event.type === 'routing.chosen') attempts.push({ at: event.at, endpoint: event.endpoint })
    else if (event.type === 'endpoint.ejected') {
      log.push(`${seconds(event.at)}  ${event.endpoint} ejected for ${event.forMs / 1000} s: ${event.reason}`)
    } else if (event.type === 'endpoint.recovered')
      log.push(`${seconds(event.at)}  ${event.endpoint} recovered`)
  })
  const response = await handler(watched)
  const latency = clock.now() - at
  await readBody(response.body).catch(() => {})
  const { failure } = await response.outcome
  calls.push({ at, latency, failed: failure !== undefined })
}

const total = (end / 1000) * perSecond
const all: Promise<void>[] = []
for (let index = 0; index < total; index++) {
  clock.setTimer((index * 1000) / perSecond, () => all.push(call(index)))
}
await clock.runAll()
await Promise.all(all)

const phases = [
  ['healthy', 0, slowFrom],
  ['a 10x slow', slowFrom, deadFrom],
  ['a dead', deadFrom, backFrom],
  ['a back', backFrom, end],
] as const
console.log(`${total} calls on the virtual clock, seed ${seed}; a window is ${window / 1000} s\n`)
console.log('  seconds   phase        calls  failed   share of attempts        time to first content')
console.log('                                            a     b     c           p50       p99')
for (let from = 0; from < end; from += window / 2) {
  const phase = phases.find(([, start, stop]) => from >= start && from < stop)?.[0] ?? ''
  const { count, failed, shares, p50, p99 } = span(from, from + window / 2)
  console.log(
    `  ${seconds(from)}  ${phase.padEnd(11)} ${String(count).padStart(6)} ${String(failed).padStart(7)}   ` +
      `${shares.map((share) => `${(share * 100).toFixed(0)} %`.padStart(5)).join(' ')} ` +
      `${`${p50.toFixed(0)} ms`.padStart(13)} ${`${p99.toFixed(0)} ms`.padStart(9)}`,
  )
}
console.log(`\n  ${log.join('\n  ')}\n`)

const healthy = span(0, slowFrom)
const slow = span(slowFrom + window, deadFrom)
const dead = span(deadFrom + window, backFrom)
const back = span(backFrom + 2 * window, end)
const verdicts: [boolean, string][] = [
  [calls.length === total && calls.every(({ failed }) => !failed), 'no call fails'],
  [
    slow.shares[0]! < 0.05,
    `a window after it got slow, a has ${percent(slow.shares[0]!)} of the attempts, less than 5 %`,
  ],
  [dead.shares[0]! < 0.05, `a window after it died, a has ${percent(dead.shares[0]!)}, less than 5 %`],
  [
    Math.max(slow.p99, dead.p99) < 2 * healthy.p99,
    `p99 is then ${slow.p99.toFixed(0)} and ${dead.p99.toFixed(0)} ms, less than twice the ${healthy.p99.toFixed(0)} ms of the healthy`,
  ],
  [back.shares[0]! > 0.15, `two windows after it is back, a has ${percent(back.shares[0]!)}, more than 15 %`],
]
for (const [holds, text] of verdicts) console.log(`  ${holds ? 'holds ' : 'MISSED'}  ${text}`)
if (options.check && verdicts.some(([holds]) => !holds)) process.exitCode = 1

function span(from: number, to: number) {
  const within = ({ at }: { readonly at: number }): boolean => at >= from && at < to
  const done = calls.filter(within)
  const sent = attempts.filter(within)
  const latencies = done.map(({ latency }) => latency).sort((a, b) => a - b)
  const rank = (share: number): number => latencies[Math.ceil(share * latencies.length) - 1] ?? Number.NaN
  return {
    count: done.length,
    failed: done.filter(({ failed }) => failed).length,
    shares: names.map((name) => sent.filter(({ endpoint }) => endpoint === name).length / sent.length),
    p50: rank(0.5),
    p99: rank(0.99),
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`.padStart(7)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
