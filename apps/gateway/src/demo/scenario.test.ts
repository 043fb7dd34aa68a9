import { expect, it } from 'vitest'
import { playScenario, type Scene, scenes } from './scenario.ts'

const reset = { type: 'reset' } as const
const refused = { type: 'status', status: 500 } as const

const two: readonly Scene[] = [
  { text: 'well', lasts: 100 },
  {
    text: 'ill',
    lasts: 50,
    fault: (attempt, round) => (attempt === 1 ? undefined : round ? refused : reset),
  },
]

it('scenes follow each other by the clock, for ever', () => {
  let now = 1_000
  const scenario = playScenario(() => now, two)
  const seen = [0, 99, 100, 149, 150, 249, 250, 300, 1_500_000_000, 1_500_000_100].map((ms) => {
    now = 1_000 + ms
    return scenario.scene().text
  })
  expect(seen).toEqual(['well', 'well', 'ill', 'ill', 'well', 'well', 'ill', 'well', 'well', 'ill'])
})

it('attempts are counted from the begin of their scene, and rounds from the first', () => {
  let now = 0
  const scenario = playScenario(() => now, two)
  expect(scenario.fault()).toBeUndefined()
  now = 100
  expect([scenario.fault(), scenario.fault(), scenario.fault()]).toEqual([reset, undefined, reset])
  now = 250
  expect([scenario.fault(), scenario.fault()]).toEqual([refused, undefined])
})

it('faults that no attempt has met are gone when their scene is over', () => {
  let now = 0
  const scenario = playScenario(() => now, two)
  now = 140
  expect(scenario.fault()).toEqual(reset)
  now = 151
  expect(scenario.fault()).toBeUndefined()
})

it('once through all scenes takes about a minute, and half of it is free of faults at least', () => {
  const length = scenes.reduce((sum, { lasts }) => sum + lasts, 0)
  expect(length).toBeGreaterThan(40_000)
  expect(length).toBeLessThan(90_000)
  const total = scenes.filter(({ fault }) => fault?.(0, 0) && fault(1, 0) && fault(2, 0))
  expect(total.reduce((sum, { lasts }) => sum + lasts, 0)).toBeLessThan(length / 2)
})
