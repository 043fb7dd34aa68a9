import { expect, it } from 'vitest'
import { fuzzKeys } from './run.ts'

it('clients of all kinds, whose keys come and go, get what they may and nothing of each other', async () => {
  const result = await fuzzKeys({ requests: 1_500, seed: 20_261_127, concurrency: 16 })
  expect([...result.findings].map(([problem, { count, first }]) => ({ problem, count, first }))).toEqual([])
  expect(result.kinds.size).toBeGreaterThan(25)
  expect(result.presented.size).toBe(11)
  expect(Number(result.statuses.get('200'))).toBeGreaterThan(200)
  expect(Number(result.statuses.get('403'))).toBeGreaterThan(200)
}, 180_000)
