import { failureOf, requestOn, scriptedHandler, virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { awsStandardBudget } from './aws-standard-budget.ts'
import { retry } from './retry.ts'
import { depositBudget, type RetryBudget } from './retry-budget.ts'

describe('a budget of deposits', () => {
  it('begins with 10 and takes one for each retry', () => {
    const budget = depositBudget({ ratio: 0 })
    const taken = Array.from({ length: 12 }, () => budget.withdraw(failureOf('server')))
    expect(taken.filter(Boolean)).toHaveLength(10)
  })

  it('pays for hedges with the same tokens, and for none at all where nothing is deposited', () => {
    const budget = depositBudget({ ratio: 0.5, initial: 1 })
    for (let call = 0; call < 4; call++) budget.onFirstAttempt()
    const taken = [undefined, failureOf('server'), undefined, undefined].map((each) => budget.withdraw(each))
    expect(taken).toEqual([true, true, true, false])
    const none = depositBudget({ ratio: 0 })
    expect([none.withdraw(undefined), none.withdraw(failureOf('server'))]).toEqual([false, true])
  })

  it('gets its ratio for each first attempt, exactly', () => {
    const budget = depositBudget({ ratio: 0.1, initial: 0 })
    for (let call = 0; call < 10; call++) budget.onFirstAttempt()
    expect(budget.balance).toBe(1)
    expect([budget.withdraw(failureOf('server')), budget.withdraw(failureOf('server'))]).toEqual([
      true,
      false,
    ])
  })

  it('never holds more than 100', () => {
    const budget = depositBudget({ ratio: 0.5 })
    for (let call = 0; call < 10_000; call++) budget.onFirstAttempt()
    expect(budget.balance).toBe(100)
  })

  it('lets a dead target cost at most ratio x N + 10 extra attempts', async () => {
    for (const ratio of [0, 0.1, 0.2, 0.5]) {
      const clock = virtualClock()
      const dead = scriptedHandler([failureOf('server')])
      const handler = retry({ budget: ratio, attempts: 5 })(dead.handler)
      const calls = 2_000
      for (let call = 0; call < calls; call++) await clock.runUntil(handler(requestOn(clock)))
      expect(dead.asked.length - calls).toBeLessThanOrEqual(ratio * calls + 10)
      expect(dead.asked.length - calls).toBeGreaterThanOrEqual(ratio * calls + 9)
    }
  })

  it('holds for any order of attempts and retries', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(fc.boolean(), { maxLength: 500 }),
        (ratio, steps) => {
          const rounded = Math.round(ratio * 1000) / 1000
          const budget = depositBudget({ ratio: rounded })
          let calls = 0
          let retries = 0
          for (const isCall of steps) {
            if (isCall) {
              calls++
              budget.onFirstAttempt()
            } else if (budget.withdraw(failureOf('server'))) retries++
            expect(retries).toBeLessThanOrEqual(rounded * calls + 10 + 1e-6)
          }
        },
      ),
    )
  })
})

/**
 * The test cases of the standard retry mode as AWS publishes them for its SDKs: responses in, and after each one
 * whether it is retried, the quota left, and the wait in seconds (with the chance fixed at 1).
 */
