import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { StallWatch } from './stall-watch.ts'

/** Something that gets on when the test says so. */
function watchedBy(watch: StallWatch): { at: number | undefined; stalls: number; leave(): void } {
  const state = { at: 0 as number | undefined, stalls: 0, leave: () => watch.delete(place) }
  const watched = {
    progress: () => state.at,
    stalled: () => {
      state.stalls++
    },
  }
  const place = watch.add(watched)
  return state
}

it('what has not got on for the time is found, once, and at most a quarter of the time later', async () => {
  const clock = virtualClock()
  const thing = watchedBy(new StallWatch(1_000, clock))
  await clock.advance(999)
  expect(thing.stalls).toBe(0)
  await clock.advance(251)
  expect(thing.stalls).toBe(1)
  await clock.advance(5_000)
  expect(thing.stalls).toBe(1)
})

it('what gets on, however slowly, and what has nothing to do is left alone', async () => {
  const clock = virtualClock()
  const watch = new StallWatch(1_000, clock)
  const slow = watchedBy(watch)
  const idle = watchedBy(watch)
  idle.at = undefined
  for (let second = 1; second <= 60; second++) {
    slow.at = second
    await clock.advance(900)
  }
  expect([slow.stalls, idle.stalls]).toEqual([0, 0])
  idle.at = 7
  slow.leave()
  await clock.advance(1_000)
  expect(idle.stalls, 'its time begins with its work').toBe(0)
  await clock.advance(500)
  expect([slow.stalls, idle.stalls]).toEqual([0, 1])
})

it('another time holds for what is watched already', async () => {
  const clock = virtualClock()
  const watch = new StallWatch(Infinity, clock)
  const thing = watchedBy(watch)
  await clock.advance(10_000)
  watch.use(1_000)
  await clock.advance(250)
  expect(thing.stalls).toBe(1)
  const next = watchedBy(watch)
  watch.use(Infinity)
  expect(clock.pending).toBe(0)
  await clock.advance(10_000)
  watch.use(60_000)
  next.at = 1
  await clock.advance(60_000)
  expect(next.stalls).toBe(0)
})

it('no timer runs for longer than a quarter of the time while there is nothing to watch', async () => {
  const clock = virtualClock()
  const watch = new StallWatch(1_000, clock)
  expect(clock.pending).toBe(0)
  const [one, two] = [watchedBy(watch), watchedBy(watch)]
  expect(clock.pending).toBe(1)
  one.leave()
  two.leave()
  const three = watchedBy(watch)
  expect(clock.pending, 'calls follow each other faster than timers are worth').toBe(1)
  three.leave()
  await clock.advance(250)
  expect(clock.pending).toBe(0)
  watchedBy(new StallWatch(Infinity, clock))
  expect(clock.pending).toBe(0)
})
