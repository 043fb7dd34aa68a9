import { attempt, type Transport } from '@spillway/attempt'
import {
  compose,
  createRequest,
  type Handler,
  listen,
  type Middleware,
  type ModelRequest,
  type SpillwayEvent,
} from '@spillway/middleware'
import { jsonBodyFromObject, type NewModelRequest } from '@spillway/middleware/kit'
import type { VirtualClock } from '@spillway/testing'

/** What an upstream does with one attempt; times in milliseconds from when the attempt begins. */
export type Act =
  | 'ok'
  | 'stall'
  | 'refuse connection'
  | 'decline'
  | { readonly status: number; readonly retryAfter?: number }
  | { readonly streamsFor: number }

/** An upstream on the virtual clock. Its real attempts emit the real events. */
export interface ScriptedUpstream {
  readonly handler: Handler
  /** When each attempt began. */
  readonly attempts: readonly number[]
  /** Attempts that were broken off. */
  readonly aborted: number
}

/** An upstream that goes through a script, attempt by attempt; the last act repeats. */
export function scriptedUpstream(...script: readonly Act[]): ScriptedUpstream {
  const attempts: number[] = []
  let aborted = 0
  const transport: Transport = ({ clock }, sink) => {
    const act = script[Math.min(attempts.length, script.length - 1)] as Act
    attempts.push(clock.now())
    const timers: (() => void)[] = []
    const at = (ms: number, run: () => void): void => void timers.push(clock.setTimer(ms, run))
    const whole = (status: number, headers: Record<string, string>, body: object): void =>
      at(10, () => {
        sink.headers(status, { 'content-type': 'application/json', ...headers })
        sink.data(Buffer.from(JSON.stringify(body)))
        sink.end()
      })
    if (act === 'ok') whole(200, {}, message)
    else if (act === 'decline') whole(200, {}, { ...message, content: [], stop_reason: 'refusal' })
    else if (act === 'refuse connection') {
      at(10, () => sink.error(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })))
    } else if (act !== 'stall' && 'status' in act) {
      const wait = act.retryAfter === undefined ? {} : { 'retry-after': String(act.retryAfter) }
      whole(act.status, wait, { type: 'error', error: { type: 'api_error', message: 'no' } })
    } else if (act !== 'stall') {
      at(10, () => {
        sink.headers(200, { 'content-type': 'text/event-stream' })
        sink.data(Buffer.from(opening))
      })
      at(act.streamsFor, () => {
        sink.data(Buffer.from(ending))
        sink.end()
      })
    }
    return {
      pause() {},
      resume() {},
      abort() {
        aborted++
        for (const cancel of timers) cancel()
      },
    }
  }
  return {
    handler: attempt(transport),
    attempts,
    get aborted() {
      return aborted
    },
  }
}

/** What became of one call, and what it told on its way. */
export interface CallRecord {
  readonly status: number
  readonly failure: string | undefined
  readonly target: string | undefined
  readonly events: readonly string[]
  /** When it was answered, in clock time. */
  readonly at: number
}

/** Sends one call down a chain, and moves the clock until it is answered and over. */
export async function run(
  clock: VirtualClock,
  chain: readonly Middleware[],
  handler: Handler,
  changes: Partial<NewModelRequest> = {},
): Promise<CallRecord> {
  const { request, events } = requestOn(clock, changes)
  const response = await clock.runUntil(compose(chain, handler)(request))
  const at = clock.now()
  response.body.pipe({ write: () => true, end() {}, fail() {} })
  await clock.runUntil(response.outcome)
  const { status, failure, target } = response
  return { status, failure: failure?.kind, target, events: events.map(({ type }) => type), at }
}

export function requestOn(
  clock: VirtualClock,
  changes: Partial<NewModelRequest> = {},
): { request: ModelRequest; events: readonly SpillwayEvent[] } {
  const events: SpillwayEvent[] = []
  const request = createRequest({
    ...{ api: 'anthropic', model: 'claude-sonnet-5-5', stream: false, url: '/v1/messages', clock },
    body: jsonBodyFromObject({ model: 'claude-sonnet-5-5', max_tokens: 10, messages: [] }),
    ...changes,
  })
  return { request: listen(request, (event) => void events.push(event)), events }
}

const message = {
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-5-5' },
  content: [{ type: 'text', text: 'Hi' }],
  ...{ stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } },
}

const event = (type: string, data: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`

const opening =
  event('message_start', { message: { ...message, content: [], stop_reason: null } }) +
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hi' } })

const ending =
  event('content_block_stop', { index: 0 }) +
  event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } }) +
  event('message_stop', {})
