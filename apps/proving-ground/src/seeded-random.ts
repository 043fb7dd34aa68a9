/** Uniform in [0, 1). */
export type Random = () => number

/**
 * A stream of chance that belongs to a seed and keys alone: whoever else draws, and in whatever order, the numbers
 * for the same keys are the same. So every way of calling meets the same faults.
 */
export function randomFor(seed: number, ...keys: readonly number[]): Random {
  let state = mix(seed | 0)
  for (const key of keys) state = mix(state ^ Math.imul(key + 1, 0x9e3779b9))
  return () => {
    state = (state + 0x9e3779b9) | 0
    return (mix(state) >>> 0) / 2 ** 32
  }
}

/** How often something happens that happens on its own: the time to the next, by its mean. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean
}

/** Latencies are like this: most near the median, some far above. */
export function lognormal(random: Random, median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return median * Math.exp(sigma * normal)
}

function mix(value: number): number {
  let bits = value
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return bits ^ (bits >>> 15)
}
