import { type Target, target } from '@spillway/attempt'
import {
  createRequest,
  describe as describeChain,
  emit,
  type Failure,
  type FailureKind,
  type Handler,
  listen,
  type ModelRequest,
  type ModelResponse,
  type SpillwayEvent,
  timeLeft,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, noDeadline } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { failureResponse, timeoutFailure } from '@spillway/wire'
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type FallbackOptions, fallback, fallbackDefaults } from './fallback.ts'

function request(clock: VirtualClock, deadline = 600_000): ModelRequest {
  return createRequest({
    api: 'anthropic',
    model: 'claude-sonnet-5-5',
    stream: false,
    url: '/v1/messages',
    body: jsonBodyFromObject({ model: 'claude-sonnet-5-5' }),
    clock,
    deadline,
  })
}

function failure(kind: FailureKind): Failure {
  return { kind, message: kind, retryable: true, scope: 'endpoint', origin: 'upstream' }
}

/** A target that fails at once, and how often it was asked. */
function failing(
  name: string,
  kind: FailureKind,
): Target & { asked: ModelRequest[]; cancelled: () => number } {
  const asked: ModelRequest[] = []
  let cancelled = 0
  const { handler } = target(name, async (call) => {
    asked.push(call)
    const response = failureResponse(call, failure(kind), { outcome: new Promise(() => {}) })
    const { body } = response
    return { ...response, body: { ...body, cancel: () => cancelled++ } as unknown as ModelResponse['body'] }
  })
  return { name, handler, asked, cancelled: () => cancelled }
}

/** A target that uses up the time it is given. */
function stalled(name: string): Target & { waited: number[] } {
  const waited: number[] = []
  const { handler } = target(name, (call) => {
    const time = timeLeft(call.deadline, call.clock)
    waited.push(time)
    return new Promise((resolve) => {
      const late = failureResponse(call, timeoutFailure('total', time), { outcome: new Promise(() => {}) })
      call.clock.setTimer(time, () => resolve(late))
    })
  })
  return { name, handler, waited }
}

function answering(name: string): Target & { asked: ModelRequest[] } {
  const asked: ModelRequest[] = []
  const { handler } = target(name, async (call): Promise<ModelResponse> => {
    asked.push(call)
    return {
      status: 200,
      headers: {},
      body: bodyOf(new Uint8Array([1])),
      failure: undefined,
      outcome: new Promise(() => {}),
      target: name,
    }
  })
  return { name, handler, asked }
}

/** Answers with this failure, or with none. */
const respondingWith =
  (failed: Failure | undefined): Handler =>
  async (call) => {
    const response = failureResponse(call, failure('server'))
    const outcome = { ...(await response.outcome), failure: failed }
    return { ...response, failure: failed, outcome: Promise.resolve(outcome) }
  }

const chain = (first: Target, others: readonly Target[], options?: Parameters<typeof fallback>[1]): Handler =>
  fallback(others, options)(first.handler)

it('leaves the others alone while the first answers', async () => {
  const [first, second] = [answering('claude'), answering('local')]
  const response = await chain(first, [second])(request(virtualClock()))
  expect(response.target).toBe('claude')
  expect(second.asked).toHaveLength(0)
})

it('asks the others in their order until one answers', async () => {
  const [first, second, third, fourth] = [
    failing('claude', 'overloaded'),
    failing('openrouter', 'connection'),
    answering('local'),
    answering('never'),
  ]
  const response = await chain(first, [second, third, fourth])(request(virtualClock()))
  expect(response).toMatchObject({ status: 200, target: 'local' })
  expect([first.asked.length, second.asked.length, fourth.asked.length]).toEqual([1, 1, 0])
})

it('drops the responses that it does not return', async () => {
  const [first, second] = [failing('claude', 'overloaded'), failing('openrouter', 'server')]
  await chain(first, [second, answering('local')])(request(virtualClock()))
  expect([first.cancelled(), second.cancelled()]).toEqual([1, 1])
})

it('returns the failure of the first when all fail', async () => {
  const [first, second, third] = [
    failing('claude', 'overloaded'),
    failing('openrouter', 'server'),
    failing('local', 'connection'),
  ]
  const response = await chain(first, [second, third])(request(virtualClock()))
  expect(response).toMatchObject({ target: 'claude', failure: { kind: 'overloaded' } })
  expect([first.cancelled(), second.cancelled(), third.cancelled()]).toEqual([0, 1, 1])
})

