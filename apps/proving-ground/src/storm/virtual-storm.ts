import { attempt } from '@spillway/attempt'
import { virtualClock } from '@spillway/testing'
import { upstreamOf } from './attempt-plan.ts'
import { type CallResult, placeCalls } from './place-calls.ts'
import type { Schedule } from './schedule.ts'
import { simulatedTransport } from './simulated-transport.ts'
import { budget, localLatency, type WayName, wayNames, wayOf } from './ways.ts'

/** What one way of calling made of a schedule. */
export interface WayRun {
  readonly way: WayName
  readonly results: readonly CallResult[]
  /** Attempts that the upstream saw, by call. */
  readonly attempts: Uint8Array
  /** See `Upstream.highestExtra`. */
  readonly highestExtra: number
}

export type Progress = (way: WayName, done: number) => void

/** Runs a schedule through all ways, each on a virtual clock of its own. */
export async function runVirtualStorm(schedule: Schedule, onProgress?: Progress): Promise<WayRun[]> {
  const runs: WayRun[] = []
  for (const way of wayNames) runs.push(await runWay(way, schedule, onProgress))
  return runs
}

async function runWay(way: WayName, schedule: Schedule, onProgress?: Progress): Promise<WayRun> {
  const clock = virtualClock({ seed: schedule.seed, maxTimers: Infinity })
  const upstream = upstreamOf(schedule, budget.ratio, clock.now())
  const claude = attempt(simulatedTransport((request) => upstream.plan(request)))
  const local = attempt(simulatedTransport(() => localPlan))
  const placed = placeCalls({
    handler: wayOf(way, claude, local),
    schedule,
    clock,
    startedAt: clock.now(),
    onProgress: onProgress && ((done) => onProgress(way, done)),
  })
  const results = await clock.runUntil(placed)
  return { way, results, attempts: upstream.attempts, highestExtra: upstream.highestExtra }
}

/** The local model never fails. */
const localPlan = {
  fault: undefined,
  headers: localLatency / 2,
  firstContent: localLatency,
  lastByte: localLatency,
}
