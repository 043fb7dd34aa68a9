import type { BudgetStore } from '@spillway/budgets'

/** Counts budgets in another store, and notes each settlement, such as for a bill. */
export function notedBudgets(
  inner: BudgetStore,
  note: (id: string, amounts: readonly number[]) => void,
): BudgetStore {
  return {
    reserve: (id, demands) => inner.reserve(id, demands),
    extend: (id, amounts) => inner.extend(id, amounts),
    settle(id, amounts) {
      note(id, amounts)
      return inner.settle(id, amounts)
    },
    read: (meters) => inner.read(meters),
    open: (openings) => inner.open(openings),
    charge: (charges) => inner.charge(charges),
  }
}
