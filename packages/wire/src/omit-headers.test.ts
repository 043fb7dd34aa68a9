import { expect, it } from 'vitest'
import { omitHeaders } from './omit-headers.ts'

const headers = { 'request-id': 'req_1', 'x-a': '1', 'x-b': ['2', '3'] }

it('leaves out the headers that are dropped', () => {
  expect(omitHeaders(headers, (name) => name === 'x-a')).toEqual({
    'request-id': 'req_1',
    'x-b': ['2', '3'],
  })
})

it('makes no copy where nothing is dropped', () => {
  expect(omitHeaders(headers, () => false)).toBe(headers)
})
