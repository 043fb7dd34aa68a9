import {
  type Clock,
  createRequest,
  type FailureKind,
  type Handler,
  type ModelRequest,
} from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import type { GiveUpReason } from '@spillway/retry'
import { callsAnswered } from './answer.ts'
import type { Schedule, ScheduledCall } from './schedule.ts'

/** What a caller got for a call. */
export interface CallResult {
  readonly call: ScheduledCall
  /** Undefined for an answer. */
  readonly failure: FailureKind | undefined
  /** Until the first content of a stream, the whole of anything else, or an error; in the clock's milliseconds. */
  readonly waitMs: number
  /** The calls that the body answers: this one and no other, if all is well. */
  readonly answers: readonly number[]
  /** Why a failed call was not tried once more; undefined where nobody retries. */
  readonly gaveUp: GiveUpReason | undefined
}

export const model = 'claude-sonnet-5-5'

const headers = {
  'content-type': 'application/json',
  'anthropic-version': '2023-06-01',
  'x-api-key': 'sk-storm',
}

export interface PlaceOptions {
  readonly handler: Handler
  readonly schedule: Schedule
  readonly clock: Clock
  /** The start of the schedule, in the clock's time. */
  readonly startedAt: number
  /** Hears how many calls are over. */
  readonly onProgress?: ((done: number) => void) | undefined
}

/** Makes every call of a schedule at its time. Resolves with what the callers got, in the order they got it. */
export function placeCalls(options: PlaceOptions): Promise<CallResult[]> {
  const { handler, schedule, clock, startedAt, onProgress } = options
  const { calls } = schedule
  return new Promise((resolve, reject) => {
    const results: CallResult[] = []
    const done = (result: CallResult): void => {
      results.push(result)
      onProgress?.(results.length)
      if (results.length === calls.length) resolve(results)
    }
    const placeFrom = (index: number): void => {
      let next = index
      for (let call = calls[next]; call !== undefined; call = calls[++next]) {
        const wait = startedAt + call.at - clock.now()
        if (wait > 0) {
          clock.setTimer(wait, () => placeFrom(next))
          return
        }
        placeCall(handler, call, clock).then(done, reject)
      }
    }
    placeFrom(0)
  })
}

async function placeCall(handler: Handler, call: ScheduledCall, clock: Clock): Promise<CallResult> {
  let gaveUp: GiveUpReason | undefined
  const request = requestOf(call, clock, (reason) => {
    gaveUp = reason
  })
  const calledAt = clock.now()
  const response = await handler(request)
  const waitMs = clock.now() - calledAt
  if (response.failure !== undefined) {
    response.body.cancel()
    return { call, failure: response.failure.kind, waitMs, answers: [], gaveUp }
  }
  // A body that breaks off rejects; the outcome says why.
  const body = await readBody(response.body).catch(() => undefined)
  const { failure } = await response.outcome
  const answers = body === undefined ? [] : callsAnswered(body, call.stream)
  const isAnswer = failure === undefined && answers.length > 0
  return { call, failure: isAnswer ? undefined : (failure?.kind ?? 'malformed'), waitMs, answers, gaveUp }
}

function requestOf(
  call: ScheduledCall,
  clock: Clock,
  onGiveUp: (reason: GiveUpReason) => void,
): ModelRequest {
  const { index, stream } = call
  const messages = [{ role: 'user', content: `This is call ${index}.` }]
  return createRequest({
    api: 'anthropic',
    model,
    stream,
    url: '/v1/messages',
    headers,
    body: jsonBodyFromObject({ model, max_tokens: 100, stream, messages }),
    clock,
    context: { callId: String(index) },
    listeners: [(event) => event.type === 'retry.abandoned' && onGiveUp(event.reason)],
  })
}
