import { type BudgetRule, createBudgets, isBudgetRefusal } from '@spillway/budgets'

const team = { type: 'team', name: 'search' } as const
const rules: readonly BudgetRule[] = [
  { id: 'a month', scope: team, unit: 'usd', period: 'month', amount: 500_000_000_000, hard: true },
  { id: 'a day', scope: team, unit: 'usd', period: 'day', amount: 50_000_000_000, hard: false },
]

export const budgets = createBudgets({
  onEvent: ({ type, status }) => console.warn(type, status.rule.id, status.used),
})

/** @param most what the call may cost, in nano-dollars; `call` tells what it did cost */
export async function withinBudget(most: number, call: () => Promise<number>): Promise<void> {
  const decision = await budgets.reserve(rules, { most: { requests: 1, tokens: 0, usd: most } })
  if (isBudgetRefusal(decision))
    throw new Error(`the budget ${decision.rule.id} is ${decision.reason} until ${decision.resetsAt}`)
  try {
    await decision.settle({ requests: 1, tokens: 0, usd: await call() })
  } finally {
    decision.release()
  }
}
