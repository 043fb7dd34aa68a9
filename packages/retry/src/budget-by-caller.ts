import type { Failure, ModelRequest } from '@spillway/middleware'
import { guardHook, RecentMap, withDefaults } from '@spillway/middleware/kit'
import type { RetryBudget } from './retry-budget.ts'

export interface BudgetByCallerOptions {
  /** Who calls, by a name that may be shown, such as a fingerprint of the caller's key. */
  readonly caller: (request: ModelRequest) => string
  /** What limits retries of failures that say something about the endpoint, over all callers. */
  readonly endpoint: RetryBudget
  /** Makes the budget of one caller. */
  readonly each: () => RetryBudget
  /**
   * How many callers' budgets are kept; beyond that, those that were asked least lately are forgotten.
   * @default 10000
   */
  readonly maxCallers?: number
}

/** The defaults of {@link BudgetByCallerOptions}. */
export const budgetByCallerDefaults: { readonly maxCallers: number } = { maxCallers: 10_000 }

/**
 * A budget for targets to which callers bring their own keys: what the vendor says of one key (a 429 for instance) is
 * retried at the cost of that caller alone, everything else at that of all. A caller has a budget from its first such
 * failure on.
 * @throws RangeError for options out of range
 */
export function budgetByCaller(options: BudgetByCallerOptions): RetryBudget {
  const { endpoint, each, maxCallers, caller: name } = withDefaults(budgetByCallerDefaults, options)
  if (!(maxCallers >= 1)) throw new RangeError(`maxCallers must be 1 or more, but is ${maxCallers}`)
  // Callers whose names cannot be told share a budget.
  const caller = guardHook(
    'budgetByCaller.caller',
    name,
    () => '',
    (answer) => typeof answer === 'string',
  )
  const budgets = new RecentMap<RetryBudget>(maxCallers)
  const ofCaller = (request: ModelRequest): RetryBudget => {
    const name = caller(request)
    const budget = budgets.get(name) ?? each()
    budgets.set(name, budget)
    return budget
  }
  const isOfKey = (failure: Failure | undefined): boolean => failure?.scope === 'key'
  return {
    onFirstAttempt(request) {
      endpoint.onFirstAttempt(request)
      if (request !== undefined && budgets.size > 0) budgets.get(caller(request))?.onFirstAttempt(request)
    },
    withdraw(failure, request) {
      if (failure === undefined || request === undefined || !isOfKey(failure)) {
        return endpoint.withdraw(failure, request)
      }
      return ofCaller(request).withdraw(failure, request)
    },
    onSuccess(lastRetry, request) {
      if (request === undefined || !isOfKey(lastRetry)) return endpoint.onSuccess(lastRetry, request)
      budgets.get(caller(request))?.onSuccess(lastRetry, request)
    },
    get balance() {
      return endpoint.balance
    },
  }
}
