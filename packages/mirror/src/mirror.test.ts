import { getEventListeners } from 'node:events'
import {
  createRequest,
  type Failure,
  listen,
  type ModelRequest,
  type SpillwayEvent,
} from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { failureResponse } from '@spillway/wire'
import { beforeEach, describe, expect, it } from 'vitest'
import { call, requestOn } from '../test/call.ts'
import { type Script, type ScriptedUpstream, scripted } from '../test/scripted-transport.ts'
import type { Comparison } from './comparison.ts'
import { createMirror, type Mirror, mirror } from './mirror.ts'
import type { MirrorOptions } from './mirror-options.ts'

let clock: VirtualClock

beforeEach(() => {
  clock = virtualClock()
})

interface Setup {
  readonly primary: ScriptedUpstream
  readonly candidate: ScriptedUpstream
  readonly shadow: Mirror
  readonly comparisons: readonly Comparison[]
  readonly events: readonly SpillwayEvent[]
  /** Makes a call and reads it to its end, as far as the clock need go. */
  ask(changes?: Parameters<typeof requestOn>[1]): Promise<string>
}

function setUp(
  options: Partial<MirrorOptions> = {},
  { primary = {}, candidate = {} }: { primary?: Script; candidate?: Script } = {},
): Setup {
  const upstreams = { primary: scripted('claude', primary), candidate: scripted('candidate', candidate) }
  const comparisons: Comparison[] = []
  const events: SpillwayEvent[] = []
  const shadow = createMirror({
    to: upstreams.candidate,
    sample: 1,
    onComparison: (comparison) => comparisons.push(comparison),
    ...options,
  })
  const handler = shadow.middleware(upstreams.primary.handler)
  return {
    ...upstreams,
    shadow,
    comparisons,
    events,
    ask: (changes) =>
      clock.runUntil(
        call(
          handler,
          listen(requestOn(clock, changes), (event) => events.push(event)),
        ),
      ),
  }
}

/** Nothing is lost: all that was sampled is accounted for. */
function expectBalance({ shadow }: Setup): void {
  const { sampled, skipped, dropped, started, active, finished } = shadow.stats()
  expect(skipped + dropped.budget + dropped.busy + dropped.closed + dropped.concurrency + started).toBe(
    sampled,
  )
  expect(active + finished).toBe(started)
}

