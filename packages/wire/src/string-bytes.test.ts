import { expect, it } from 'vitest'
import { stringBytes } from './string-bytes.ts'

const count = (json: string): number => stringBytes(Buffer.from(json), 0)

it.each([
  ['""', 0],
  [' "abc"', 3],
  ['"ä€🌊"', 9],
  [JSON.stringify('{"city":"Zürich"}\n'), 19],
  ['"\\u6c34\\u6c34"', 6],
  ['"\\u0416\\u00e4"', 4],
  ['"\\ud83c\\udf0a"', 4],
  ['"a\\\\"', 2],
  ['"cut', 3],
  ['null', 0],
  ['["text"]', 0],
  ['', 0],
])('%s has %d bytes of text', (json, bytes) => {
  expect(count(json)).toBe(bytes)
})
