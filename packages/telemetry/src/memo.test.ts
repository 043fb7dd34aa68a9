import { expect, it } from 'vitest'
import { memo } from './memo.ts'

it('remembers what it made, but not of long texts', () => {
  const asked: string[] = []
  const upper = memo((text: string) => {
    asked.push(text)
    return text.toUpperCase()
  })
  const path = '/v1/messages'
  const long = `${path}?${'q'.repeat(10_000)}`
  for (const text of [path, path, long, long]) expect(upper(text)).toBe(text.toUpperCase())
  expect(asked).toEqual([path, long, long])
})

it('begins again when it is full', () => {
  let made = 0
  const count = memo((_: number) => ++made)
  for (let key = 0; key < 1_001; key++) count(key)
  expect(count(1_000)).toBe(1_001)
  expect(count(0)).toBe(1_002)
})
