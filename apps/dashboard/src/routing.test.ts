import { expect, test } from 'vitest'
import { formatPlace, parsePlace, ranges, views } from './routing.ts'

test('without a hash it is the live view of a day', () => {
  expect(parsePlace('')).toEqual({ view: 'live', range: '24h', search: {} })
})

test('what is unknown becomes the default', () => {
  expect(parsePlace('#/nowhere?range=5y')).toEqual({ view: 'live', range: '24h', search: {} })
})

test('filters stand in the hash, and empty ones do not', () => {
  const place = parsePlace('#/calls?model=claude-opus-5-5&query=')
  expect(place).toEqual({ view: 'calls', range: '24h', search: { model: 'claude-opus-5-5' } })
  expect(formatPlace({ ...place, search: { ...place.search, query: '' } })).toBe(
    '#/calls?model=claude-opus-5-5',
  )
})

test('every place can be told and read back', () => {
  for (const { id } of views) {
    for (const range of ranges) {
      const place = { view: id, range, search: { query: 'a&b=c d/é' } }
      expect(parsePlace(formatPlace(place))).toEqual(place)
    }
  }
})
