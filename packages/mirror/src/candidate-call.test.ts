import type { Handler, ModelResponse, Outcome } from '@spillway/middleware'
import { BodyChannel } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { requestOn } from '../test/call.ts'
import { type Script, scripted } from '../test/scripted-transport.ts'
import { CandidateCall } from './candidate-call.ts'
import type { FinishedAnswer } from './comparison.ts'

let clock: VirtualClock

beforeEach(() => {
  clock = virtualClock()
})

const limits = { timeout: 5_000, maxBytes: 1_000, dedicated: false }

/** What comes of asking a candidate. */
function ask(handler: Handler, stream = true): Promise<FinishedAnswer> {
  const candidate = new CandidateCall(requestOn(clock, { stream }), { name: 'candidate', handler }, limits)
  return clock.runUntil(candidate.answer)
}

describe('a candidate', () => {
  it.each<[string, Script, boolean, object]>([
    ['answers with an error', { status: 500 }, true, { status: 500, failure: { kind: 'server' } }],
    ['answers with garbage', { body: '<html>' }, false, { status: 502, failure: { kind: 'malformed' } }],
    ['breaks off', { breaks: true }, true, { status: 200, failure: { kind: 'connection' } }],
    [
      'never answers',
      { firstMs: Infinity },
      false,
      { status: undefined, failure: { kind: 'timeout', phase: 'total' }, totalMs: 5_000 },
    ],
    [
      'never ends',
      { restMs: Infinity },
      true,
      { status: 200, failure: { kind: 'timeout', phase: 'total' }, timeToFirstTokenMs: 0, totalMs: 5_000 },
    ],
    ['says too much', { text: 'a'.repeat(2_000) }, true, { failure: { kind: 'malformed' } }],
    ['says too much at once', { text: 'a'.repeat(2_000) }, false, { failure: { kind: 'malformed' } }],
  ])('that %s has that failure and no text', async (_, script, stream, expected) => {
    const upstream = scripted('candidate', script)
    const answer = await ask(upstream.handler, stream)
    expect(answer.compared).toMatchObject(expected)
    expect(answer).toMatchObject({ text: undefined, compared: { textLength: undefined } })
    expect(upstream.open).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('that throws at once is a failure like any other', async () => {
    const { compared } = await ask(() => {
      throw new TypeError('a mistake')
    })
    expect(compared).toMatchObject({ status: undefined, failure: { kind: 'connection' } })
    expect(clock.pending).toBe(0)
  })

  it('that heeds neither signal nor deadline is given up a second later', async () => {
    let respond: (response: ModelResponse) => void = () => {}
    const { compared } = await ask(
      () =>
        new Promise((resolve) => {
          respond = resolve
        }),
    )
    expect(compared).toMatchObject({ failure: { kind: 'timeout', phase: 'total' }, totalMs: 6_000 })
    let cancelled = false
    const body = new BodyChannel({ pause: () => {}, resume: () => {}, cancel: () => (cancelled = true) })
    const outcome = new Promise<Outcome>(() => {})
    respond({ status: 200, headers: {}, body, failure: undefined, outcome, target: undefined })
    await clock.advance(0)
    expect(cancelled).toBe(true)
  })

  it('whose outcome never settles is given up as well', async () => {
    const body = new BodyChannel()
    body.end()
    const outcome = new Promise<Outcome>(() => {})
    const { compared } = await ask(async () => ({
      status: 200,
      headers: {},
      body,
      failure: undefined,
      outcome,
      target: 'candidate',
    }))
    expect(compared).toMatchObject({ status: 200, failure: { kind: 'timeout' }, totalMs: 6_000 })
    expect(clock.pending).toBe(0)
  })

  it('that floods is read at 1 MiB a second, after a start of 64 KiB', async () => {
    let paused = false
    let sent = 0
    const chunk = new Uint8Array(64 * 1024)
    const body = new BodyChannel({
      pause: () => {
        paused = true
      },
      resume: () => {
        paused = false
        flood()
      },
      cancel: () => {},
    })
    const flood = (): void => {
      while (!paused) {
        body.push(chunk)
        sent += chunk.length
      }
    }
    const outcome = new Promise<Outcome>(() => {})
    const response = { status: 200, headers: {}, body, failure: undefined, outcome, target: 'candidate' }
    const flooding = new CandidateCall(
      requestOn(clock),
      { name: 'candidate', handler: async () => response },
      { timeout: 10_000, maxBytes: Infinity, dedicated: false },
    )
    await clock.advance(0)
    flood()
    await clock.advance(2_000)
    expect(sent / 1024).toBeGreaterThanOrEqual(2_048)
    expect(sent / 1024).toBeLessThanOrEqual(2_048 + 2 * 64)
    flooding.cancel()
    await clock.runUntil(flooding.answer)
    expect(clock.pending).toBe(0)
  })
})
