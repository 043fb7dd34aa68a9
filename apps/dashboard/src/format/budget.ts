import type { Budgets } from '@spillway/gateway-api'
import { exactMoney, money } from './money.ts'
import { compact, full } from './number.ts'

export type Budget = Budgets['budgets'][number]

/** An amount of a budget in short: `$41.20`, `2M tokens`, `100 requests`. */
export function budgetAmount(unit: Budget['unit'], amount: string): string {
  return unit === 'usd' ? money(amount) : `${compact(Number(amount))} ${unit}`
}

/** The same exactly. */
export function exactAmount(unit: Budget['unit'], amount: string): string {
  return unit === 'usd' ? exactMoney(amount) : `${full(Number(amount))} ${unit}`
}

/** What is left; nothing where more was used than there was. */
export function leftOf({ amount, used }: Pick<Budget, 'amount' | 'used'>): string {
  const left = BigInt(amount) - BigInt(used)
  return (left < 0n ? 0n : left).toString()
}
