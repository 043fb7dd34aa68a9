const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** The placeholder for a missing value. */
export const nothing = '–'

/** A count in full: `10,000,000`. */
export function full(value: number): string {
  return whole.format(value)
}

/** A count that fits anywhere: whole up to 9,999, then three digits, `12.3K`, `10M`. */
export function compact(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(Math.round(value)) : short.format(value)
}

/**
 * A share from 0 to 1 as a percentage. What is not zero never reads as zero, and what is not all never as all, since
 * both would be wrong by what matters.
 */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return nothing
  const value = share * 100
  if (value === 0 || value === 100) return `${value}%`
  if (value < 0.1) return '<0.1%'
  if (value > 99.9 && value < 100) return '>99.9%'
  const isFine = value < 10 || (value > 98 && value < 100)
  return `${value.toFixed(isFine ? 1 : 0).replace('.0', '')}%`
}

/** A part of a whole; null where there is no whole. */
export function ratio(part: number, all: number): number | null {
  return all === 0 ? null : part / all
}
