import { sleep } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { closeAll } from './closing.ts'

it('closes all at the same time, and names what fails and what has not closed in time', async () => {
  const clock = virtualClock()
  const lines: string[] = []
  const closed: string[] = []
  const things = [
    { name: 'redis', close: () => new Promise(() => {}) },
    { name: 'database', close: () => sleep(clock, 4_900).then(() => closed.push('database')) },
    { name: 'telemetry', close: () => new Promise(() => {}) },
    { name: 'vault', close: () => Promise.reject(new Error('it is locked')) },
    {
      name: 'target claude',
      close: () => {
        throw new Error('it was never open')
      },
    },
  ]
  await clock.runUntil(closeAll(things, (line) => lines.push(line), clock))
  expect(clock.now()).toBe(5_000)
  expect(closed).toEqual(['database'])
  expect(lines.sort()).toEqual([
    'redis has not closed within 5 s: going on without it',
    'target claude could not be closed: it was never open',
    'telemetry has not closed within 5 s: going on without it',
    'vault could not be closed: it is locked',
  ])
  expect(clock.pending).toBe(0)
})

it('does not wait longer than it must', async () => {
  const clock = virtualClock()
  await clock.runUntil(closeAll([{ name: 'vault', close: () => {} }], () => {}, clock))
  expect([clock.now(), clock.pending]).toEqual([0, 0])
})
