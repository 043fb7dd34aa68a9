import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock, sleep, systemClock } from './clock.ts'

/** A clock with one timer, which the test fires. */
function manualClock() {
  const timers: { ms: number; fire: () => void; cancelled: boolean }[] = []
  const clock: Clock = {
    ...systemClock,
    setTimer(ms, fire) {
      const timer = { ms, fire, cancelled: false }
      timers.push(timer)
      return () => {
        timer.cancelled = true
      }
    },
  }
  return { clock, timers }
}

describe('sleep', () => {
  it('ends when its time is over, and leaves no listener', async () => {
    const { clock, timers } = manualClock()
    const { signal } = new AbortController()
    const slept = sleep(clock, 250, signal)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    expect(timers).toMatchObject([{ ms: 250 }])
    timers[0]?.fire()
    await slept
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('ends at once with the reason of an abort, and leaves neither timer nor listener', async () => {
    const { clock, timers } = manualClock()
    const controller = new AbortController()
    const slept = sleep(clock, 250, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(slept).rejects.toBe(reason)
    expect(timers).toMatchObject([{ cancelled: true }])
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  it('does not begin under a signal that has aborted', async () => {
    const { clock, timers } = manualClock()
    const reason = new Error('enough')
    await expect(sleep(clock, 250, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(timers).toHaveLength(0)
  })

  it('needs no signal', async () => {
    const { clock, timers } = manualClock()
    const slept = sleep(clock, 1)
    timers[0]?.fire()
    await expect(slept).resolves.toBeUndefined()
  })
})

describe('the clock of this machine', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('calls back once, after its time', () => {
    const callback = vi.fn()
    systemClock.setTimer(1000, callback)
    vi.advanceTimersByTime(999)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(10_000)
    expect(callback).toHaveBeenCalledOnce()
  })

  it('does not call back once it is cancelled, and takes a cancellation that comes late', () => {
    const callback = vi.fn()
    const cancel = systemClock.setTimer(1000, callback)
    cancel()
    vi.advanceTimersByTime(2000)
    expect(callback).not.toHaveBeenCalled()
    cancel()
  })

  it.each([Infinity, 2 ** 40])('does not call back at once for %d ms', (ms) => {
    const callback = vi.fn()
    const cancel = systemClock.setTimer(ms, callback)
    vi.advanceTimersByTime(86_400_000)
    expect(callback).not.toHaveBeenCalled()
    cancel()
  })

  it('tells the time since the epoch and chances below one', () => {
    vi.setSystemTime(1_700_000_000_000)
    expect(systemClock.epoch()).toBe(1_700_000_000_000)
    const chance = systemClock.random()
    expect(chance).toBeGreaterThanOrEqual(0)
    expect(chance).toBeLessThan(1)
  })
})
