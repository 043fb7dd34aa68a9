/** A value at a time, in seconds. */
export interface Point {
  readonly at: number
  readonly value: number
}

/**
 * How fast values rise, in their unit a second: the median of the slopes of all pairs of points (Theil and Sen), which a few
 * outliers do not move. 0 for fewer than two points.
 */
export function slopeOf(points: readonly Point[]): number {
  const slopes: number[] = []
  for (const [index, first] of points.entries()) {
    for (const second of points.slice(index + 1)) {
      if (second.at !== first.at) slopes.push((second.value - first.value) / (second.at - first.at))
    }
  }
  return medianOf(slopes)
}

/** The middle of some values; 0 for none. */
export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5)
}

/** The value that this share of the values does not exceed; 0 for none. */
export function quantileOf(values: readonly number[], share: number): number {
  if (values.length === 0) return 0
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] as number
  const high = sorted[Math.ceil(at)] as number
  return low + (high - low) * (at - Math.floor(at))
}