describe('the quota of the AWS standard mode', () => {
  type Step = readonly [
    response: number,
    verdict: 'retry' | 'success' | 'attempts' | 'budget',
    quota: number,
    wait?: number,
  ]
  const cases: readonly [
    string,
    { attempts?: number; quota?: number; maxDelay?: number },
    readonly Step[],
  ][] = [
    [
      'succeeds after two retries',
      {},
      [
        [500, 'retry', 495, 1],
        [500, 'retry', 490, 2],
        [200, 'success', 495],
      ],
    ],
    [
      'fails when all attempts are used',
      {},
      [
        [502, 'retry', 495, 1],
        [502, 'retry', 490, 2],
        [502, 'attempts', 490],
      ],
    ],
    [
      'stops when the quota is used up after one retry',
      { quota: 5 },
      [
        [500, 'retry', 0, 1],
        [502, 'budget', 0],
      ],
    ],
    ['does not retry without quota', { quota: 0 }, [[500, 'budget', 0]]],
    [
      'backs off exponentially',
      { attempts: 5 },
      [
        [500, 'retry', 495, 1],
        [500, 'retry', 490, 2],
        [500, 'retry', 485, 4],
        [500, 'retry', 480, 8],
        [500, 'attempts', 480],
      ],
    ],
    [
      'does not wait longer than the maximum',
      { attempts: 5, maxDelay: 3_000 },
      [
        [500, 'retry', 495, 1],
        [500, 'retry', 490, 2],
        [500, 'retry', 485, 3],
        [500, 'retry', 480, 3],
        [500, 'attempts', 480],
      ],
    ],
    [
      'stops when the quota runs out',
      { attempts: 5, quota: 10 },
      [
        [500, 'retry', 5, 1],
        [502, 'retry', 0, 2],
        [503, 'budget', 0],
      ],
    ],
  ]

  it.each(cases)('%s', async (_name, options, steps) => {
    const budget = awsStandardBudget({ ...(options.quota === undefined ? {} : { capacity: options.quota }) })
    await play(budget, options, steps)
  })

  it('recovers by answers', async () => {
    const budget = awsStandardBudget({ capacity: 15 })
    await play(budget, { attempts: 5 }, [
      [500, 'retry', 10, 1],
      [502, 'retry', 5, 2],
      [200, 'success', 10],
    ])
    await play(budget, { attempts: 5 }, [
      [500, 'retry', 5, 1],
      [200, 'success', 10],
    ])
  })

  it('charges a timeout twice', async () => {
    const budget = awsStandardBudget()
    expect([budget.withdraw(failureOf('timeout')), budget.balance]).toEqual([true, 490])
  })

  it('grows by one for an answer at the first attempt, up to its capacity', () => {
    const budget = awsStandardBudget({ capacity: 20 })
    budget.withdraw(failureOf('server'))
    for (let call = 0; call < 3; call++) budget.onSuccess(undefined)
    expect(budget.balance).toBe(18)
    for (let call = 0; call < 9; call++) budget.onSuccess(undefined)
    expect(budget.balance).toBe(20)
  })

  async function play(
    budget: RetryBudget,
    options: { attempts?: number; maxDelay?: number },
    steps: readonly Step[],
  ): Promise<void> {
    const clock = Object.assign(virtualClock(), { random: () => 1 })
    const target = scriptedHandler(
      steps.map(([status]) => (status === 200 ? undefined : failureOf('server', { status }))),
    )
    const quotas: number[] = []
    const observed: RetryBudget = {
      ...budget,
      withdraw(failure) {
        const taken = budget.withdraw(failure)
        quotas.push(budget.balance)
        return taken
      },
      get balance() {
        return budget.balance
      },
    }
    const { attempts = 3, maxDelay = 20_000 } = options
    const policy = retry({ attempts, maxDelay, baseDelay: 1_000, jitter: 'full', budget: observed })
    const begun = clock.now()
    const response = await clock.runUntil(policy(target.handler)(requestOn(clock)))
    expect(response.failure === undefined).toBe(steps.at(-1)?.[1] === 'success')
    expect(target.asked).toHaveLength(steps.length)
    const waits = target.asked.slice(1).map((at, index) => (at - (target.asked[index] ?? begun)) / 1000)
    expect(waits).toEqual(steps.flatMap(([, , , wait]) => wait ?? []))
    const asked = steps.filter(([, verdict]) => verdict === 'retry' || verdict === 'budget')
    expect(quotas).toEqual(asked.map(([, , quota]) => quota))
    expect(budget.balance).toBe(steps.at(-1)?.[2])
  }
})

describe('calls that nobody waits for', () => {
  const run = async (options: Parameters<typeof retry>[0]) => {
    const clock = virtualClock()
    const dead = scriptedHandler([failureOf('server')])
    const handler = retry({ attempts: 2, ...options })(dead.handler)
    const ask = async (isShadow: boolean) => {
      const before = dead.asked.length
      await clock.runUntil(handler(requestOn(clock, { context: { isShadow } })))
      return dead.asked.length - before
    }
    let shadows = 0
    for (let call = 0; call < 30; call++) shadows += (await ask(true)) - 1
    return { shadows, real: (await ask(false)) - 1 }
  }

  it('have a budget of their own, and take nothing from others', async () => {
    expect(await run({ budget: 0 })).toEqual({ shadows: 10, real: 1 })
    expect(await run({ budget: depositBudget({ ratio: 0 }) })).toEqual({ shadows: 16, real: 1 })
    expect(await run({ budget: false })).toEqual({ shadows: 30, real: 1 })
  })

  it('have the budget that is set for them', async () => {
    expect(await run({ shadowBudget: 0 })).toEqual({ shadows: 10, real: 1 })
    expect(await run({ shadowBudget: depositBudget({ ratio: 0, initial: 1 }) })).toEqual({
      shadows: 1,
      real: 1,
    })
    expect(() => retry({ shadowBudget: -1 })).toThrow('retry.shadowBudget must be 0 or more')
  })
})
