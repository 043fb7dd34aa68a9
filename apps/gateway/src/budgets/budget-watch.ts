import {
  type BudgetEvent,
  type BudgetRule,
  type BudgetStatus,
  type Budgets,
  levelOf,
  meterOf,
  utilization,
} from '@spillway/budgets'
import type { ObservedValue } from '@spillway/telemetry'
import { scopeIn, timeIn, usedIn } from './budget-words.ts'
import { isPace } from './fullest-budget.ts'
import { limitText } from './limit-text.ts'

export interface BudgetWatchOptions {
  readonly engine: () => Pick<Budgets, 'usage'>
  /** Those of all callers together. */
  readonly all: () => readonly BudgetRule[]
  readonly log: (line: string) => void
  /** Notes a crossing in the audit log, once for each rule and period. */
  readonly note: (action: string, details: Readonly<Record<string, unknown>>) => void
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/** Tells operators of budgets that are nearly spent, and of those that are. */
export interface BudgetWatch {
  onEvent(event: BudgetEvent): void
  /** For `/metrics`. */
  readonly values: Readonly<Record<string, ObservedValue>>
}

/** Budgets that are remembered as nearly spent. */
const mostCrossed = 1_000

/** Budgets that have their own series in `/metrics`. */
const mostSeries = 200

interface Crossed {
  readonly status: BudgetStatus
}

export function openBudgetWatch({ engine, all, log, note, now }: BudgetWatchOptions): BudgetWatch {
  /** By the rule; the last that is known of each. */
  const crossed = new Map<string, Crossed>()
  let latest: readonly BudgetStatus[] = []
  let isReading = false

  /** In their current periods. */
  const current = (): Crossed[] => {
    const at = now()
    return [...crossed.values()].filter(({ status }) => status.resetsAt > at)
  }

  /** Reads how budgets are by now, for the next look: where they are shared, that takes a moment. */
  const readAgain = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    try {
      const found = current().slice(-mostSeries)
      const rules = [...all(), ...found.map(({ status }) => status.rule)]
      latest = await engine().usage(rules)
      for (const status of latest.slice(all().length)) {
        const known = crossed.get(nameOf(status.rule))
        if (known === undefined) continue
        if (status.resetsAt !== known.status.resetsAt || levelOf(status) === 'ok')
          crossed.delete(nameOf(status.rule))
        else crossed.set(nameOf(status.rule), { status })
      }
    } finally {
      isReading = false
    }
  }

  return {
    onEvent({ type, status }) {
      // Each minute has its own: who has to know is the caller alone.
      if (isPace(status)) return
      const { rule, resetsAt, used } = status
      crossed.set(nameOf(rule), { status })
      if (crossed.size > mostCrossed) crossed.delete(crossed.keys().next().value as string)
      const isSpent = type === 'budget.spent'
      const what = isSpent && rule.hard ? ': further calls are refused' : ''
      log(`budget: ${scopeIn(rule.scope)} has used ${usedIn(status)}${what}; resets ${timeIn(resetsAt)}`)
      note(type, { subject: scopeIn(rule.scope), limit: limitText(rule), used })
    },
    values: {
      'spillway.budget.used_ratio': {
        description:
          'The share of a budget that is used: of all callers together, and of each that has passed its warning',
        read: () => {
          void readAgain()
          return latest.map((status) => ({
            value: utilization(status),
            attributes: attributesOf(status.rule),
          }))
        },
      },
      'spillway.budget.crossed': {
        description:
          'Budgets that have passed their warning, and those that are spent, in their current period',
        read: () =>
          (['client', 'team', 'all'] as const).flatMap((scope) =>
            (['warned', 'spent'] as const).map((level) => ({
              value: current().filter(
                ({ status }) => status.rule.scope.type === scope && levelOf(status) === level,
              ).length,
              attributes: { 'spillway.budget.scope': scope, 'spillway.budget.level': level },
            })),
          ),
      },
    },
  }
}

/** Of two rules that count together each has its own crossing. */
const nameOf = (rule: BudgetRule): string => `${meterOf(rule)} ${rule.amount} ${rule.hard}`

function attributesOf({ scope, unit, period }: BudgetRule): Record<string, string> {
  return {
    'spillway.budget.scope': scope.type,
    'spillway.budget.name': scope.type === 'all' ? '' : scope.name,
    'spillway.budget.unit': unit,
    'spillway.budget.period': period,
  }
}
