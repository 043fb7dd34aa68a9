import {
  createRequest,
  type Failure,
  type FailureKind,
  type Handler,
  type ModelRequest,
} from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { failureResponse } from '@spillway/wire'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RetryOptions, retry, retryDefaults } from './retry.ts'
import type { RetryBudget } from './retry-budget.ts'

let clock: VirtualClock
const warn = vi.spyOn(process, 'emitWarning')

beforeEach(() => {
  clock = virtualClock()
  warn.mockReset().mockImplementation(() => {})
})

afterEach(() => {
  expect(clock.pending).toBe(0)
})

/** The broken hooks that warnings name. */
const told = (): unknown[] => warn.mock.calls.map(([text]) => String(text).split(' ', 1)[0])

const steady = { jitter: 'none', baseDelay: 1_000 } as const

function request(): ModelRequest {
  return createRequest({
    ...{ api: 'anthropic', model: 'm', stream: false, url: '/v1/messages' },
    body: jsonBodyFromObject({ model: 'm' }),
    clock,
  })
}

const failing = (kind: FailureKind, change: Partial<Failure> = {}): Failure => ({
  ...{ kind, message: kind, retryable: true, scope: 'endpoint', origin: 'upstream' },
  ...change,
})

/** How many attempts a call makes whose target always fails so, and how long it takes. */
async function attempts(options: RetryOptions, failure: Failure): Promise<[attempts: number, ms: number]> {
  let asked = 0
  const target: Handler = async (call) => {
    asked++
    return failureResponse(call, failure, { outcome: new Promise(() => {}) })
  }
  const begun = clock.now()
  await clock.runUntil(retry({ ...steady, ...options })(target)(request()))
  return [asked, clock.now() - begun]
}

describe('when', () => {
  it('repeats what would not be repeated, within the attempts', async () => {
    expect(await attempts({}, failing('permission'))).toEqual([1, 0])
    const when = ({ kind }: Failure): boolean | undefined => (kind === 'permission' ? true : undefined)
    expect(await attempts({ when }, failing('permission'))).toEqual([3, 3_000])
    expect(await attempts({ when }, failing('billing'))).toEqual([1, 0])
    expect(await attempts({ when }, failing('overloaded'))).toEqual([3, 3_000])
  })

  it('keeps from repeating what would be repeated', async () => {
    expect(await attempts({ when: ({ kind }) => kind !== 'overloaded' }, failing('overloaded'))).toEqual([
      1, 0,
    ])
  })

  it('is not asked of refusals of Spillway’s own and of calls that were cancelled', async () => {
    const when = vi.fn(() => true)
    expect(await attempts({ when }, failing('saturated', { origin: 'spillway' }))).toEqual([1, 0])
    expect(await attempts({ when }, failing('cancelled'))).toEqual([1, 0])
    expect(when).not.toHaveBeenCalled()
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('broken')
      },
    ],
    ['answers later', async () => false],
    ['answers with nonsense', () => 'no'],
  ])('that %s is replaced by the default and told of once', async (_, broken) => {
    const when = broken as unknown as () => boolean
    expect(await attempts({ when }, failing('overloaded'))).toEqual([3, 3_000])
    expect(told()).toEqual(['retry.when'])
  })
})

describe('a back-off of one’s own', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, undefined, '5', null])(
    'that answers with %s is replaced by the usual one',
    async (wait) => {
      expect(await attempts({ backoff: () => wait as number }, failing('overloaded'))).toEqual([3, 3_000])
    },
  )

  it('may ask for no wait at all', async () => {
    expect(await attempts({ backoff: () => 0 }, failing('overloaded'))).toEqual([3, 0])
    expect(told()).toEqual([])
  })

  it('that throws is replaced by the usual one', async () => {
    const backoff = (): never => {
      throw new Error('broken')
    }
    expect(await attempts({ backoff }, failing('overloaded'))).toEqual([3, 3_000])
    expect(told()).toEqual(['retry.backoff'])
  })
})

