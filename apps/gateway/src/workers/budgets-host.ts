import type { BudgetStore } from '@spillway/budgets'
import {
  chargeBudgets,
  extendBudget,
  openBudgetMeters,
  readBudgets,
  reserveBudget,
  settleBudget,
} from './budgets-protocol.ts'
import type { Channel } from './channel.ts'

/**
 * Lets a worker count in a store of the primary. What its calls had reserved when it ended is given back: they were cut, and nothing of them
 * was booked.
 */
export function serveBudgets(store: BudgetStore, channel: Channel): void {
  const held = new Set<string>()
  channel.answer(reserveBudget, async ([id, demands]) => {
    const taken = store.reserve(id, demands)
    const { refusedBy } = taken instanceof Promise ? await taken : taken
    if (refusedBy === undefined) held.add(id)
    return taken
  })
  channel.answer(readBudgets, (meters) => store.read(meters))
  channel.answer(settleBudget, ([id, amounts]) => {
    held.delete(id)
    return store.settle(id, amounts)
  })
  channel.hear(extendBudget, ([id, amounts]) => store.extend(id, amounts))
  channel.hear(chargeBudgets, (charges) => store.charge(charges))
  channel.hear(openBudgetMeters, (openings) => store.open(openings))
  channel.onClose(() => {
    for (const id of held) store.settle(id, [])
    held.clear()
  })
}
