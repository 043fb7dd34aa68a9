import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { watchDatabase } from './database-watch.ts'

it('says once that the database is unavailable, and once that it is back', async () => {
  const clock = virtualClock()
  const lines: string[] = []
  let isAway = false
  const stop = watchDatabase(
    () => isAway,
    (line) => lines.push(line),
    clock,
  )
  await clock.advance(5_000)
  expect(lines).toEqual([])
  isAway = true
  await clock.advance(5_000)
  isAway = false
  await clock.advance(5_000)
  stop()
  isAway = true
  await clock.advance(5_000)
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'the database is unavailable',
    'the database is back',
  ])
})