it('a budget that throws or answers with nonsense allows no retries and breaks no call', async () => {
  const fail = (): never => {
    throw new Error('broken')
  }
  const budget: RetryBudget = { onFirstAttempt: fail, withdraw: fail, onSuccess: fail, balance: 0 }
  expect(await attempts({ budget }, failing('overloaded'))).toEqual([1, 0])
  const vague = { ...budget, withdraw: (async () => true) as unknown as () => boolean }
  expect(await attempts({ budget: vague }, failing('overloaded'))).toEqual([1, 0])
  const ok: Handler = async (call) => ({ ...failureResponse(call, failing('server')), failure: undefined })
  expect((await retry({ budget })(ok)(request())).failure).toBeUndefined()
  expect(new Set(told())).toEqual(
    new Set(['RetryBudget.onFirstAttempt', 'RetryBudget.withdraw', 'RetryBudget.onSuccess']),
  )
})

it.each([...Object.keys(retryDefaults), 'backoff', 'shadowBudget'])(
  '%s that is undefined means the default',
  async (name) => {
    const usual = await attempts({ jitter: undefined, baseDelay: undefined } as object, failing('overloaded'))
    clock = virtualClock()
    const options: object = { jitter: undefined, baseDelay: undefined, [name]: undefined }
    expect(await attempts(options, failing('overloaded'))).toEqual(usual)
    expect(usual[0]).toBe(3)
  },
)

it('asks a budget of the user’s with the failure and the request, and tells it of success', async () => {
  const asked: unknown[] = []
  const budget: RetryBudget = {
    onFirstAttempt: (call) => void asked.push(['first', call?.model]),
    withdraw: (failure, call) => {
      asked.push(['withdraw', failure?.kind, call?.model])
      return true
    },
    onSuccess: (last, call) => void asked.push(['success', last?.kind, call?.model]),
    balance: 5,
  }
  let sent = 0
  const target: Handler = async (call) => {
    const response = failureResponse(call, failing('server'), { outcome: new Promise(() => {}) })
    return ++sent === 1 ? response : { ...response, failure: undefined }
  }
  await clock.runUntil(retry({ ...steady, budget })(target)(request()))
  expect(asked).toEqual([
    ['first', 'm'],
    ['withdraw', 'server', 'm'],
    ['success', 'server', 'm'],
  ])
})

describe('budgets', () => {
  /** How many attempts twenty calls make in all that fail each time. */
  async function attemptsOf(options: RetryOptions, isShadow: boolean): Promise<number> {
    let asked = 0
    const handler = retry({ ...steady, attempts: 2, ...options })(async (call) => {
      asked++
      return failureResponse(call, failing('server'), { outcome: new Promise(() => {}) })
    })
    for (let call = 0; call < 20; call++) {
      const made = request()
      await clock.runUntil(handler({ ...made, context: { ...made.context, isShadow } }))
    }
    return asked
  }
  const none: RetryBudget = { onFirstAttempt() {}, withdraw: () => false, onSuccess() {}, balance: 0 }

  it.each<[string, RetryOptions, calls: number, shadows: number]>([
    ['none', { budget: false }, 40, 40],
    ['a share', { budget: 0 }, 30, 30],
    ['one of the user’s, whose shadows have the usual one', { budget: none }, 20, 34],
    ['another one for shadows', { budget: false, shadowBudget: 0 }, 40, 30],
    ['none for shadows', { budget: 0, shadowBudget: false }, 30, 40],
  ])('of calls and of shadow calls: %s', async (_, options, calls, shadows) => {
    expect([await attemptsOf(options, false), await attemptsOf(options, true)]).toEqual([calls, shadows])
  })
})

it.each([
  'attempts',
  'baseDelay',
  'maxDelay',
  'minDelay',
  'multiplier',
  'budget',
  'shadowBudget',
  'maxWaitWithFallback',
])('a %s out of range is named', (name) => {
  expect(() => retry({ [name]: -1 })).toThrow(`retry.${name} must be `)
})

it('a wait that ends with the deadline is not begun', async () => {
  let asked = 0
  const handler = retry({ ...steady, attempts: 2 })(async (call) => {
    asked++
    return failureResponse(call, failing('server'), { outcome: new Promise(() => {}) })
  })
  await clock.runUntil(handler({ ...request(), deadline: clock.now() + 1_000 }))
  expect(asked).toBe(1)
  await clock.runUntil(handler({ ...request(), deadline: clock.now() + 1_001 }))
  expect(asked).toBe(3)
})
