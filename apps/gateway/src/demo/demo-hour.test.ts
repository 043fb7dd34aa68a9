import { attempt, type Transport, type TransportSink, target } from '@spillway/attempt'
import type { CircuitChange } from '@spillway/circuit-breaker-fallback'
import { type Clock, createRequest, sleep } from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { type Fault, virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { timeoutsOf } from '../config/config.ts'
import { openRoutes } from '../routes.ts'
import { openTarget, type RunningTarget } from '../targets.ts'
import type { Observability } from '../telemetry/observability.ts'
import { demoConfig } from './demo-config.ts'
import { playScenario } from './scenario.ts'
import { askedModel, pause } from './send-prompts.ts'

const encoder = new TextEncoder()
const event = (type: string, data: object): Uint8Array =>
  encoder.encode(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)

const opening = event('message_start', {
  message: {
    ...{ id: 'msg_1', type: 'message', role: 'assistant', model: askedModel, content: [] },
    ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: 12, output_tokens: 1 } },
  },
})
const rest = [
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'It carries water.' } }),
  event('content_block_stop', { index: 0 }),
  event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } }),
  event('message_stop', {}),
]

/** An upstream without a network: each attempt meets the fault of its moment, in the time of its own clock. */
function scripted(faultOf: () => Fault | undefined): Transport {
  return ({ clock }, sink) => {
    const fault = faultOf()
    const stop = clock.setTimer(20, () => play(clock, fault, sink))
    return { pause() {}, resume() {}, abort: () => stop() }
  }
}

function play(clock: Clock, fault: Fault | undefined, sink: TransportSink): void {
  const send = (...pieces: readonly Uint8Array[]): void => {
    for (const piece of pieces) sink.data(piece)
  }
  const begin = (): void => {
    sink.headers(200, { 'content-type': 'text/event-stream' })
    send(opening)
  }
  switch (fault?.type) {
    case undefined:
      begin()
      // A stream that takes its time, as the simulated Claude's does.
      clock.setTimer(300, () => {
        send(...rest)
        sink.end()
      })
      return
    case 'slow-first-token':
      return begin()
    case 'slow-headers':
      return
    case 'cut':
      begin()
      return sink.error(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    case 'error-in-200':
      begin()
      send(event('error', { error: { type: fault.errorType, message: 'Overloaded' } }))
      return sink.end()
    case 'status': {
      const retryAfter = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }
      sink.headers(fault.status, { 'content-type': 'application/json', ...retryAfter })
      send(encoder.encode('{"type":"error","error":{"type":"api_error","message":"scripted"}}'))
      return sink.end()
    }
    default:
      throw new Error(`the test does not play ${fault?.type}`)
  }
}

interface Answered {
  readonly at: number
  readonly by: string | undefined
  readonly attempts: number
  readonly failed: boolean
}

/** One hour of the demo: its configuration, the gateway's composition, its scenes, and a client that asks in turn. */
async function playAnHour(): Promise<{ answers: Answered[]; changes: (CircuitChange & { at: number })[] }> {
  const clock = virtualClock({ maxTimers: Number.POSITIVE_INFINITY })
  const config = demoConfig('http://127.0.0.1:1', 'tiny.gguf')
  const scenario = playScenario(() => clock.now())
  // What stands just around an attempt may also take its place.
  const inPlaceOf = attempt(scripted(() => scenario.fault()))
  const observability = { attempts: () => () => inPlaceOf } as unknown as Observability
  const claude = openTarget('claude', config, { observability })
  const local = target('local', attempt(scripted(() => undefined))) as RunningTarget
  const targets = new Map<string, RunningTarget>([
    ['claude', claude],
    ['local', local],
  ])
  const changes: (CircuitChange & { at: number })[] = []
  for (const { breaker } of claude.endpoints) {
    breaker?.onChange((change) => changes.push({ ...change, at: clock.now() }))
  }
  const [route] = openRoutes(config, targets, [])
  const answers: Answered[] = []
  const asking = async (): Promise<void> => {
    while (clock.now() < 3_600_000) {
      let attempts = 0
      const request = createRequest({
        api: 'anthropic',
        operation: 'generate',
        url: '/v1/messages',
        headers: {},
        model: askedModel,
        stream: true,
        body: jsonBodyFromObject({ model: askedModel }),
        clock,
        timeouts: timeoutsOf(config),
        listeners: [({ type }) => void (type === 'attempt.started' && attempts++)],
      })
      const response = await (route as NonNullable<typeof route>).handler(request)
      await readBody(response.body).catch(() => {})
      const { failure } = await response.outcome
      answers.push({ at: clock.now(), by: response.target, attempts, failed: failure !== undefined })
      await sleep(clock, pause)
    }
  }
  await clock.runUntil(asking())
  await claude.close()
  return { answers, changes }
}

it('the demo shows trouble and recovery for an hour: no dead stretch, circuits that open and close, every call answered', {
  timeout: 60_000,
}, async () => {
  const { answers, changes } = await playAnHour()
  expect(answers.length).toBeGreaterThan(1_000)
  expect(answers.filter(({ failed }) => failed)).toEqual([])

  const shares: number[] = []
  for (let from = 0; from <= 3_480_000; from += 10_000) {
    const window = answers.filter(({ at }) => at >= from && at < from + 120_000)
    shares.push(window.filter(({ by }) => by === 'claude').length / window.length)
  }
  expect(Math.min(...shares), 'Claude answers in every stretch of two minutes').toBeGreaterThan(0.4)
  expect(Math.max(...shares), 'and so does the local model').toBeLessThan(0.9)

  const minutes = Array.from({ length: 30 }, (_, index) => ({
    opened: 0,
    closed: 0,
    retried: 0,
    atOnce: 0,
    from: index * 120_000,
  }))
  const minuteOf = (at: number): (typeof minutes)[number] | undefined => minutes[Math.floor(at / 120_000)]
  for (const { at, to, from } of changes) {
    const minute = minuteOf(at)
    if (minute === undefined) continue
    if (to === 'open' && from === 'closed') minute.opened++
    if (to === 'closed') minute.closed++
  }
  for (const { at, by, attempts } of answers) {
    const minute = minuteOf(at)
    if (minute === undefined) continue
    if (by === 'claude' && attempts > 1) minute.retried++
    if (by === 'local' && attempts === 1) minute.atOnce++
  }
  for (const minute of minutes) {
    const { from, ...shown } = minute
    for (const [what, times] of Object.entries(shown)) {
      expect(times, `${what} in the two minutes from ${from / 60_000} min`).toBeGreaterThanOrEqual(1)
    }
  }
})
