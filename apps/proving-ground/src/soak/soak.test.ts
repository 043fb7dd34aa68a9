import { expect, it } from 'vitest'
import { soak } from './run.ts'

it('a short soak leaves nothing behind, and its books agree with the upstreams', async () => {
  const { lines, calls, faults } = await soak({
    minutes: 0.1,
    warmUp: 0,
    rate: 40,
    streams: 10,
    streamSeconds: 2,
    changeEvery: 1,
    seed: 3,
    every: 2,
    idle: 0,
  })
  expect(calls.length).toBeGreaterThan(100)
  expect(faults.size).toBeGreaterThan(3)
  // What a few seconds say of memory is how it warms up.
  const steady = lines.filter(({ what }) => !/RSS|heap|buffers|timers/.test(what))
  expect(steady.filter(({ holds }) => !holds)).toEqual([])
  expect(steady.length).toBeGreaterThan(10)
}, 60_000)