describe('a fallback that finds the request', () => {
  it.each<FailureKind>(['invalid_request', 'too_large'])('%s does not end the chain', async (kind) => {
    const clock = virtualClock()
    const [first, small, last] = [failing('first', 'overloaded'), failing('small', kind), answering('last')]
    const call = fallback([small, last])(first.handler)
    expect((await call(request(clock))).target).toBe('last')
  })

  it.each<FailureKind>(['refusal', 'cancelled'])('%s ends it', async (kind) => {
    const clock = virtualClock()
    const [first, small, last] = [failing('first', 'overloaded'), failing('small', kind), answering('last')]
    await fallback([small, last])(first.handler)(request(clock))
    expect(last.asked.length).toBe(0)
  })
})

describe('what is worth another target', () => {
  const all: readonly FailureKind[] = [
    ...([
      'overloaded',
      'rate_limited',
      'timeout',
      'connection',
      'server',
      'authentication',
      'permission',
    ] as const),
    ...([
      'billing',
      'not_found',
      'truncated',
      'malformed',
      'circuit_open',
      'saturated',
      'budget_exceeded',
    ] as const),
  ]
  it.each(all)('%s', async (kind) => {
    expect((await chain(failing('claude', kind), [answering('local')])(request(virtualClock()))).target).toBe(
      'local',
    )
  })

  it.each(['invalid_request', 'too_large', 'refusal', 'cancelled'] as const)('not %s', async (kind) => {
    const local = answering('local')
    const response = await chain(failing('claude', kind), [local])(request(virtualClock()))
    expect(response.failure?.kind).toBe(kind)
    expect(local.asked).toHaveLength(0)
  })

  it('is for an option to say', async () => {
    const local = answering('local')
    const never = chain(failing('claude', 'overloaded'), [local], { when: () => false })
    expect((await never(request(virtualClock()))).failure?.kind).toBe('overloaded')
  })
})

it('tells its listeners of each switch and why', async () => {
  const events: SpillwayEvent[] = []
  const call = listen(request(virtualClock()), (event) => events.push(event))
  await chain(failing('claude', 'overloaded'), [failing('openrouter', 'server'), answering('local')])(call)
  expect(events).toMatchObject([
    { type: 'fallback.switched', to: 'openrouter', failure: { kind: 'overloaded' } },
    { type: 'fallback.switched', to: 'local', failure: { kind: 'server' } },
  ])
})

it('tells onFallback the same, whatever that does', async () => {
  const heard: string[] = []
  const options: FallbackOptions = {
    onFallback({ to, failure }) {
      heard.push(`${to} ${failure.kind}`)
      throw new Error('broken')
    },
  }
  const response = await chain(
    failing('claude', 'overloaded'),
    [failing('a', 'server'), answering('b')],
    options,
  )(request(virtualClock()))
  expect(response.failure).toBeUndefined()
  expect(heard).toEqual(['a overloaded', 'b server'])
})

it.each([
  [
    'of models that are asked where one declines',
    { models: ['claude-opus-5-5'] },
    ['claude-opus-5-5 refusal'],
  ],
  ['of no chain further in, where none are asked', undefined, []],
])('tells onFallback %s', async (_, refusal, told) => {
  const heard: string[] = []
  const onFallback: FallbackOptions['onFallback'] = ({ to, failure }) =>
    void heard.push(`${to} ${failure.kind}`)
  const first = target('claude', async (call) => {
    const isFirst = call.model === 'claude-sonnet-5-5'
    if (isFirst) emit(call, 'fallback.switched', { to: 'claude-opus-5-5', failure: failure('refusal') })
    return answering('claude').handler(call)
  })
  await chain(first, [answering('local')], { onFallback, ...(refusal && { refusal }) })(
    request(virtualClock()),
  )
  expect(heard).toEqual(told)
})

it('is described with its options and its targets', () => {
  const described = describeChain(fallback([answering('local')], { reserve: 5_000 }))
  expect(described.split('\n').slice(0, 2)).toEqual([
    'fallback (reserve 5000, midStream fail)',
    '  target local',
  ])
})

