import { deriveRequest } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { settled, streamRequest, textOf } from '../test/call.ts'
import { handTransport } from '../test/hand-transport.ts'
import { anthropic, ending, message, preamble } from '../test/wire-samples.ts'
import { attempt } from './attempt.ts'
import { timeouts } from './timeouts.ts'
import type { Transport } from './transport.ts'

function begin(limits: Parameters<typeof timeouts>[0] = {}, stream = true) {
  const clock = virtualClock()
  const wire = handTransport()
  const answer = timeouts(limits)(attempt(wire.transport))(streamRequest({ clock, stream }))
  return { clock, wire, answer }
}

async function timesOut(
  { clock, wire, answer }: ReturnType<typeof begin>,
  phase: string,
  at: number,
): Promise<void> {
  await clock.advance(at - clock.now() - 1)
  expect(await settled(answer)).toBe('pending')
  await clock.advance(1)
  const response = await answer
  expect(response).toMatchObject({ status: 504, failure: { kind: 'timeout', phase } })
  expect(JSON.parse(await textOf(response))).toMatchObject({ error: { type: 'timeout_error' } })
  expect(wire.aborted).toBe(true)
  expect(clock.pending).toBe(0)
}

describe('headers', () => {
  it('have 20 s by default when a stream is asked for', () => timesOut(begin(), 'headers', 20_000))
  it('have the time that is configured, for every call', () =>
    timesOut(begin({ headers: 700 }, false), 'headers', 700))
  it('have no limit of their own by default when no stream is asked for', () =>
    timesOut(begin({}, false), 'total', 600_000))
})

describe('the first content', () => {
  it('has 60 s by default, pings or not', async () => {
    const call = begin()
    call.wire.streamHeaders()
    call.wire.text(anthropic.start)
    for (let second = 0; second < 50; second += 10) {
      await call.clock.advance(10_000)
      call.wire.text(anthropic.ping)
    }
    await timesOut(call, 'first_content', 60_000)
  })

  it('has the time that is configured', async () => {
    const call = begin({ firstContent: 1_500 })
    call.wire.streamHeaders()
    await timesOut(call, 'first_content', 1_500)
  })
})

describe('an open block before any content', () => {
  const thinking = anthropic.emptyBlock.replace('"type":"text","text":""', '"type":"thinking","thinking":""')

  it.each([
    ['text', anthropic.emptyBlock],
    ['thinking', thinking],
  ])('is progress (%s): pings may go on for as long as the call has time', async (_, block) => {
    const call = begin()
    call.wire.streamHeaders()
    call.wire.text(anthropic.start, block)
    for (let second = 0; second < 590; second += 10) {
      await call.clock.advance(10_000)
      call.wire.text(anthropic.ping)
    }
    await timesOut(call, 'total', 600_000)
  })

  it('is answered when its content comes after all', async () => {
    const { clock, wire, answer } = begin()
    wire.streamHeaders()
    wire.text(anthropic.start, thinking)
    for (let ping = 0; ping < 15; ping++) {
      await clock.advance(20_000)
      wire.text(anthropic.ping)
    }
    wire.text(anthropic.text('at last'), ending)
    wire.sink.end()
    const { failure, outcome } = await answer
    expect(failure).toBeUndefined()
    expect((await outcome).timings.firstContent).toBe(300_000)
  })

  it('needs a sign of life within the idle limit', async () => {
    const call = begin()
    await call.clock.advance(5_000)
    call.wire.streamHeaders()
    call.wire.text(anthropic.start, thinking)
    await call.clock.advance(25_000)
    call.wire.text(anthropic.ping)
    await timesOut(call, 'idle', 60_000)
  })

  it('is no content yet: the attempt may still fail without the caller having seen anything', async () => {
    const { wire, answer } = begin()
    wire.streamHeaders()
    wire.text(anthropic.start, thinking, anthropic.error('overloaded_error'))
    expect(await answer).toMatchObject({ failure: { kind: 'overloaded' } })
  })
})

describe('a request that waits for a connection', () => {
  function leaving(limits: Parameters<typeof timeouts>[0] = {}) {
    const clock = virtualClock()
    const wire = handTransport()
    const transport: Transport = (request, sink) => ({ ...wire.transport(request, sink), isLeaving: true })
    return { clock, wire, answer: timeouts(limits)(attempt(transport))(streamRequest({ clock })) }
  }

  it('has the limits of its attempt from when it leaves', async () => {
    const call = leaving()
    await call.clock.advance(50_000)
    call.wire.sink.sent?.()
    await timesOut(call, 'headers', 70_000)
  })

  it('has those of a first content and of the attempt from then on, too', async () => {
    for (const [phase, limits] of [
      ['first_content', { firstContent: 5_000, headers: Infinity }],
      ['attempt', { attempt: 5_000, headers: Infinity }],
    ] as const) {
      const call = leaving(limits)
      await call.clock.advance(50_000)
      call.wire.sink.sent?.()
      await timesOut(call, phase, 55_000)
    }
  })

  it('is bound by the deadline of the call all the same', () =>
    timesOut(leaving({ total: 3_000 }), 'total', 3_000))
})

it('an attempt as a whole can be limited up to its commit point', async () => {
  const call = begin({ attempt: 5_000 })
  call.wire.streamHeaders()
  await timesOut(call, 'attempt', 5_000)
})

it('the deadline of the call ends an attempt', async () => {
  const call = begin({ total: 3_000 })
  await timesOut(call, 'total', 3_000)
  expect((await call.answer).failure?.retryable).toBe(false)
})

