// One of several processes that share a limit. Tells its parent over IPC of every admission and every refusal.
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, createRequest, emit, type Handler, systemClock } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { createRateLimit, redisLimitStore } from '@spillway/rate-limit'
import { Redis } from 'ioredis'
import type { WorkerOptions, WorkerReport } from './work.ts'

const options = JSON.parse(process.argv[2] as string) as WorkerOptions
const { speed } = options

/** All processes have the same time, so many times as fast as the real one. */
const clock: Clock = {
  now: () => Date.now() * speed,
  epoch: () => Date.now() * speed,
  setTimer: (ms, callback) => systemClock.setTimer(ms / speed, callback),
  random: () => systemClock.random(),
}

const redis = new Redis(options.redis, { retryStrategy: () => 100, maxRetriesPerRequest: null })
redis.on('error', () => {})
const store = redisLimitStore(redis, {
  clock,
  // Of a fast clock, windows have to be as fast; the time that Redis takes is not.
  time: speed === 1 ? 'redis' : 'clock',
  timeout: 250 * speed,
  lease: options.lease,
})
const { middleware } = createRateLimit({ ...options.limits, store, maxWait: options.maxWait })

const report = (message: WorkerReport): void => void process.send?.(message)
store.onStatus((status) => report({ type: 'status', status, at: Date.now() }))

const answer: Handler = async (request) => {
  emit(request, 'attempt.started', { model: request.model })
  report({ type: 'admitted', at: clock.epoch() })
  const startedAt = clock.now()
  const outcome = delay(options.holdMs / speed).then(() => ({
    failure: undefined,
    usage: undefined,
    stopReason: undefined,
    model: undefined,
    timings: { startedAt, end: clock.now() },
    bytes: 0,
  }))
  return {
    status: 200,
    headers: {},
    body: bodyOf(new Uint8Array()),
    failure: undefined,
    outcome,
    target: 'x',
  }
}
const handler = middleware(answer)
const body = jsonBodyFromObject({ model: 'm', messages: [] })

let offered = 0
const begun = Date.now()
const timer = setInterval(() => {
  const due = ((Date.now() - begun) / 60_000) * speed * options.perMinute
  for (; offered < due; offered++) {
    const request = createRequest({
      api: 'anthropic',
      model: 'm',
      stream: false,
      url: '/v1/messages',
      body,
      clock,
    })
    handler(request).then(
      ({ failure }) => {
        if (failure !== undefined) report({ type: 'refused', kind: failure.kind, at: Date.now() })
      },
      (error: unknown) => report({ type: 'refused', kind: String(error), at: Date.now() }),
    )
  }
}, 5)

process.on('message', () => {
  clearInterval(timer)
  redis.disconnect()
  process.disconnect()
  // Whatever still waits for room is of no use any more.
  process.exit(0)
})
report({ type: 'ready' })
