import { expect, it } from 'vitest'
import { planAttempt } from './attempt-plan.ts'
import { outageAt, planSchedule, thinned } from './schedule.ts'
import { summarise } from './summary.ts'
import { extraAttempts } from './targets.ts'
import { runVirtualStorm } from './virtual-storm.ts'
import { budget } from './ways.ts'

const schedule = planSchedule(2_000, 7)
const runs = await runVirtualStorm(schedule)
const [direct, chain, withFallback] = summarise(runs, schedule, 'all')

it('gives every call exactly one result, and no answer twice', () => {
  for (const { results } of runs) {
    expect(results.map(({ call }) => call.index).sort((a, b) => a - b)).toEqual(
      schedule.calls.map(({ index }) => index),
    )
    for (const { call, failure, answers } of results) {
      expect(answers).toEqual(failure === undefined ? [call.index] : [])
    }
  }
  for (const { answeredTwice, notOneResult } of summarise(runs, schedule, 'all')) {
    expect([answeredTwice, notOneResult]).toEqual([0, 0])
  }
})

it('keeps extra attempts within the budget at every moment', () => {
  expect(direct?.attemptsPerCall).toBe(1)
  for (const summary of [chain!, withFallback!]) {
    const { extra, allowed } = extraAttempts(summary)
    expect(extra).toBeGreaterThan(0)
    expect(extra).toBeLessThanOrEqual(allowed)
  }
  for (const { highestExtra } of runs) expect(highestExtra).toBeLessThanOrEqual(budget.initial)
})

it('lowers the error rate, and to nothing where there is a fallback', () => {
  expect(direct?.errorRate).toBeGreaterThan(0.07)
  expect(chain?.reduction).toBeGreaterThan(0.9)
  expect(withFallback?.errors).toBe(0)
})

it('lets direct calls fail in an outage, all of them', () => {
  const [inside] = summarise(runs, schedule, 'inside')
  expect(inside?.calls).toBe(6)
  expect(inside?.errorRate).toBe(1)
})

it('does the same for the same seed', async () => {
  const small = thinned(schedule, 300)
  const [first, second] = [await runVirtualStorm(small), await runVirtualStorm(small)]
  expect(second).toEqual(first)
})

it('decides about an attempt by seed, call and number alone', () => {
  expect(planAttempt(1, 5, 0, true)).toEqual(planAttempt(1, 5, 0, true))
  expect(planAttempt(1, 5, 1, true)).not.toEqual(planAttempt(1, 5, 0, true))
  expect(planAttempt(2, 5, 0, true)).not.toEqual(planAttempt(1, 5, 0, true))
})

it('thins a schedule out over all of its time, outages in proportion', () => {
  const tenth = thinned(planSchedule(20_000, 1), 2_000)
  expect(tenth.calls).toHaveLength(2_000)
  expect(tenth.calls[1]?.index).toBe(10)
  expect(tenth.calls.filter(({ at }) => outageAt(tenth, at) !== undefined)).toHaveLength(6)
})
