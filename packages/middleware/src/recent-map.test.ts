import { expect, it } from 'vitest'
import { RecentMap } from './recent-map.ts'

it('keeps so many entries, those that were set last', () => {
  const map = new RecentMap<number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 1)
  map.set('c', 3)
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([1, undefined, 3])
  expect(map.size).toBe(2)
})

it('does not keep an entry for being read', () => {
  const map = new RecentMap<number>(1)
  map.set('a', 1)
  map.get('a')
  map.set('b', 2)
  expect([map.get('a'), map.get('b')]).toEqual([undefined, 2])
})

it('replaces a value, also that of a single entry', () => {
  const map = new RecentMap<number>(2)
  map.set('a', 1)
  map.set('a', 2)
  expect([map.get('a'), map.size]).toEqual([2, 1])
  map.clear()
  expect([map.get('a'), map.size]).toEqual([undefined, 0])
})

it('lets go of an entry', () => {
  const map = new RecentMap<number>(2)
  map.set('a', 1)
  map.delete('a')
  map.delete('b')
  expect([map.get('a'), map.size]).toEqual([undefined, 0])
})
