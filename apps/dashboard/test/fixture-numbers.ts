import type { Percentiles, TimeRange } from '@spillway/gateway-api'

export const noPercentiles: Percentiles = { p50: null, p95: null, p99: null }

/** More by day than by night. */
export function daily({ from, to }: TimeRange, progress: number): number {
  const hour = (((from + (to - from) * progress) / 3_600_000) % 24) - 14
  return 0.35 + Math.max(0, Math.cos((hour / 24) * 2 * Math.PI))
}

export function percentiles(p50: number | null, toP95: number, toP99: number): Percentiles {
  return p50 === null ? noPercentiles : { p50, p95: p50 * toP95, p99: p50 * toP99 }
}

/** The same numbers each time (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
