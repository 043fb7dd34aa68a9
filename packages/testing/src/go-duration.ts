/** A duration as Go writes it: `2m59.56s`, `6m0s`, `370ms`, `0s`. */
export function goDuration(ms: number): string {
  const rounded = Math.round(ms * 1_000) / 1_000
  if (rounded <= 0) return '0s'
  if (rounded < 1_000) return rounded < 1 ? `${Math.round(rounded * 1_000)}µs` : `${rounded}ms`
  const hours = Math.floor(rounded / 3_600_000)
  const minutes = Math.floor((rounded % 3_600_000) / 60_000)
  const seconds = Math.round(rounded % 60_000) / 1_000
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}
