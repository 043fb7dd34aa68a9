/**
 * Durations in buckets that each reach a tenth further than the one before, as in a DDSketch (Masson, Rim, Lee 2019): a
 * percentile is off by 4.9 % at most, whatever the durations are, and histograms are added up bucket by bucket.
 */
const growth = 1.1

/** Shorter durations count as this, in milliseconds. */
const shortest = 0.1

/** Percentiles of a duration in milliseconds, within 4.9 %; null where there is none. */
export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** The bucket of a duration in milliseconds: above growth^(bucket - 1), up to growth^bucket. */
export function bucketOf(milliseconds: number): number {
  return Math.ceil(Math.log(Math.max(milliseconds, shortest)) / Math.log(growth))
}

/** Percentiles by nearest rank of counts by bucket. */
export function percentilesOf(counts: ReadonlyMap<number, number>): Percentiles {
  const buckets = [...counts].sort(([a], [b]) => a - b)
  const total = buckets.reduce((sum, [, count]) => sum + count, 0)
  const at = (share: number): number | null => {
    let rank = Math.max(1, Math.ceil(total * share))
    for (const [bucket, count] of buckets) {
      rank -= count
      // The geometric middle: as far from either end.
      if (rank <= 0) return round(growth ** (bucket - 0.5))
    }
    return null
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** To four digits: more would pretend. */
function round(value: number): number {
  return Number(value.toPrecision(4))
}
