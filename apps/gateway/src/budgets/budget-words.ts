import type { BudgetPeriod, BudgetRule, BudgetScope, BudgetStatus, BudgetUnit } from '@spillway/budgets'

// How budgets are written for people: in errors, in the log and on the command line.

/** Made when an amount is first written: the data of ICU that they read take 5 MB of memory. */
const lazyFormat = (digits: number): (() => Intl.NumberFormat) => {
  let format: Intl.NumberFormat | undefined
  return () => {
    format ??= new Intl.NumberFormat('en-US', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    })
    return format
  }
}
const whole = lazyFormat(0)
const cents = lazyFormat(2)

/** What a dollar is in the amounts of budgets. */
export const nanoDollars = 1e9

/** `$50`, `$41.20`, `$0.004`, `1,000 requests`. What is used is not written as nothing. */
export function amountIn(unit: BudgetUnit, amount: number): string {
  if (unit !== 'usd') return `${whole().format(amount)} ${amount === 1 ? unit.slice(0, -1) : unit}`
  const usd = amount / nanoDollars
  if (usd !== 0 && Math.abs(usd) < 0.01) return `$${Number(usd.toPrecision(1))}`
  return `$${Number.isInteger(usd) ? whole().format(usd) : cents().format(usd)}`
}

const adverbs: Readonly<Record<BudgetPeriod, string>> = {
  minute: 'a minute',
  day: 'a day',
  week: 'a week',
  month: 'a month',
}

/** `$50 a month` */
export const ruleIn = ({ unit, amount, period }: Pick<BudgetRule, 'unit' | 'amount' | 'period'>): string =>
  `${amountIn(unit, amount)} ${adverbs[period]}`

/** `client alice`, `team search`, `all clients` */
export const scopeIn = (scope: BudgetScope): string =>
  scope.type === 'all' ? 'all clients' : `${scope.type} ${scope.name}`

/** `2026-12-01 00:00 UTC`: the same for developers anywhere. */
export const timeIn = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** `$41.20 of $50 a month (82 %)` */
export function usedIn({ rule, used }: Pick<BudgetStatus, 'rule' | 'used'>): string {
  const { unit, amount } = rule
  const share = amount > 0 ? ` (${Math.floor((used / amount) * 100)} %)` : ''
  return `${amountIn(unit, used)} of ${ruleIn(rule)}${share}`
}
