import { expect, it } from 'vitest'
import { LinkedList } from './linked-list.ts'

it('values come in the order in which they were added, whichever are taken out', () => {
  const list = new LinkedList<string>()
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((value) => list.add(value)) as [never, never, never, never]
  expect([...list]).toEqual(['a', 'b', 'c', 'd'])
  list.delete(b)
  expect([...list]).toEqual(['a', 'c', 'd'])
  list.delete(a)
  list.delete(d)
  expect([...list]).toEqual(['c'])
  expect(list.size).toBe(1)
  list.delete(c)
  expect([...list]).toEqual([])
  list.add('e')
  expect([...list]).toEqual(['e'])
  expect(list.size).toBe(1)
})

it('taking a value out twice changes nothing', () => {
  const list = new LinkedList<string>()
  const first = list.add('a')
  list.add('b')
  list.delete(first)
  list.delete(first)
  expect([...list]).toEqual(['b'])
  expect(list.size).toBe(1)
})

it('the same value can be in it twice', () => {
  const list = new LinkedList<string>()
  const first = list.add('a')
  list.add('a')
  list.delete(first)
  expect([...list]).toEqual(['a'])
})

it('whoever goes through it may take out and add', () => {
  const list = new LinkedList<string>()
  const places = new Map(['a', 'b', 'c'].map((value) => [value, list.add(value)]))
  const seen: string[] = []
  for (const value of list) {
    seen.push(value)
    const place = places.get(value)
    if (place !== undefined) list.delete(place)
    list.add(`${value}2`)
  }
  expect(seen).toEqual(['a', 'b', 'c'])
  expect([...list]).toEqual(['a2', 'b2', 'c2'])
})