describe('a mirrored call', () => {
  it('is compared in all that can be measured', async () => {
    const setup = setUp(
      {},
      {
        primary: { text: 'The dam is full.', firstMs: 100, restMs: 50 },
        candidate: { text: 'The dam was full.', firstMs: 300, restMs: 500 },
      },
    )
    await setup.ask({ context: { callId: 'call', session: 's' } })
    await clock.runAll()
    const [comparison] = setup.comparisons
    expect(comparison).toMatchObject({
      callId: 'call',
      candidateCallId: setup.candidate.asked[0]?.context.callId,
      api: 'anthropic',
      model: 'claude-sonnet-5-5',
      stream: true,
      primary: {
        target: 'claude',
        model: 'claude-sonnet-5-5',
        status: 200,
        failure: undefined,
        timeToFirstTokenMs: 100,
        totalMs: 150,
        usage: { inputTokens: 10, outputTokens: 4 },
        stopReason: 'end_turn',
        textLength: 16,
      },
      candidate: {
        target: 'candidate',
        status: 200,
        failure: undefined,
        timeToFirstTokenMs: 300,
        totalMs: 800,
        usage: { inputTokens: 10, outputTokens: 4 },
        stopReason: 'end_turn',
        textLength: 17,
      },
    })
    expect(comparison?.conversation).toEqual(expect.any(String))
    expect(comparison?.textSimilarity).toBeCloseTo(0.6)
    expectBalance(setup)
  })

  it('that was not streamed is compared as well', async () => {
    const setup = setUp({}, { candidate: { restMs: 70 } })
    await setup.ask({ stream: false })
    await clock.runAll()
    expect(setup.comparisons).toMatchObject([
      {
        stream: false,
        primary: { timeToFirstTokenMs: undefined, totalMs: 0, textLength: 16 },
        candidate: { timeToFirstTokenMs: undefined, totalMs: 70, stopReason: 'end_turn', textLength: 16 },
        textSimilarity: 1,
      },
    ])
  })

  it('tells nothing of what was asked or said', async () => {
    const { ask, comparisons } = setUp()
    await ask()
    await clock.runAll()
    expect(JSON.stringify(comparisons)).not.toMatch(/dam/i)
  })

  it('reaches the candidate after the outcome, once, in a turn of the event loop of its own', async () => {
    const { candidate, shadow, primary } = setUp({}, { primary: { firstMs: 10, restMs: 10 } })
    const handler = shadow.middleware(primary.handler)
    const answered = call(handler, requestOn(clock))
    await clock.advance(19)
    expect(candidate.asked).toHaveLength(0)
    const held: (() => void)[] = []
    const setTimer = clock.setTimer.bind(clock)
    clock.setTimer = (ms, callback) => {
      if (ms === 0) held.push(callback)
      return setTimer(ms === 0 ? Infinity : ms, callback)
    }
    await clock.advance(1)
    await answered
    expect(candidate.asked).toHaveLength(0)
    expect(held).toHaveLength(1)
    clock.setTimer = setTimer
    held[0]?.()
    await clock.runAll()
    expect(candidate.asked).toHaveLength(1)
  })

  it('has an id, a signal and a deadline of its own, and no listener of the caller', async () => {
    const caller = new AbortController()
    const { ask, candidate, events } = setUp({ timeout: 7_000 })
    await ask({
      signal: caller.signal,
      deadline: 1_000,
      context: { callId: 'call', tenant: 't', session: 's', target: 'outer', hasAlternative: true },
      headers: { 'anthropic-version': '2023-06-01' },
    })
    await clock.runAll()
    const asked = candidate.asked[0] as ModelRequest
    expect(asked.context).toMatchObject({ mirrorOf: 'call', tenant: 't', session: 's', target: 'candidate' })
    expect(asked.context.callId).not.toBe('call')
    expect(asked.context.hasAlternative).toBeUndefined()
    expect(asked.context.divertedHeaders).toEqual({ 'anthropic-version': '2023-06-01' })
    expect(asked.signal).not.toBe(caller.signal)
    expect(asked.deadline).toBe(7_000)
    expect(asked.headers).toEqual({ 'anthropic-version': '2023-06-01' })
    expect(asked.listeners).toEqual([])
    expect(events.filter(({ target }) => target === 'candidate')).toEqual([])
  })

  it('goes on when the caller leaves after the answer', async () => {
    const caller = new AbortController()
    const { ask, comparisons } = setUp({}, { candidate: { firstMs: 1_000 } })
    await ask({ signal: caller.signal })
    await clock.advance(1)
    caller.abort()
    await clock.runAll()
    expect(comparisons).toMatchObject([{ candidate: { failure: undefined, totalMs: 1_000 } }])
  })

  it('is announced to the listeners of the call, after its own events', async () => {
    const { ask, events, comparisons } = setUp()
    await ask()
    await clock.runAll()
    expect(events.map(({ type }) => type)).toEqual([
      'attempt.started',
      'attempt.committed',
      'attempt.ended',
      'mirror.finished',
    ])
    expect(events.at(-1)).toMatchObject({ comparison: comparisons[0] })
  })
})

