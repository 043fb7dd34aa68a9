import type { BudgetUnit } from './rule.ts'

/** How much of each unit, in whole numbers; `usd` in nano-dollars, undefined where the price is not known. */
export interface BudgetAmounts {
  readonly requests: number
  readonly tokens: number
  readonly usd: number | undefined
}

/** What a call is expected to use, and what it reserves. */
export interface BudgetEstimate {
  /** The most that it may use: so much is reserved. */
  readonly most: BudgetAmounts
  /** What it will surely or probably use: a call is refused where so much is not left. @default `most` */
  readonly expected?: BudgetAmounts | undefined
}

/** What a unit is of amounts, as a whole number of 0 or more; 0 where it is not known. */
export function amountOf(amounts: BudgetAmounts, unit: BudgetUnit): number {
  const amount = amounts[unit]
  return amount !== undefined && amount > 0 ? Math.min(Math.ceil(amount), Number.MAX_SAFE_INTEGER) : 0
}
