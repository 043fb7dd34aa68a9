import type { Clock } from '@spillway/middleware'

/** How long one load may take, in milliseconds. */
const loadTimeout = 30_000
/** The pause after a first failure, in milliseconds; it doubles with each further one. */
const firstPause = 1_000
const longestPause = 60_000

/** A load that callers share. */
export interface GuardedLoad<T> {
  /**
   * The result of the load that is running, or of a new one.
   * @throws the last error while the pause after a failure lasts
   */
  run(clock: Clock): Promise<T>
  /** What was loaded turned out to be useless: counts as a failure. */
  disappoint(clock: Clock): void
}

/**
 * Runs one load at a time however many callers ask, gives up on one that hangs, and pauses after failures, so that
 * whoever gives out secrets is not asked hundreds of times a second when it is in trouble.
 * @param load gets a signal that aborts when it is given up on
 */
export function guardedLoad<T>(load: (signal: AbortSignal) => T | Promise<T>): GuardedLoad<T> {
  let running: Promise<T> | undefined
  let failures = 0
  let pausedUntil = -Infinity
  let lastError: unknown

  const fail = (clock: Clock, error: unknown): void => {
    pausedUntil = clock.now() + Math.min(longestPause, firstPause * 2 ** Math.min(failures, 10))
    failures++
    lastError = error
  }
  const begin = async (clock: Clock): Promise<T> => {
    const givenUp = new AbortController()
    let cancel = (): void => {}
    const tooLong = new Promise<never>((_, reject) => {
      cancel = clock.setTimer(loadTimeout, () => {
        const error = new Error(`no answer within ${loadTimeout / 1000} s`)
        error.name = 'TimeoutError'
        givenUp.abort(error)
        reject(error)
      })
    })
    try {
      const value = await Promise.race([load(givenUp.signal), tooLong])
      failures = 0
      return value
    } catch (error) {
      fail(clock, error)
      throw error
    } finally {
      cancel()
    }
  }

  return {
    run(clock) {
      if (running === undefined && clock.now() < pausedUntil) return Promise.reject(lastError)
      running ??= begin(clock).finally(() => {
        running = undefined
      })
      return running
    },
    disappoint: (clock) => fail(clock, new Error('the upstream refuses what was obtained')),
  }
}
