import { describe, expect, it } from 'vitest'
import { type RecordedRequest, recordCall } from './call-record.ts'
import { type Clock, systemClock } from './clock.ts'
import { emit, listen } from './events.ts'
import type { Failure, FailureKind } from './failure.ts'
import { jsonBodyFromObject } from './json-body.ts'
import type { Outcome } from './outcome.ts'
import { createRequest, deriveRequest, type ModelRequest, type RequestContext } from './request.ts'

const clock: Clock = { ...systemClock, now: () => 40, epoch: () => 1_000 }

const call = (): RecordedRequest =>
  recordCall(
    createRequest({
      ...{ api: 'anthropic', model: 'm', stream: false, url: '/', clock },
      body: jsonBodyFromObject({ model: 'm' }),
      context: { callId: 'call' },
    }),
  )

const failing = (kind: FailureKind, status?: number): Failure => ({
  ...{ kind, message: 'said', retryable: true, scope: 'endpoint', origin: 'upstream', status },
})

const outcome = (failure?: Failure): Outcome => ({
  failure,
  ...{ usage: undefined, stopReason: undefined, model: undefined },
  timings: { startedAt: 40, end: 7 },
  bytes: 0,
})

const at = (request: ModelRequest, target: string, more: Partial<RequestContext> = {}): ModelRequest =>
  deriveRequest(request, { context: { ...request.context, target, ...more } })

/** An attempt at `target` that runs; the function ends it. */
function begin(request: ModelRequest, target: string, more?: Partial<RequestContext>) {
  const sent = at(request, target, more)
  emit(sent, 'attempt.started', { model: `${target}-model` })
  return (failure?: Failure) => emit(sent, 'attempt.ended', { outcome: outcome(failure) })
}

/** Events of other packages. */
const told = (request: ModelRequest, type: string, data: object): void =>
  emit(request, type as 'refused', data as { failure: Failure })

describe('the record of a call', () => {
  it('is one, whoever follows the call further in', () => {
    const request = call()
    expect(recordCall(deriveRequest(request, { model: 'other' })).context.record).toBe(request.context.record)
    expect(request.context.record).toMatchObject({ callId: 'call', startedAt: 40, startedAtEpoch: 1_000 })
  })

  it('holds each attempt from its start on, and its outcome with the attempt that it belongs to', () => {
    const request = call()
    const { record } = request.context
    const endFirst = begin(request, 'claude', { endpoint: 'a' })
    const endSecond = begin(request, 'claude', { endpoint: 'b' })
    expect([record.begun, record.running]).toEqual([2, 2])
    endSecond()
    endFirst(failing('cancelled'))
    expect(record.running).toBe(0)
    expect(record.attempts).toMatchObject([
      { number: 1, target: 'claude', endpoint: 'a', outcome: { failure: { kind: 'cancelled' } } },
      { number: 2, target: 'claude', endpoint: 'b', outcome: { failure: undefined } },
    ])
    expect(record.reports.map(({ failure }) => failure?.kind)).toEqual([undefined, 'cancelled'])
  })

  it('is written before listeners hear', () => {
    const request = call()
    const begun: number[] = []
    const heard = listen(request, () => begun.push(request.context.record.begun))
    begin(heard, 'claude')()
    expect(begun).toEqual([1, 1])
  })

  it('reports attempts and refusals in order, a call without an attempt included', () => {
    const request = call()
    begin(request, 'claude')(failing('overloaded', 529))
    emit(at(request, 'local'), 'refused', { failure: failing('circuit_open') })
    expect(request.context.record.reports).toMatchObject([
      { target: 'claude', failure: { kind: 'overloaded', status: 529 }, durationMs: 7 },
      { target: 'local', failure: { kind: 'circuit_open' }, durationMs: 0 },
    ])
    expect(request.context.record.begun).toBe(1)
  })

  it('keeps the first and the last of very many, and counts them all', () => {
    const request = call()
    const { record } = request.context
    for (let number = 0; number < 1_000; number++) begin(request, `t${number}`)()
    const names = (from: number, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `t${from + index}`)
    expect(record.begun).toBe(1_000)
    expect(record.attempts.map(({ target }) => target)).toEqual([...names(0, 50), ...names(950, 50)])
    expect(record.reports.map(({ target }) => target)).toEqual([...names(0, 10), ...names(990, 10)])
  })
})

describe('the reason of an attempt', () => {
  const reasons = (request: RecordedRequest): unknown[] =>
    request.context.record.attempts.map(({ reason }) => reason)

  it('is a retry at a target that was asked before, and a fallback at another one', () => {
    const request = call()
    for (const target of ['claude', 'claude', 'local', 'local', 'claude']) begin(request, target)()
    expect(reasons(request)).toEqual(['primary', 'retry', 'fallback', 'retry', 'retry'])
  })

  it('is a hedge for the endpoint that was asked beside the first, once', () => {
    const request = call()
    begin(request, 'claude', { endpoint: 'a' })
    told(request, 'hedge.started', { endpoint: 'b', afterMs: 1 })
    begin(request, 'claude', { endpoint: 'b' })
    begin(request, 'claude', { endpoint: 'b' })
    expect(reasons(request)).toEqual(['primary', 'hedge', 'retry'])
  })

  it('is no hedge where that one was lost before it sent anything', () => {
    const request = call()
    begin(request, 'claude', { endpoint: 'a' })
    told(request, 'hedge.started', { endpoint: 'b', afterMs: 1 })
    told(request, 'hedge.lost', { endpoint: 'b', reason: 'failed' })
    begin(request, 'claude', { endpoint: 'b' })
    expect(reasons(request)).toEqual(['primary', 'retry'])
  })
})

describe('the fallback of a call', () => {
  it('is what the policy says: from the first target, for the first reason, to the last target', () => {
    const request = call()
    emit(at(request, 'claude'), 'refused', { failure: failing('circuit_open') })
    told(request, 'fallback.switched', { to: 'second', failure: failing('circuit_open') })
    told(request, 'fallback.switched', { to: 'third', failure: failing('server') })
    expect(request.context.record.fallback()).toEqual({ from: 'claude', to: 'third', reason: 'circuit_open' })
  })

  it('is told by the targets of the attempts where no policy says so', () => {
    const request = call()
    begin(request, 'claude')(failing('timeout'))
    expect(request.context.record.fallback()).toBeUndefined()
    begin(request, 'local')()
    expect(request.context.record.fallback()).toEqual({ from: 'claude', to: 'local', reason: 'timeout' })
    expect(request.context.record.fallback('claude')).toBeUndefined()
  })
})
