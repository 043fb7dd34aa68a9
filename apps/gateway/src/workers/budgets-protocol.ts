import type { Meter, MeterDemand, MeterState, Taken } from '@spillway/budgets'
import { type Note, note, type Question, question } from './channel.ts'

export const reserveBudget: Question<readonly [id: string, demands: readonly MeterDemand[]], Taken> =
  question('budgets.reserve')
export const readBudgets: Question<readonly Meter[], readonly MeterState[]> = question('budgets.read')
/** Without amounts nothing was used. */
export const settleBudget: Question<
  readonly [id: string, amounts: readonly number[]],
  readonly MeterState[]
> = question('budgets.settle')
/**
 * What changes budgets without an answer that anyone waits for is a note: the primary gets it in order, once, and also when it was slow.
 */
export const extendBudget: Note<readonly [id: string, amounts: readonly number[]]> = note('budgets.extend')
export const chargeBudgets: Note<readonly (Meter & { readonly amount: number })[]> = note('budgets.charge')
export const openBudgetMeters: Note<readonly (Meter & { readonly amount: number })[]> = note('budgets.open')