describe('the primary', () => {
  it('gets the very bytes that were asked, and its answer comes through unchanged', async () => {
    const { ask, primary, candidate } = setUp()
    const mirrored = await ask()
    const plain = await clock.runUntil(call(primary.handler, requestOn(clock)))
    expect(mirrored).toBe(plain)
    await clock.runAll()
    expect(candidate.asked[0]?.body).toBe(primary.asked[0]?.body)
  })

  it.each<[string, Script]>([
    ['before its commit point', { status: 500 }],
    ['in mid-stream', { breaks: true }],
  ])('is not mirrored when it fails %s', async (_, script) => {
    const setup = setUp({}, { primary: script })
    await setup.ask().catch(() => {})
    await clock.runAll()
    expect(setup.candidate.asked).toHaveLength(0)
    expect(setup.shadow.stats()).toMatchObject({ sampled: 1, skipped: 1, started: 0 })
    expectBalance(setup)
  })

  it.each([
    ['before its commit point', 500],
    ['in mid-stream', 1_500],
  ])('is not mirrored when the caller leaves %s', async (_, leavesAt) => {
    const setup = setUp({}, { primary: { firstMs: 1_000, restMs: 1_000 } })
    const caller = new AbortController()
    clock.setTimer(leavesAt, () => caller.abort())
    await expect(setup.ask({ signal: caller.signal })).rejects.toThrow()
    await clock.runAll()
    expect(setup.shadow.stats()).toMatchObject({ sampled: 1, skipped: 1, started: 0 })
    expect(setup.candidate.asked).toHaveLength(0)
    expect(getEventListeners(caller.signal, 'abort')).toEqual([])
  })
})

describe('the sample', () => {
  const conversations = 2_000

  async function mirrored(
    options: Partial<MirrorOptions>,
    changes: (index: number) => object,
  ): Promise<boolean[]> {
    const { shadow, primary } = setUp({
      concurrency: Infinity,
      callsPerMinute: Infinity,
      ...options,
    })
    const handler = shadow.middleware(primary.handler)
    const before: boolean[] = []
    for (let index = 0; index < conversations; index++) {
      const { sampled } = shadow.stats()
      void call(handler, requestOn(clock, changes(index)))
      before.push(shadow.stats().sampled > sampled)
    }
    await clock.runAll()
    expect(shadow.stats().finished).toBe(before.filter(Boolean).length)
    return before
  }

  it.each([0.05, 0.5])('is the share that was asked for (%d)', async (sample) => {
    const hits = await mirrored({ sample }, (index) => ({ context: { session: `session ${index}` } }))
    const share = hits.filter(Boolean).length / conversations
    expect(Math.abs(share - sample)).toBeLessThan(4 * Math.sqrt((sample * (1 - sample)) / conversations))
  })

  it('takes a conversation as a whole or not at all', async () => {
    const turn = (index: number): object => ({ context: { session: `session ${index % 200}` } })
    const hits = await mirrored({ sample: 0.3 }, turn)
    for (const [index, hit] of hits.entries()) expect(hit).toBe(hits[index % 200])
    expect(new Set(hits).size).toBe(2)
  })

  it('knows a conversation without a session by what its turns begin with', async () => {
    const first = { role: 'user', content: 'Is the dam full?' }
    const turns = [
      [first],
      [first, { role: 'assistant', content: 'Yes.' }, { role: 'user', content: 'How full?' }],
    ]
    const body = (index: number): ModelRequest['body'] => {
      const [opening, ...rest] = turns[index % 2] as { role: string; content: string }[]
      const content = `${opening?.content} ${Math.floor(index / 2)}`
      return jsonBodyFromObject({ model: 'm', messages: [{ role: 'user', content }, ...rest] })
    }
    const hits = await mirrored({ sample: 0.3 }, (index) => ({ body: body(index) }))
    for (let index = 0; index < conversations; index += 2) expect(hits[index]).toBe(hits[index + 1])
  })

  it('goes by the call where nothing tells of a conversation', async () => {
    const body = jsonBodyFromObject({ model: 'm' })
    const hits = await mirrored({ sample: 0.3 }, (index) => ({ body, context: { callId: `call ${index}` } }))
    expect(Math.abs(hits.filter(Boolean).length / conversations - 0.3)).toBeLessThan(0.05)
  })

  it('is not that of a mirror to another candidate', async () => {
    const session = (index: number): object => ({ context: { session: `session ${index}` } })
    const one = await mirrored({ sample: 0.5 }, session)
    const other = await mirrored({ sample: 0.5, to: scripted('other') }, session)
    expect(one).not.toEqual(other)
  })

  it('leaves out counts of tokens', async () => {
    const { ask, shadow } = setUp()
    await ask({ operation: 'count_tokens', stream: false })
    expect(shadow.stats().sampled).toBe(0)
  })

  it('of nothing leaves the request as it is', async () => {
    const { ask, primary } = setUp({ sample: 0 })
    await ask()
    expect(primary.asked[0]?.keepTranscript).toBe(false)
  })
})

