import { expect, it } from 'vitest'
import { before, formatPlace, parsePlace, rangeParameters, ranges, views } from './routing.ts'

it('without a hash it is the live view of a day', () => {
  expect(parsePlace('')).toEqual({ view: 'live', range: '24h', search: {} })
})

it('what is unknown becomes the default', () => {
  expect(parsePlace('#/nowhere?range=5y')).toEqual({ view: 'live', range: '24h', search: {} })
})

it('filters stand in the hash, and empty ones do not', () => {
  const place = parsePlace('#/calls?model=claude-opus-5-5&query=')
  expect(place).toEqual({ view: 'calls', range: '24h', search: { model: 'claude-opus-5-5' } })
  expect(formatPlace({ ...place, search: { ...place.search, query: '' } })).toBe(
    '#/calls?model=claude-opus-5-5',
  )
})

it('a call and a span of time stand in the hash', () => {
  const place = parsePlace('#/calls/a%2Fb?from=60000&to=120000&problems=true')
  expect(place).toEqual({
    ...{ view: 'calls', item: 'a/b', range: '24h' },
    ...{ span: { from: 60_000, to: 120_000 }, search: { problems: 'true' } },
  })
  expect(formatPlace(place)).toBe('#/calls/a%2Fb?from=60000&to=120000&problems=true')
  expect(rangeParameters(place)).toEqual({ from: '60000', to: '120000' })
  expect(parsePlace('#/calls?from=9&to=1').span).toBeUndefined()
})

it('the time before is as long, and ends where the shown one begins', () => {
  expect(before({ from: 600_000, to: 900_000 })).toEqual({ from: 300_000, to: 600_000 })
  expect(before({ from: 300_000, to: 900_000 })).toEqual({ from: 0, to: 300_000 })
})

it('every place can be told and read back', () => {
  for (const { id } of views) {
    for (const range of ranges) {
      const place = { view: id, range, search: { query: 'a&b=c d/é' } }
      expect(parsePlace(formatPlace(place))).toEqual(place)
    }
  }
})
