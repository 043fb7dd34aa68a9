import { expect, it } from 'vitest'
import { givingWay } from './giving-way.ts'

function pausesOf(times: readonly number[]): number[] {
  let now = 0
  const pauses: number[] = []
  const giveWay = givingWay({ now: () => now }, () => {
    pauses.push(now)
    now += 0.1
  })
  for (const time of times) {
    now = Math.max(now, time)
    giveWay()
  }
  return pauses
}

it('sleeps for a moment after each half millisecond of work', () => {
  const everyTenth = Array.from({ length: 30 }, (_, index) => 1_000 + index / 10)
  const pauses = pausesOf(everyTenth)
  expect(pauses.length).toBeGreaterThanOrEqual(4)
  for (const [index, at] of pauses.slice(1).entries())
    expect(at - (pauses[index] ?? 0)).toBeGreaterThanOrEqual(0.5)
})

it('does not sleep where the work has just begun', () => {
  expect(pausesOf([1_000, 2_000, 3_000])).toEqual([])
})
