import type { AnswerKind, Endpoint } from './endpoint.ts'
import type { EjectionOptions } from './options.ts'

/** What made an endpoint an outlier. */
export type EjectionReason = 'consecutive_failures' | 'failure_rate' | 'latency' | 'probe_failed'

/** Tells which endpoints do worse than the others, and how many of them may be left out. */
export interface Outliers {
  /** Why an endpoint that has just failed is an outlier; undefined when it is none. */
  afterFailure(endpoint: Endpoint, now: number): EjectionReason | undefined
  /** The same for one that has just answered. */
  afterAnswer(endpoint: Endpoint, kind: AnswerKind, now: number): EjectionReason | undefined
  /** Whether the answer to a probe took too long to put an endpoint back that was slow. */
  isSlow(endpoint: Endpoint, kind: AnswerKind, latency: number): boolean
  /** Whether it may be left out: not too many are, and another one stays that can be used. */
  mayEject(endpoint: Endpoint): boolean
}

export function createOutliers(
  endpoints: readonly Endpoint[],
  options: EjectionOptions | false,
  window: number,
): Outliers {
  if (options === false) {
    return {
      afterFailure: () => undefined,
      afterAnswer: () => undefined,
      isSlow: () => false,
      mayEject: () => false,
    }
  }
  const { consecutiveFailures, failureRate, latencyFactor, minimumCalls } = options
  const mostEjected = Math.min(endpoints.length - 1, Math.ceil(options.maxEjected * endpoints.length))

  /** Slower than so many times the median of the others' medians. */
  const isSlowerBy = (factor: number, endpoint: Endpoint, kind: AnswerKind, latency: number): boolean => {
    let known = 0
    let exceeded = 0
    for (const other of endpoints) {
      if (other === endpoint || other.ejection.isOut) continue
      const median = other.recent[kind].quantile(0.5, 3)
      if (median === undefined) continue
      known++
      if (latency > factor * median) exceeded++
    }
    return exceeded > 0 && exceeded * 2 >= known
  }

  return {
    afterFailure(endpoint, now) {
      if (endpoint.consecutiveFailures >= consecutiveFailures) return 'consecutive_failures'
      const rate = failureRateOf([endpoint], now)
      if (rate.calls < minimumCalls || rate.share < failureRate) return undefined
      const others = failureRateOf(
        endpoints.filter((other) => other !== endpoint),
        now,
      )
      return rate.share >= 2 * others.share ? 'failure_rate' : undefined
    },
    afterAnswer(endpoint, kind, now) {
      // Whoever answers quickly is not asked for its median.
      const last = endpoint.latency[kind].latest
      if (last === undefined || !isSlowerBy(latencyFactor, endpoint, kind, last)) return undefined
      const median = endpoint.recent[kind].quantile(0.5, minimumCalls, now - window)
      return median !== undefined && isSlowerBy(latencyFactor, endpoint, kind, median) ? 'latency' : undefined
    },
    // Half-way between as fast as the others and as slow as an outlier: one lucky answer is no recovery.
    isSlow: (endpoint, kind, latency) => isSlowerBy(Math.sqrt(latencyFactor), endpoint, kind, latency),
    mayEject(endpoint) {
      const others = endpoints.filter((other) => other !== endpoint)
      const ejected = others.filter(({ ejection }) => ejection.isOut).length
      return (
        ejected < mostEjected && others.some(({ ejection, key }) => !ejection.isOut && !key.suspension.isOut)
      )
    },
  }
}

function failureRateOf(endpoints: readonly Endpoint[], now: number): { calls: number; share: number } {
  let failed = 0
  let calls = 0
  for (const endpoint of endpoints) {
    const failures = endpoint.failed.count(now)
    failed += failures
    calls += failures + endpoint.succeeded.count(now)
  }
  return { calls, share: calls === 0 ? 0 : failed / calls }
}