describe('time', () => {
  it('is kept back, so that a target which only times out leaves enough to answer', async () => {
    const clock = virtualClock()
    const [first, second] = [stalled('claude'), answering('local')]
    const response = await clock.runUntil(chain(first, [second])(request(clock)))
    expect(response.target).toBe('local')
    expect(first.waited).toEqual([570_000])
    expect(second.asked[0]?.deadline).toBe(600_000)
  })

  it('kept back is at most half of what the call has', async () => {
    const clock = virtualClock()
    const [first, second] = [stalled('claude'), stalled('local')]
    await clock.runUntil(chain(first, [second])(request(clock, 10_000)))
    expect([first.waited, second.waited]).toEqual([[5_000], [5_000]])
  })

  it('kept back is shared by the fallbacks; one that fails at once leaves its share to the next', async () => {
    const clock = virtualClock()
    const targets = [stalled('a'), stalled('b'), stalled('c')] as const
    await clock.runUntil(chain(targets[0], targets.slice(1))(request(clock)))
    expect(targets.map(({ waited }) => waited[0])).toEqual([570_000, 15_000, 15_000])
    const last = stalled('c')
    const later = virtualClock()
    await later.runUntil(chain(stalled('a'), [failing('b', 'server'), last])(request(later)))
    expect(last.waited).toEqual([30_000])
  })

  it('is not kept back from a call without a deadline', async () => {
    const [first, second] = [failing('claude', 'server'), answering('local')]
    await chain(first, [second])(request(virtualClock(), noDeadline))
    expect([first.asked[0]?.deadline, second.asked[0]?.deadline]).toEqual([noDeadline, noDeadline])
  })

  it('never runs over the deadline, however many stall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 600_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        async (fallbacks, total, reserve) => {
          const clock = virtualClock()
          const targets = Array.from({ length: fallbacks + 1 }, (_, index) => stalled(String(index)))
          const [first, ...others] = targets as unknown as [Target, ...Target[]]
          await clock.runUntil(chain(first, others, { reserve })(request(clock, total)))
          expect(clock.now()).toBeLessThanOrEqual(total + 0.001)
          expect(targets[0]?.waited[0]).toBeGreaterThanOrEqual(total / 2 - 0.001)
        },
      ),
      { numRuns: 100 },
    )
  })
})

it('without targets is the handler itself', () => {
  const { handler } = answering('claude')
  expect(fallback([])(handler)).toBe(handler)
})

it('refuses a reserve that is none', () => {
  expect(() => fallback([], { reserve: -1 })).toThrow(
    'fallback.reserve must be milliseconds, 0 or more, but is -1',
  )
})

it('has the defaults that it documents', () => {
  expect(fallbackDefaults.reserve).toBe(30_000)
})

describe('hasAlternative', () => {
  const seenBy = async (outer: boolean | undefined): Promise<(boolean | undefined)[]> => {
    const targets = ['a', 'b', 'c'].map((name) => failing(name, 'overloaded'))
    const [first, ...others] = targets as [ReturnType<typeof failing>, ...ReturnType<typeof failing>[]]
    const call = request(virtualClock())
    const context = { ...call.context, hasAlternative: outer }
    await fallback(others)(first.handler)({ ...call, context })
    return targets.map(({ asked }) => asked[0]?.context.hasAlternative)
  }

  it('says to every target but the last that another one can answer', async () => {
    expect(await seenBy(undefined)).toEqual([true, true, undefined])
  })

  it('says so to the last one too, where a chain further out has more targets', async () => {
    expect(await seenBy(true)).toEqual([true, true, true])
  })
})

describe('an error after a fallback', () => {
  const failed = (kind: FailureKind, status?: number) =>
    respondingWith({ ...failure(kind), ...(status !== undefined && { status }) })

  it('names in a header what every target said, and an answer does not', async () => {
    const other = { name: 'other', handler: failed('server', 502) }
    const last = { name: 'last', handler: failed('too_large') }
    const response = await fallback([other, last])(failed('overloaded', 529))(request(virtualClock()))
    const { headers } = response
    expect(response.failure?.kind).toBe('overloaded')
    expect(headers['x-spillway-failures']).toBe('spillway overloaded 529, other server 502, last too_large')
    const good = { name: 'good', handler: respondingWith(undefined) }
    const answer = await fallback([other, good])(failed('overloaded', 529))(request(virtualClock()))
    expect([answer.failure, answer.headers['x-spillway-failures']]).toEqual([undefined, undefined])
  })

  it('has no such header where no other target was asked', async () => {
    const other = { name: 'other', handler: failed('server') }
    const { headers } = await fallback([other])(failed('refusal'))(request(virtualClock()))
    expect(headers).not.toHaveProperty('x-spillway-failures')
  })
})

