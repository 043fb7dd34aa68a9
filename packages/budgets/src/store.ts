import type { BudgetPeriod } from './rule.ts'

/** What a call is counted on, once for all rules that share it. */
export interface Meter {
  readonly name: string
  readonly period: BudgetPeriod
}

/** What a call wants of a meter. */
export interface MeterDemand extends Meter {
  /** The lowest amount of the hard rules; undefined where none refuses. */
  readonly limit: number | undefined
  readonly expected: number
  readonly most: number
}

/** A meter in its current period. */
export interface MeterState {
  readonly used: number
  readonly reserved: number
  readonly startsAt: number
  readonly resetsAt: number
}

/** What has become of a reservation. */
export interface Taken {
  /** In the order of the demands: with what was reserved, or as they were when it was not. */
  readonly states: readonly MeterState[]
  /** The index of the first meter that has too little left; undefined where the call was admitted. */
  readonly refusedBy: number | undefined
}

/** A value that may be there at once. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Where budgets are counted. A reservation is made on all of its meters or on none, and is charged to the periods in which it was made,
 * whenever it is settled.
 */
export interface BudgetStore {
  /** Reserves on every meter whose `used + reserved + expected` stays within its limit. Never rejects. */
  reserve(id: string, demands: readonly MeterDemand[]): MaybePromise<Taken>
  /** Reserves more for a call that is admitted, whatever is left. */
  extend(id: string, amounts: readonly number[]): void
  /**
   * Charges what a call has used instead of what it had reserved: once for each id, whoever says it again. A reservation that is not settled
   * in time is charged as it was reserved, and still put right when it is settled after all.
   */
  settle(id: string, amounts: readonly number[]): MaybePromise<readonly MeterState[]>
  read(meters: readonly Meter[]): MaybePromise<readonly MeterState[]>
  /**
   * Tells what was used in the current periods before the store knew of their meters. What is told first holds, so that several processes
   * may tell the same.
   */
  open(openings: readonly (Meter & { readonly amount: number })[]): MaybePromise<void>
  /** Adds what has been used without a reservation to the current periods. */
  charge(charges: readonly (Meter & { readonly amount: number })[]): MaybePromise<readonly MeterState[]>
}
