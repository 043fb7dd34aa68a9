import { type Clock, systemClock } from '@spillway/middleware'
import { randomFor } from '../seeded-random.ts'

export interface AcceleratedClock extends Clock {
  /** How long the process stood still, in real milliseconds. */
  readonly pausedMs: number
  stop(): void
}

const heartbeat = 5

/** Heartbeats that are further apart, in real milliseconds, had a pause between them. */
export const longestBeat = 10

/**
 * The real clock, so many times as fast: a timer of a second fires after a second divided by `speed`. So the
 * policies keep their defaults, and hours fit into a minute. While the machine gives the process no time, the clock
 * stands still: the servers are in the same process, so nobody could have answered, and at this speed a pause of a
 * tenth of a second would count as a stall. It starts at 0.
 */
export function acceleratedClock(speed: number, seed: number): AcceleratedClock {
  const epoch = systemClock.epoch()
  let beatAt = systemClock.now()
  let elapsed = 0
  let pausedMs = 0
  const sinceBeat = (): number => Math.min(systemClock.now() - beatAt, longestBeat)
  const now = (): number => (elapsed + sinceBeat()) * speed
  const timer = setInterval(() => {
    const counted = sinceBeat()
    const beat = systemClock.now()
    elapsed += counted
    pausedMs += Math.max(0, beat - beatAt - longestBeat)
    beatAt = beat
  }, heartbeat)
  return {
    now,
    epoch: () => epoch + now(),
    setTimer: (ms, callback) => systemClock.setTimer(ms / speed, callback),
    random: randomFor(seed),
    get pausedMs() {
      return pausedMs
    },
    stop: () => clearInterval(timer),
  }
}