describe('what a fallback hands to its targets', () => {
  const seen: ModelRequest[] = []
  const noting =
    (failed: Failure | undefined): Handler =>
    (call) => {
      seen.push(call)
      return respondingWith(failed)(call)
    }
  beforeEach(() => {
    seen.length = 0
  })

  it('the headers that were meant for the first go to none behind it without saying so', async () => {
    const call = { ...request(virtualClock()), headers: { 'x-api-key': 'sk-caller' } }
    const other = { name: 'other', handler: noting(undefined) }
    await fallback([other])(noting(failure('overloaded')))(call)
    expect(seen.map(({ context }) => context.divertedHeaders)).toEqual([undefined, call.headers])
  })

  it.each([
    ['continue', true],
    ['restart', false],
    ['fail', false],
  ] as const)('with midStream: %s the answer keeps what it says: %s', async (midStream, keeps) => {
    const call = { ...request(virtualClock()), stream: true, headers: { 'x-spillway-restart': 'accept' } }
    const other = { name: 'other', handler: noting(undefined) }
    await fallback([other], { midStream })(noting(failure('overloaded')))(call)
    expect(seen.map(({ keepTranscript }) => keepTranscript)).toEqual([keeps, keeps])
  })

  it('without a deadline there is none to share', async () => {
    const other = { name: 'other', handler: noting(undefined) }
    await fallback([other])(noting(failure('overloaded')))({ ...request(virtualClock()), deadline: Infinity })
    expect(seen.map(({ deadline }) => deadline)).toEqual([Infinity, Infinity])
  })

  it('a when that answers later is replaced by the default and told of once', async () => {
    const other = { name: 'other', handler: noting(undefined) }
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const when = (async () => false) as unknown as () => boolean
    const chain = fallback([other], { when })(noting(failure('overloaded')))
    expect([
      (await chain(request(virtualClock()))).failure,
      (await chain(request(virtualClock()))).failure,
    ]).toEqual([undefined, undefined])
    expect(warn.mock.calls.map(([text]) => String(text).split(' ', 1)[0])).toEqual(['fallback.when'])
    warn.mockRestore()
  })

  it('the failed first target is named by the request where its response names none', async () => {
    const made = request(virtualClock())
    const call = { ...made, context: { ...made.context, target: 'claude' } }
    const other = { name: 'other', handler: respondingWith(failure('server')) }
    const { headers } = await fallback([other])(respondingWith(failure('overloaded')))(call)
    expect(headers['x-spillway-failures']).toBe('claude overloaded, other server')
  })
})

describe('of a stream that has begun', () => {
  const other = answering('other')
  const call = { ...request(virtualClock()), stream: true, headers: { 'x-spillway-restart': 'accept' } }
  const isRelayed = async (options: Parameters<typeof fallback>[1], failed?: Failure): Promise<boolean> => {
    let given: ModelResponse | undefined
    const first: Handler = async (each) => {
      given = await respondingWith(failed)(each)
      return given
    }
    const response = await fallback([other], options)(first)(call)
    return response.body !== given?.body
  }

  it('the bytes pass as they are, unless somebody may take over', async () => {
    expect(await isRelayed(undefined)).toBe(false)
    expect(await isRelayed({ midStream: 'fail' })).toBe(false)
    expect(await isRelayed({ midStream: 'restart' })).toBe(true)
    expect(await isRelayed({ midStream: 'continue' })).toBe(true)
  })

  it('nobody takes over an error', async () => {
    expect(await isRelayed({ midStream: 'continue' }, failure('invalid_request'))).toBe(false)
  })
})

it('asks another model of the first target where its own declines, and no target', async () => {
  const models: string[] = []
  const first: Handler = async (each) => {
    models.push(each.model)
    const isDeclined = models.length === 1
    const body = { type: 'message', content: [], stop_reason: isDeclined ? 'refusal' : 'end_turn' }
    const response = await respondingWith(undefined)(each)
    const headers = { 'content-type': 'application/json' }
    const answer = { ...response, headers, body: bodyOf(Buffer.from(JSON.stringify(body))) }
    return isDeclined ? { ...answer, refusal: failure('refusal') } : answer
  }
  const second = answering('other')
  await fallback([second], { refusal: { models: ['claude-opus-4-8'] } })(first)(request(virtualClock()))
  expect(models).toEqual(['claude-sonnet-5-5', 'claude-opus-4-8'])
  expect(second.asked).toHaveLength(0)
})
