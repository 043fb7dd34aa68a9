import { type AcceleratedClock, acceleratedClock } from './accelerated-clock.ts'
import { upstreamOf } from './attempt-plan.ts'
import { placeCalls } from './place-calls.ts'
import type { Schedule } from './schedule.ts'
import { type SocketEndpoints, startEndpoints } from './socket-endpoints.ts'
import type { Progress, WayRun } from './virtual-storm.ts'
import { budget, localLatency, type WayName, wayNames, wayOf } from './ways.ts'

/** So many calls a second does each way make, of the machine's seconds. */
const realCallsPerSecond = 200

/** So many calls are made beforehand and not counted: while code is being compiled, short limits run out. */
const warmUpCalls = 600

export interface SocketStorm {
  readonly runs: readonly WayRun[]
  /** How many times as fast as the real one the clock of the policies ran. */
  readonly speed: number
  /** How long the machine kept the process waiting, in real milliseconds. The clock did not count it. */
  readonly pausedMs: number
}

/** Runs a schedule through all ways at once, over real sockets and an accelerated clock. */
export async function runSocketStorm(schedule: Schedule, onProgress?: Progress): Promise<SocketStorm> {
  const speed = Math.max(1, (schedule.durationMs / 1000) * (realCallsPerSecond / schedule.calls.length))
  const endpoints = await startEndpoints(speed, localLatency)
  const clock = acceleratedClock(speed, schedule.seed)
  try {
    const warmUp = { ...schedule, calls: schedule.calls.slice(0, warmUpCalls), outages: [] }
    await Promise.all(wayNames.map((way) => runWay(way, warmUp, clock, endpoints, undefined)))
    const pausedBefore = clock.pausedMs
    const run = (way: WayName): Promise<WayRun> => runWay(way, schedule, clock, endpoints, onProgress)
    const runs = await Promise.all(wayNames.map(run))
    return { runs, speed, pausedMs: clock.pausedMs - pausedBefore }
  } finally {
    clock.stop()
    await endpoints.close()
  }
}

async function runWay(
  way: WayName,
  schedule: Schedule,
  clock: AcceleratedClock,
  endpoints: SocketEndpoints,
  onProgress: Progress | undefined,
): Promise<WayRun> {
  const startedAt = clock.now()
  const upstream = upstreamOf(schedule, budget.ratio, startedAt)
  const claude = endpoints.claude((request) => upstream.plan(request))
  const results = await placeCalls({
    handler: wayOf(way, claude, endpoints.local()),
    schedule,
    clock,
    startedAt,
    onProgress: onProgress && ((done) => onProgress(way, done)),
  })
  return { way, results, attempts: upstream.attempts, highestExtra: upstream.highestExtra }
}