describe('room', () => {
  it('ends where so many candidate calls are under way; further ones are dropped, not queued', async () => {
    const setup = setUp({ concurrency: 2 }, { candidate: { firstMs: 1_000 } })
    for (let i = 0; i < 5; i++) await setup.ask()
    await clock.advance(1)
    expect(setup.shadow.stats()).toMatchObject({ active: 2, dropped: { concurrency: 3 } })
    expect(setup.events.filter(({ type }) => type === 'mirror.dropped')).toHaveLength(3)
    expect(setup.events.find(({ type }) => type === 'mirror.dropped')).toMatchObject({
      reason: 'concurrency',
    })
    await clock.runAll()
    await setup.ask()
    await clock.runAll()
    expect(setup.candidate.asked).toHaveLength(3)
    expectBalance(setup)
  })

  it('ends where the budget of the minute is used up', async () => {
    const setup = setUp({ callsPerMinute: 2 })
    for (let i = 0; i < 4; i++) {
      await setup.ask()
      await clock.advance(10)
    }
    expect(setup.shadow.stats()).toMatchObject({ started: 2, dropped: { budget: 2 } })
    await clock.advance(60_000)
    await setup.ask()
    await clock.runAll()
    expect(setup.shadow.stats()).toMatchObject({ started: 3, dropped: { budget: 2 } })
    expectBalance(setup)
  })

  it('is charged for nothing that is dropped for another reason', async () => {
    const setup = setUp({ concurrency: 1, callsPerMinute: 2 }, { candidate: { firstMs: 1_000 } })
    for (let i = 0; i < 3; i++) await setup.ask()
    await clock.runAll()
    await setup.ask()
    await clock.runAll()
    expect(setup.shadow.stats()).toMatchObject({ started: 2, dropped: { concurrency: 2, budget: 0 } })
  })
})

describe('a candidate that serves others too', () => {
  const busy: Failure = {
    ...{ kind: 'saturated', message: 'busy', retryable: false },
    ...{ scope: 'key', origin: 'spillway' },
  }

  it('gets calls that nobody waits for; one that serves the mirror alone does not', async () => {
    for (const dedicated of [undefined, false, true]) {
      const setup = setUp({ dedicated } as Partial<MirrorOptions>)
      await setup.ask()
      await clock.runAll()
      expect(setup.candidate.asked[0]?.context.isShadow).toBe(dedicated ? undefined : true)
      expect(setup.primary.asked[0]?.context.isShadow).toBeUndefined()
    }
  })

  it('without capacity has dropped the call: there is no comparison with a refusal of our own', async () => {
    const setup = setUp()
    const refusing = createMirror({
      to: { name: 'candidate', handler: async (request) => failureResponse(request, busy) },
      sample: 1,
      onComparison: () => expect.unreachable(),
    })
    const events: SpillwayEvent[] = []
    const request = listen(requestOn(clock), (event) => events.push(event))
    await clock.runUntil(call(refusing.middleware(setup.primary.handler), request))
    await clock.runAll()
    const { started, finished, active, dropped } = refusing.stats()
    expect([started, finished, active, dropped.busy]).toEqual([0, 0, 0, 1])
    expect(events.at(-1)).toMatchObject({ type: 'mirror.dropped', reason: 'busy' })
  })
})

