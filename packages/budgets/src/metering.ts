import { type BudgetRule, type BudgetUnit, meterOf } from './rule.ts'
import type { BudgetStatus } from './status.ts'
import type { Meter, MeterState } from './store.ts'

/** A meter, and the rules that share it. */
export interface RuleMeter extends Meter {
  readonly unit: BudgetUnit
  /** The hard rule with the lowest amount; undefined where none refuses. */
  readonly strictest: BudgetRule | undefined
}

/** How rules are counted. */
export interface Metering {
  readonly rules: readonly BudgetRule[]
  readonly meters: readonly RuleMeter[]
  /** What the states of the meters mean for each rule. */
  statusesOf(states: readonly MeterState[]): readonly BudgetStatus[]
}

const known = new WeakMap<readonly BudgetRule[], Metering>()

/** Made once for each list of rules. */
export function meteringOf(rules: readonly BudgetRule[]): Metering {
  let metering = known.get(rules)
  if (metering === undefined) {
    metering = makeMetering(rules)
    known.set(rules, metering)
  }
  return metering
}

function makeMetering(rules: readonly BudgetRule[]): Metering {
  const names = [...new Set(rules.map(meterOf))]
  const places = rules.map((rule) => names.indexOf(meterOf(rule)))
  const meters = names.map((name, index): RuleMeter => {
    const sharing = rules.filter((_, each) => places[each] === index)
    const [{ unit, period }] = sharing as [BudgetRule]
    const hard = sharing.filter((rule) => rule.hard).sort((one, other) => one.amount - other.amount)
    return { name, unit, period, strictest: hard[0] }
  })
  return {
    rules,
    meters,
    statusesOf: (states) =>
      rules.map((rule, index) => {
        const { used, reserved, startsAt, resetsAt } = states[places[index] as number] as MeterState
        return { rule, used, reserved, startsAt, resetsAt }
      }),
  }
}
