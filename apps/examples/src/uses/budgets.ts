import { type BudgetRule, createBudgets, isBudgetRefusal } from '@spillway/budgets'
import { createClient } from '@spillway/core-client'
import type { Middleware } from '@spillway/middleware'
import { startClaude } from '@spillway/testing'
import { costOf, formatDollars } from '@spillway/usage'

await using claude = await startClaude({
  reply: { text: 'It carries water around a full dam.', usage: { inputTokens: 2_000, outputTokens: 1_000 } },
})

/** In nano-dollars: five cents a month. */
const rule: BudgetRule = {
  ...{ id: 'a month', scope: { type: 'team', name: 'search' }, unit: 'usd', period: 'month' },
  ...{ amount: 50_000_000, hard: true },
}
const budgets = createBudgets()

/** Reserves what a call may cost at most, and settles what it has cost. */
const withinBudget: Middleware = (next) => async (request) => {
  const decision = await budgets.reserve([rule], { most: { requests: 1, tokens: 0, usd: 25_000_000 } })
  if (isBudgetRefusal(decision)) throw new Error(`the budget of ${rule.id} is ${decision.reason}`)
  const response = await next(request)
  const { usage } = await response.outcome
  const facts = { model: 'claude-sonnet-5-5', provider: 'anthropic', at: Date.now() }
  const cost = usage === undefined ? undefined : costOf(usage, facts)
  const usd = cost?.status === 'priced' ? cost.nanoDollars : 0
  await decision.settle({ requests: 1, tokens: 0, usd: Number(usd) })
  console.log(`a call for $${formatDollars(usd)}`)
  return response
}

const client = createClient({
  provider: 'anthropic',
  baseUrl: claude.url,
  credential: 'any',
  middleware: [withinBudget],
})
try {
  for (;;) await client.complete('What does a spillway do?')
} catch (error) {
  console.log((error as Error).message)
}
await client.close()
