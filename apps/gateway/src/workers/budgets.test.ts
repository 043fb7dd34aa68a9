import { memoryBudgetStore } from '@spillway/budgets'
import { budgetStoreCases } from '@spillway/testing'
import { describe, it } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { serveBudgets } from './budgets-host.ts'
import { openChannel } from './channel.ts'
import { openLink } from './primary-link.ts'
import { remoteBudgets } from './remote-budgets.ts'

describe('budgets in the primary', () => {
  const cases = budgetStoreCases((clock, ttl) => {
    const [here, there] = portPair()
    serveBudgets(memoryBudgetStore({ clock, ttl }), openChannel(there, { clock }))
    // The clock of a case jumps while the primary answers in its own time: no timeout.
    const link = openLink(openChannel(here, { clock }), { clock, timeout: 1e9 })
    return remoteBudgets(link, { processes: 2, clock })
  })
  for (const { name, run } of cases) it(name, run)
})
