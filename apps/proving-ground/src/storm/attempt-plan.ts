import type { ModelRequest } from '@spillway/middleware'
import { lognormal, randomFor } from '../seeded-random.ts'
import { outageAt, type Schedule } from './schedule.ts'

/** What may go wrong with an attempt. */
export type AttemptFault = 'rate_limited' | 'overloaded' | 'server' | 'reset' | 'stall' | 'refused'

/** How often each fault happens outside the outages, as parts of all attempts. */
export const faultMix: readonly { readonly fault: AttemptFault; readonly share: number }[] = [
  { fault: 'rate_limited', share: 0.03 },
  { fault: 'overloaded', share: 0.02 },
  { fault: 'server', share: 0.02 },
  { fault: 'reset', share: 0.01 },
  { fault: 'stall', share: 0.01 },
]

/** The faults for people. */
export const faultWords: Readonly<Record<AttemptFault, string>> = {
  rate_limited: '429 with `retry-after: 1`',
  overloaded: '529',
  server: '500',
  reset: 'connection resets',
  stall: 'stalls before the first content',
  refused: 'connections refused',
}

/** What the upstream does with one attempt; milliseconds after its start. */
export interface AttemptPlan {
  readonly fault: AttemptFault | undefined
  /** The first byte of an answer, or the whole of an error. */
  readonly headers: number
  /** The first content of a stream. */
  readonly firstContent: number
  readonly lastByte: number
}

/** Decides about attempts as they are made, and counts them. */
export interface Upstream {
  /** The plan for one more attempt, whose call is named by `context.callId`. */
  plan(request: ModelRequest): AttemptPlan
  /** Attempts so far, by call. */
  readonly attempts: Uint8Array
  /** The highest that attempts beyond the first stood above `0.2 x calls so far`, at any moment. */
  readonly highestExtra: number
}

/** The faults of a schedule as one way of calling meets them. `startedAt` is the start in the request's clock. */
export function upstreamOf(schedule: Schedule, budgetRatio: number, startedAt: number): Upstream {
  const attempts = new Uint8Array((schedule.calls.at(-1)?.index ?? 0) + 1)
  let calls = 0
  let extra = 0
  let highestExtra = 0
  return {
    attempts,
    get highestExtra() {
      return highestExtra
    },
    plan(request) {
      const call = Number(request.context.callId)
      const attempt = attempts[call] ?? 0
      attempts[call] = attempt + 1
      if (attempt === 0) calls++
      else extra++
      highestExtra = Math.max(highestExtra, extra - budgetRatio * calls)
      const outage = outageAt(schedule, request.clock.now() - startedAt)
      const planned = planAttempt(schedule.seed, call, attempt, request.stream)
      if (outage === undefined) return planned
      return { ...planned, fault: outage.kind, headers: outage.kind === 'refused' ? 2 : planned.headers }
    },
  }
}

/** The same for the same seed, call and number of attempt, whenever it is made. */
export function planAttempt(seed: number, call: number, attempt: number, stream: boolean): AttemptPlan {
  const random = randomFor(seed, call, attempt)
  const fault = drawFault(random())
  const headers = lognormal(random, fault === undefined || fault === 'stall' ? 250 : 80, 0.4)
  const firstContent = headers + lognormal(random, 600, 0.5)
  const lastByte = firstContent + lognormal(random, stream ? 2_500 : 2_000, 0.5)
  return { fault, headers, firstContent, lastByte }
}

function drawFault(chance: number): AttemptFault | undefined {
  let below = 0
  for (const { fault, share } of faultMix) {
    below += share
    if (chance < below) return fault
  }
  return undefined
}
