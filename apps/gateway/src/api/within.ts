import type { Clock } from '@spillway/middleware'

/** What a promise gives, or, where it has not settled after so many milliseconds, what `late` gives or throws. */
export async function within<T>(ms: number, promise: Promise<T>, late: () => T, clock: Clock): Promise<T> {
  const { promise: over, resolve } = Promise.withResolvers<undefined>()
  const cancel = clock.setTimer(ms, () => resolve(undefined))
  try {
    return await Promise.race([promise, over.then(late)])
  } finally {
    cancel()
    // Its caller has stopped waiting.
    promise.catch(() => {})
  }
}
