/** What a back-off may know when it is asked how long to wait. */
export interface BackoffState {
  /** Which retry is about to happen: 1 for the first. */
  readonly retry: number
  /** The wait before the previous retry, in milliseconds; 0 before the first. */
  readonly previous: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** How long to wait before a retry, in milliseconds. */
export type Backoff = (state: BackoffState) => number

/**
 * How jitter is applied to a wait. With `full`, the default, callers that failed together come back spread out evenly;
 * `equal` keeps at least half of the wait; `decorrelated` grows from the previous wait instead of the number of
 * retries; `none` waits exactly.
 */
export type Jitter = 'full' | 'equal' | 'decorrelated' | 'none'

export interface ExponentialOptions {
  /** The first wait before jitter, in milliseconds, 0 or more. */
  readonly baseDelay: number
  /** No wait is longer, in milliseconds. A server's own `retry-after` may be. */
  readonly maxDelay: number
  /** Each wait is so many times the previous one, 1 or more. */
  readonly multiplier: number
  readonly jitter: Jitter
  /** No wait is shorter, in milliseconds; after jitter. */
  readonly minDelay: number
}

/**
 * Exponential back-off: base x multiplier^(retry - 1), capped, with jitter as in "Exponential Backoff And Jitter"
 * (M. Brooker, AWS Architecture Blog, 2015).
 */
export function exponential(options: ExponentialOptions): Backoff {
  const { baseDelay, maxDelay, multiplier, jitter, minDelay } = options
  const within = (wait: number): number => Math.min(maxDelay, Math.max(minDelay, wait))
  return ({ retry, previous, random }) => {
    if (jitter === 'decorrelated') {
      const highest = Math.max(baseDelay, previous * 3)
      return within(baseDelay + random() * (highest - baseDelay))
    }
    // 0 x Infinity is no number.
    const wait = baseDelay === 0 ? 0 : Math.min(maxDelay, baseDelay * multiplier ** (retry - 1))
    if (jitter === 'full') return within(random() * wait)
    if (jitter === 'equal') return within(wait / 2 + (random() * wait) / 2)
    return within(wait)
  }
}