describe('closing', () => {
  it('cancels what is under way, each with its comparison', async () => {
    const setup = setUp({}, { candidate: { firstMs: 1_000 } })
    await setup.ask()
    await setup.ask()
    await clock.advance(500)
    const closed = setup.shadow.close()
    await clock.runUntil(closed)
    expect(clock.now()).toBe(500)
    expect(setup.candidate).toMatchObject({ aborted: 2, open: 0 })
    expect(setup.comparisons).toHaveLength(2)
    for (const { candidate, textSimilarity } of setup.comparisons) {
      expect(candidate).toMatchObject({ failure: { kind: 'cancelled' }, totalMs: 500 })
      expect(textSimilarity).toBeUndefined()
    }
    expect(setup.shadow.stats()).toMatchObject({ active: 0, finished: 2, failed: 2 })
    expectBalance(setup)
    expect(clock.pending).toBe(0)
  })

  it('in the middle of a stream says what was used', async () => {
    const setup = setUp({}, { candidate: { restMs: 1_000 } })
    await setup.ask()
    await clock.advance(500)
    await clock.runUntil(setup.shadow.close())
    expect(setup.comparisons).toMatchObject([
      {
        candidate: {
          status: 200,
          failure: { kind: 'cancelled' },
          usage: { inputTokens: 10, estimated: true },
        },
      },
    ])
  })

  it('drops what has not begun, and what comes afterwards passes', async () => {
    const setup = setUp({}, { primary: { restMs: 100 } })
    const handler = setup.shadow.middleware(setup.primary.handler)
    const underWay = call(handler, requestOn(clock))
    await clock.advance(50)
    await setup.shadow.close()
    await clock.runUntil(underWay)
    await setup.ask()
    await clock.runAll()
    expect(setup.candidate.asked).toHaveLength(0)
    expect(setup.shadow.stats()).toMatchObject({ sampled: 1, dropped: { closed: 1 }, started: 0 })
  })

  it('drops what waits for its turn of the event loop', async () => {
    const setup = setUp()
    const setTimer = clock.setTimer.bind(clock)
    const handler = setup.shadow.middleware(async (request) => {
      const response = await setup.primary.handler(request)
      clock.setTimer = (ms, callback) => setTimer(ms === 0 ? 5_000 : ms, callback)
      return response
    })
    await clock.runUntil(call(handler, requestOn(clock)))
    await setup.shadow.close()
    expect(setup.shadow.stats()).toMatchObject({ sampled: 1, dropped: { closed: 1 }, started: 0 })
    expect(clock.pending).toBe(0)
  })

  it('is harmless twice, and when there is nothing to close', async () => {
    const { shadow } = setUp()
    await shadow.close()
    await shadow[Symbol.asyncDispose]()
  })
})

describe('a listener that throws', () => {
  it('is counted and goes no further', async () => {
    const setup = setUp({
      onComparison: () => {
        throw new Error('no')
      },
    })
    await setup.ask()
    await clock.runAll()
    expect(setup.shadow.stats()).toMatchObject({ finished: 1, listenerErrors: 1 })
    expect(setup.events.at(-1)?.type).toBe('mirror.finished')
  })
})

describe('options', () => {
  it.each<[Partial<MirrorOptions>, string]>([
    [{ sample: -0.1 }, 'mirror.sample must be 0 or more, but is -0.1'],
    [{ sample: 1.1 }, 'mirror.sample must be a share from 0 to 1, but is 1.1'],
    [{ concurrency: Number.NaN }, 'mirror.concurrency'],
    [{ callsPerMinute: -1 }, 'mirror.callsPerMinute'],
    [{ timeout: -1 }, 'mirror.timeout'],
    [{ maxBytes: -1 }, 'mirror.maxBytes'],
  ])('%j are refused', (options, message) => {
    expect(() => createMirror({ to: scripted('candidate'), ...options })).toThrow(RangeError)
    expect(() => mirror({ to: scripted('candidate'), ...options })).toThrow(message)
  })

  it('that are undefined mean the defaults', () => {
    expect(() => mirror({ to: scripted('candidate'), sample: undefined as never })).not.toThrow()
  })
})

it('needs no clock but that of the request', async () => {
  const { candidate, shadow, primary } = setUp()
  const later = virtualClock()
  const handler = shadow.middleware(primary.handler)
  const { clock: _, ...rest } = requestOn(later)
  await later.runUntil(call(handler, createRequest({ ...rest, clock: later })))
  await later.runAll()
  expect(candidate.asked).toHaveLength(1)
})
