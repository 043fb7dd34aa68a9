import { guardListener } from '@spillway/middleware/kit'
import { amountOf, type BudgetAmounts, type BudgetEstimate } from './amounts.ts'
import { memoryBudgetStore } from './memory-store.ts'
import { type Metering, meteringOf } from './metering.ts'
import { type BudgetRule, meterOf } from './rule.ts'
import type { BudgetRefusal, BudgetRefusalReason, BudgetStatus } from './status.ts'
import type { BudgetStore, MaybePromise, MeterDemand, MeterState, Taken } from './store.ts'
import { type BudgetEvent, budgetWarnings } from './warnings.ts'

export interface BudgetsOptions {
  /** Where budgets are counted: in this process, or in a Redis that several processes share. @default in this process */
  readonly store?: BudgetStore | undefined
  /**
   * Hears once for each rule and period that it has reached its `warnAt`, and that all of it is used. What it throws touches nothing.
   * @default no listener
   */
  readonly onEvent?: ((event: BudgetEvent) => void) | undefined
}

/** A call that is admitted. Settle it once, when it is over, whatever has become of it; what is said later does nothing. */
export interface Reservation {
  /** Of its rules, in their order: with what this call reserves. */
  readonly statuses: readonly BudgetStatus[]
  /** Reserves more, where a call is made twice. */
  extend(more: BudgetAmounts): void
  /**
   * Charges what the call has used. Where its price is not known, what was reserved is charged.
   * @returns its rules afterwards, in the periods that it is charged to; none where it was settled before
   */
  settle(actual: BudgetAmounts): MaybePromise<readonly BudgetStatus[]>
  /** Gives everything back: nothing was sent. */
  release(): void
}

export type BudgetDecision = Reservation | BudgetRefusal

export interface Budgets {
  /**
   * Admits a call by all of its rules, or refuses it by the first that has too little left. A refusal costs nothing. Soft rules never
   * refuse. Decides at once where the store is in this process. Never rejects.
   */
  reserve(rules: readonly BudgetRule[], estimate: BudgetEstimate): MaybePromise<BudgetDecision>
  /** Charges what no call has reserved: a batch, a shadow call. */
  charge(rules: readonly BudgetRule[], amounts: BudgetAmounts): MaybePromise<readonly BudgetStatus[]>
  /** Tells what was used before in the current periods, as the books have it. Of each meter what is told first holds. */
  open(openings: readonly { readonly rule: BudgetRule; readonly used: number }[]): MaybePromise<void>
  /** How rules are now, in their order. */
  usage(rules: readonly BudgetRule[]): MaybePromise<readonly BudgetStatus[]>
}

export function isBudgetRefusal(decision: BudgetDecision): decision is BudgetRefusal {
  return 'reason' in decision
}

/** Keeps calls within budgets. */
export function createBudgets(options: BudgetsOptions = {}): Budgets {
  const { store = memoryBudgetStore() } = options
  const warn = budgetWarnings(guardListener('budgets.onEvent', options.onEvent ?? (() => {})))
  const prefix = crypto.randomUUID().slice(0, 18)
  let calls = 0

  const heard = (statuses: readonly BudgetStatus[]): readonly BudgetStatus[] => {
    for (const status of statuses) warn(status)
    return statuses
  }
  const refused = (refusal: BudgetRefusal): BudgetRefusal => {
    if (refusal.reason === 'spent') warn(refusal, true)
    return refusal
  }

  return {
    reserve(rules, estimate) {
      const metering = meteringOf(rules)
      const unpriced = unpricedRule(rules, estimate)
      if (unpriced !== undefined)
        return then(store.read(metering.meters), (states): BudgetDecision => {
          const status = metering.statusesOf(states)[rules.indexOf(unpriced)] as BudgetStatus
          return { ...status, reason: 'unpriced', expected: 0 }
        })
      const demands = demandsOf(metering, estimate)
      const id = `${prefix}:${(calls++).toString(36)}`
      return then(store.reserve(id, demands), (taken): BudgetDecision => {
        if (taken.refusedBy === undefined) return reservation(store, id, { metering, demands, taken, heard })
        return refused(refusalOf(metering, demands, taken.states, taken.refusedBy))
      })
    },
    charge(rules, amounts) {
      const { meters, statusesOf } = meteringOf(rules)
      const charges = meters.map((meter) => ({ ...meter, amount: amountOf(amounts, meter.unit) }))
      return then(store.charge(charges), (states) => heard(statusesOf(states)))
    },
    open: (openings) =>
      store.open(
        openings.map(({ rule, used }) => ({ name: meterOf(rule), period: rule.period, amount: used })),
      ),
    usage(rules) {
      const { meters, statusesOf } = meteringOf(rules)
      return then(store.read(meters), statusesOf)
    },
  }
}

/** The first hard rule in USD, where the price of the call is unknown. */
function unpricedRule(rules: readonly BudgetRule[], { most }: BudgetEstimate): BudgetRule | undefined {
  return most.usd === undefined ? rules.find(({ unit, hard }) => unit === 'usd' && hard) : undefined
}

function demandsOf({ meters }: Metering, { most, expected = most }: BudgetEstimate): readonly MeterDemand[] {
  return meters.map(({ name, period, unit, strictest }) => {
    const reserved = amountOf(most, unit)
    return {
      name,
      period,
      limit: strictest?.amount,
      expected: Math.min(amountOf(expected, unit), reserved),
      most: reserved,
    }
  })
}

function refusalOf(
  { meters }: Metering,
  demands: readonly MeterDemand[],
  states: readonly MeterState[],
  index: number,
): BudgetRefusal {
  const rule = meters[index]?.strictest as BudgetRule
  const { expected } = demands[index] as MeterDemand
  const state = states[index] as MeterState
  return { rule, ...state, reason: reasonOf(rule, expected, state), expected }
}

function reasonOf({ amount }: BudgetRule, expected: number, { used }: MeterState): BudgetRefusalReason {
  if (used + expected <= amount) return 'reserved'
  return expected > amount && used < amount ? 'too_large' : 'spent'
}

interface Admitted {
  readonly metering: Metering
  readonly demands: readonly MeterDemand[]
  readonly taken: Taken
  readonly heard: (statuses: readonly BudgetStatus[]) => readonly BudgetStatus[]
}

function reservation(
  store: BudgetStore,
  id: string,
  { metering, demands, taken, heard }: Admitted,
): Reservation {
  const { meters, statusesOf } = metering
  const held = demands.map(({ most }) => most)
  let isOver = false
  const settle = (amounts: readonly number[]): MaybePromise<readonly BudgetStatus[]> => {
    if (isOver) return []
    isOver = true
    return then(store.settle(id, amounts), (states) => (states.length === 0 ? [] : heard(statusesOf(states))))
  }
  return {
    statuses: statusesOf(taken.states),
    extend(more) {
      if (isOver) return
      const amounts = meters.map(({ unit }) => amountOf(more, unit))
      amounts.forEach((amount, index) => {
        held[index] = (held[index] ?? 0) + amount
      })
      store.extend(id, amounts)
    },
    settle: (actual) =>
      settle(
        meters.map(({ unit }, index) =>
          actual[unit] === undefined ? (held[index] ?? 0) : amountOf(actual, unit),
        ),
      ),
    release: () => void settle(meters.map(() => 0)),
  }
}

/** At once where the value is there at once. */
function then<T, U>(value: MaybePromise<T>, next: (value: T) => U): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