it('a limit that is undefined is the one that was set further out', () =>
  timesOut(begin({ headers: undefined, total: undefined, firstContent: undefined }), 'headers', 20_000))

it('a deadline that somebody chose can be shortened and not put off', async () => {
  const clock = virtualClock()
  const wire = handTransport()
  const chosen = deriveRequest(streamRequest({ clock, stream: false }), { deadline: 1_000 })
  const answer = timeouts({ total: 5_000 })(attempt(wire.transport))(chosen)
  await timesOut({ clock, wire, answer }, 'total', 1_000)
})

it('the default deadline can be put off', async () => {
  const call = begin({ total: 3_600_000 }, false)
  await timesOut(call, 'total', 3_600_000)
})

it('a long healthy stream is never cut', async () => {
  const { clock, wire, answer } = begin()
  wire.streamHeaders()
  wire.text(preamble, anthropic.text('a'))
  const read = textOf(await answer)
  for (let chunk = 0; chunk < 120; chunk++) {
    await clock.advance(29_000)
    wire.text(anthropic.text('more'))
  }
  wire.text(ending)
  wire.sink.end()
  expect(await read).toContain('message_stop')
})

it('a stream as a whole can be limited', async () => {
  const { clock, wire, answer } = begin({ stream: 60_000 })
  wire.streamHeaders()
  wire.text(preamble, anthropic.text('a'))
  const response = await answer
  const read = textOf(response)
  read.catch(() => {})
  for (let second = 0; second < 60; second += 10) {
    wire.text(anthropic.text('more'))
    await clock.advance(10_000)
  }
  await expect(read).rejects.toMatchObject({ failure: { kind: 'timeout', phase: 'stream' } })
})

describe('silence between two chunks', () => {
  it('breaks a stream off after 30 s by default', async () => {
    const { clock, wire, answer } = begin()
    wire.streamHeaders()
    wire.text(preamble, anthropic.text('a'))
    const response = await answer
    const read = textOf(response)
    read.catch(() => {})
    await clock.advance(20_000)
    wire.text(anthropic.ping)
    await clock.advance(29_999)
    expect(await settled(response.outcome)).toBe('pending')
    await clock.advance(1)
    await expect(read).rejects.toMatchObject({ failure: { kind: 'timeout', phase: 'idle' } })
    expect(wire.aborted).toBe(true)
  })

  it('counts for a body that is not streamed once it has begun', async () => {
    const call = begin({ idle: 2_000 }, false)
    await call.clock.advance(50_000)
    call.wire.jsonHeaders()
    call.wire.text(message.slice(0, 10))
    await timesOut(call, 'idle', 52_000)
  })

  it('does not count while the reader is slow', async () => {
    const { clock, wire, answer } = begin()
    wire.streamHeaders()
    wire.text(preamble, anthropic.text('a'))
    const response = await answer
    const seen: string[] = []
    response.body.pipe({
      write: (chunk) => {
        seen.push(Buffer.from(chunk).toString())
        return false
      },
      end: () => seen.push('END'),
      fail: (error) => seen.push(String(error)),
    })
    expect(wire.paused).toBe(true)
    await clock.advance(200_000)
    expect(await settled(response.outcome)).toBe('pending')
    response.body.resume()
    response.body.resume()
    response.body.resume()
    response.body.resume()
    await clock.advance(29_999)
    expect(await settled(response.outcome)).toBe('pending')
    await clock.advance(1)
    expect((await response.outcome).failure).toMatchObject({ kind: 'timeout', phase: 'idle' })
  })
})

describe('a body that nobody reads', () => {
  it('is cancelled after five minutes, although chunks keep coming', async () => {
    const { clock, wire, answer } = begin()
    wire.streamHeaders()
    wire.text(preamble, anthropic.text('a'))
    const response = await answer
    for (let second = 0; second < 310 && !wire.aborted; second += 10) {
      wire.text(anthropic.text('more'))
      await clock.advance(10_000)
    }
    expect(clock.now()).toBeGreaterThanOrEqual(300_000)
    expect(wire.aborted).toBe(true)
    expect((await response.outcome).failure).toMatchObject({ kind: 'cancelled' })
    expect(clock.pending).toBe(0)
  })

  it('is cancelled also where no other limit is set', async () => {
    const { clock, wire, answer } = begin({ idle: Infinity })
    wire.streamHeaders()
    wire.text(preamble, anthropic.text('a'))
    const response = await answer
    await clock.advance(600_000)
    expect((await response.outcome).failure?.kind).toBe('cancelled')
  })
})

it('refuses limits that are none', () => {
  expect(() => timeouts({ idle: -1 })).toThrow('timeouts.idle must be milliseconds, 0 or more, but is -1')
  expect(() => timeouts({ total: Number.NaN })).toThrow('timeouts.total')
})

it('sets one timer for an answer that is quick', async () => {
  const clock = virtualClock()
  const wire = handTransport()
  let set = 0
  const setTimer: typeof clock.setTimer = (ms, callback) => {
    set++
    return clock.setTimer(ms, callback)
  }
  const answer = attempt(wire.transport)(streamRequest({ clock: { ...clock, setTimer }, stream: false }))
  wire.jsonHeaders()
  wire.text(message)
  wire.sink.end()
  expect((await answer).failure).toBeUndefined()
  expect(set).toBe(1)
  expect(clock.pending).toBe(0)
})
