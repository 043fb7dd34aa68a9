import type { Failure } from '@spillway/middleware'
import type { Shed, SheddingSignal } from './load-shedder.ts'
import { nameOfPriority } from './priority.ts'

const reasons: Readonly<Record<SheddingSignal, string>> = {
  calls_in_flight: 'it has as many calls in flight as it may have for this priority',
  event_loop_delay: 'its event loop is late',
  request_bytes: 'it holds as many bytes of requests as it may for this priority',
}

/** What a client is told whose call is shed. It may come again: nothing was sent anywhere. */
export function shedFailure({ signal, priority, retryAfterMs }: Shed): Failure {
  return {
    kind: 'overloaded',
    message: `the gateway is saturated and sheds calls with the priority ${nameOfPriority(priority)}: ${reasons[signal]}`,
    retryable: true,
    retryAfterMs,
    scope: 'endpoint',
    origin: 'spillway',
  }
}

/** With each such refusal: other than after an attempt, the client is the one to repeat it. */
export const shedHeaders = { 'x-should-retry': 'true' } as const
