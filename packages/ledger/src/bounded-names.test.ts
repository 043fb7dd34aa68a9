import { expect, it } from 'vitest'
import { boundNames, otherName } from './bounded-names.ts'
import type { CallRow, Entry } from './rows.ts'

const day = 24 * 3_600_000
const call = (tenant: string | null, model: string, at = 0): Entry => ({
  table: 'calls',
  row: { tenant, model_asked: model, started_at: at } as CallRow,
})
const namesOf = (entries: readonly Entry[]) =>
  entries.map(({ row }) => [(row as CallRow).tenant, (row as CallRow).model_asked])

it('keeps so many names of each kind, and those that it knows for ever', () => {
  const bound = boundNames(2)
  expect(
    namesOf(bound([call('a', 'x'), call('b', 'y'), call('c', 'z'), call(null, 'x'), call('a', 'w')])),
  ).toEqual([
    ['a', 'x'],
    ['b', 'y'],
    [otherName, otherName],
    [null, 'x'],
    ['a', otherName],
  ])
  const usual = call('b', 'x')
  expect(bound([usual])[0]).toBe(usual)
})

it('gives the place of a name that was not used for a month to another one', () => {
  const bound = boundNames(2)
  bound([call('a', 'x'), call('b', 'x', 20 * day)])
  expect(namesOf(bound([call('c', 'x', 30 * day)]))).toEqual([[otherName, 'x']])
  expect(namesOf(bound([call('c', 'x', 32 * day), call('d', 'x', 32 * day)]))).toEqual([
    ['c', 'x'],
    [otherName, 'x'],
  ])
})
