/** The most calls in any minute, wherever it begins. Times in milliseconds, in any order. */
export function mostInAMinute(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  let most = 0
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while ((sorted[last] as number) - (sorted[first] as number) >= 60_000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

/** Calls in each whole minute after the first call. */
export function perMinute(times: readonly number[], until: number): number[] {
  const begin = Math.min(...times)
  const minutes = Math.floor((until - begin) / 60_000)
  return Array.from({ length: minutes }, (_, minute) => {
    const from = begin + minute * 60_000
    return times.filter((at) => at >= from && at < from + 60_000).length
  })
}
