import { expect, it } from 'vitest'
import { type Change, stretchesOf } from './stretches.ts'

const change = (at: number, more: Partial<Change>): Change => ({
  ...{ at, kind: 'circuit', target: 'claude', endpoint: '1', subject: 'opus', reason: 'failure_rate' },
  ...{ was: 'closed', became: 'open', until: null },
  ...more,
})
const range = { from: 100, to: 200 }

it('a circuit is drawn from when it opened until it closed, half-open apart', () => {
  const changes = [
    change(150, { was: 'half_open', became: 'closed' }),
    change(140, { was: 'open', became: 'half_open' }),
    change(120, {}),
  ]
  const [subject] = stretchesOf(changes, range)
  expect(subject?.stretches).toEqual([
    { from: 120, to: 140, state: 'open' },
    { from: 140, to: 150, state: 'half_open' },
  ])
  expect(subject?.ms).toBe(30)
})

it('what was open before the time begins there, and what still is ends with it', () => {
  expect(stretchesOf([change(130, { was: 'open', became: 'closed' })], range)[0]?.stretches).toEqual([
    { from: 100, to: 130, state: 'open' },
  ])
  expect(stretchesOf([change(130, {})], range)[0]?.stretches).toEqual([{ from: 130, to: 200, state: 'open' }])
})

it('a closed limit and an endpoint that is left out end by themselves, and those with most of it come first', () => {
  const limit = change(110, { kind: 'limit', subject: '', was: 'open', became: 'closed', until: 125 })
  const endpoint = change(110, {
    kind: 'endpoint',
    subject: '',
    was: 'in use',
    became: 'left out',
    until: 160,
  })
  const found = stretchesOf([limit, endpoint], range)
  expect(found.map(({ change: { kind }, ms }) => [kind, ms])).toEqual([
    ['endpoint', 50],
    ['limit', 15],
  ])
})

it('what was well all the time is not drawn', () => {
  expect(stretchesOf([change(150, { was: 'half_open', became: 'closed', at: 100 })], range)).toEqual([])
  expect(stretchesOf([], range)).toEqual([])
})
