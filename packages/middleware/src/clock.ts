/** Stops a timer; harmless when it has fired already. */
export type CancelTimer = () => void

/**
 * Where policies get time and random numbers from. The real one is {@link systemClock}; `@spillway/testing` has a
 * virtual one, on which hours pass in microseconds.
 */
export interface Clock {
  /** Milliseconds from an arbitrary start, never going back. */
  now(): number
  /** Milliseconds since the Unix epoch; for dates that come from outside, such as `retry-after`. */
  epoch(): number
  /** Calls back once after `ms` milliseconds. */
  setTimer(ms: number, callback: () => void): CancelTimer
  /** Uniform in [0, 1). */
  random(): number
}

/** The longest delay that a Node timer takes; beyond it fires at once. */
const longestTimer = 2 ** 31 - 1

/** The time and random numbers of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), longestTimer))
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

/** {@link systemClock} for what is done now and then beside the calls: its timers keep no process alive. */
export const backgroundClock: Clock = {
  ...systemClock,
  setTimer(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), longestTimer)).unref()
    return () => clearTimeout(timer)
  },
}

/**
 * Waits `ms` milliseconds of `clock` time. Ends at once when the signal aborts, and leaves no listener behind.
 * @throws the signal's reason when it aborts before the time is over
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const leave = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', leave)
      resolve()
    })
    signal?.addEventListener('abort', leave, { once: true })
  })
}
