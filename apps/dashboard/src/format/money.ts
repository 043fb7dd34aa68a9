import { nothing } from './number.ts'

const nanosADollar = 1_000_000_000n

/** Nano-dollars as the API writes them, as text of whole digits; null where there is no price. */
export type NanoText = string | null

/** The exact amount: `$1,234.567890123`, with two decimals at least. */
export function exactMoney(nano: NanoText): string {
  if (nano === null) return nothing
  const { sign, dollars, rest } = split(nano)
  const decimals = rest
    .toString()
    .padStart(9, '0')
    .replace(/0{1,7}$/, '')
  return `${sign}$${dollars.toLocaleString('en')}.${decimals}`
}

/**
 * The amount as one reads it: cents from a dollar on, millions and billions shortened, and below a dollar as many
 * decimals as two digits need. Rounded half up, in whole numbers throughout.
 */
export function money(nano: NanoText): string {
  if (nano === null) return nothing
  const value = BigInt(nano)
  if (value === 0n) return '$0.00'
  const sign = value < 0n ? '-' : ''
  const amount = value < 0n ? -value : value
  for (const [unit, letter] of [
    [1_000_000_000n, 'B'],
    [1_000_000n, 'M'],
  ] as const) {
    if (amount >= unit * nanosADollar) return `${sign}$${decimal(amount, unit * nanosADollar, 2)}${letter}`
  }
  if (amount >= nanosADollar) return `${sign}$${decimal(amount, nanosADollar, 2)}`
  const leadingZeros = 9 - amount.toString().length
  return `${sign}$${decimal(amount, nanosADollar, Math.min(9, Math.max(2, leadingZeros + 2)))}`
}

/** For the axis and the height of a chart alone, where the last digits do not show. */
export function dollarsForChart(nano: string): number {
  return Number(BigInt(nano)) / 1e9
}

/** What a point of such a chart is worth. */
export function moneyOfChart(dollars: number | null): string {
  return money(String(Math.round((dollars ?? 0) * 1e9)))
}

/** `amount / unit` with so many decimals. */
function decimal(amount: bigint, unit: bigint, places: number): string {
  const scale = 10n ** BigInt(places)
  const scaled = (amount * scale * 2n + unit) / (unit * 2n)
  const decimals = (scaled % scale).toString().padStart(places, '0')
  return `${(scaled / scale).toLocaleString('en')}.${decimals}`
}

function split(nano: string): { sign: string; dollars: bigint; rest: bigint } {
  const value = BigInt(nano)
  const amount = value < 0n ? -value : value
  return { sign: value < 0n ? '-' : '', dollars: amount / nanosADollar, rest: amount % nanosADollar }
}

/** A part of an amount, 0 to 1; null where the amount is zero. */
export function shareOfMoney(part: string, all: string): number | null {
  const whole = BigInt(all)
  return whole === 0n ? null : Number((BigInt(part) * 1_000_000n) / whole) / 1_000_000
}
