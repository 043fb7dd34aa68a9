import type { BudgetPeriod, BudgetUnit } from '@spillway/budgets'

/** A limit as it is written. */
export interface WrittenLimit {
  readonly unit: BudgetUnit
  readonly period: BudgetPeriod
  /** A whole number; of `usd` in nano-dollars. */
  readonly amount: number
  readonly hard: boolean
  readonly warnAt?: number | undefined
}

/** `usd=50/month`, `$50/month`, `tokens=2M/day,warn=90%`, `requests=100/minute,soft`. */
export const limitPattern: RegExp =
  /^(?:(usd|tokens|requests)=|(\$))(\d{1,16}(?:\.\d{1,9})?)([kMB]?)\/(minute|day|week|month)((?:,(?:soft|warn=\d{1,3}%))*)$/

export const limitError =
  'expected a limit such as usd=50/month, tokens=2M/day or requests=100/minute, with ",soft" where it only warns and ",warn=90%" for when'

const multiples: Readonly<Record<string, number>> = { '': 0, k: 3, M: 6, B: 9 }

/** @returns what is wrong, where it is no limit */
export function parseLimit(text: string): WrittenLimit | string {
  const found = limitPattern.exec(text.trim())
  if (found === null) return limitError
  const [, named, dollar, number = '', multiple = '', period, options = ''] = found
  const unit = (dollar === undefined ? named : 'usd') as BudgetUnit
  const amount = scaled(number, (multiples[multiple] ?? 0) + (unit === 'usd' ? 9 : 0))
  if (amount === undefined)
    return unit === 'usd'
      ? 'the amount is too large, or has more decimals than a nano-dollar'
      : `the amount must be a whole number of ${unit} below 9e15`
  const warn = /warn=(\d+)%/.exec(options)?.[1]
  const warnAt = warn === undefined ? undefined : Number(warn) / 100
  if (warnAt !== undefined && !(warnAt > 0 && warnAt <= 1)) return 'warn must be from 1% to 100%'
  return {
    ...{ unit, period: period as BudgetPeriod, amount, hard: !options.includes('soft') },
    ...(warnAt !== undefined && { warnAt }),
  }
}

/** A decimal times a power of ten, exactly; undefined where that is no whole number, or one too large. */
function scaled(number: string, power: number): number | undefined {
  const [whole = '', decimals = ''] = number.split('.')
  if (decimals.replace(/0+$/, '').length > power) return undefined
  const amount = Number(`${whole}${decimals.padEnd(power, '0').slice(0, power)}`)
  return Number.isSafeInteger(amount) ? amount : undefined
}

/** As it would be typed. */
export function limitText({ unit, period, amount, hard, warnAt }: WrittenLimit): string {
  const number = unit === 'usd' ? dollars(amount) : String(amount)
  const warn = warnAt === undefined ? '' : `,warn=${Math.round(warnAt * 100)}%`
  return `${unit}=${number}/${period}${hard ? '' : ',soft'}${warn}`
}

/** Nano-dollars in dollars, exactly. */
export function dollars(nano: number): string {
  const digits = String(nano).padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '')
}
