import type { BudgetAmounts, Reservation } from '@spillway/budgets'
import type { AttemptRow } from '@spillway/ledger'
import type { CallRecord } from '@spillway/middleware/kit'

/** The budget of one call, while it runs: its attempts are charged as they are booked. */
export interface CallBudget {
  /** Another attempt has begun. */
  begin(): void
  /** An attempt has been booked. */
  book(row: BookedUse): void
  /** The call is over: its outcome is known, or it was given up. */
  end(): void
}

/** What is booked of an attempt. */
export type BookedUse = Pick<
  AttemptRow,
  'input_tokens' | 'output_tokens' | 'cache_read_tokens' | 'cache_write_tokens' | 'cost_nano'
>

const nothing: BudgetAmounts = { requests: 0, tokens: 0, usd: 0 }

/**
 * Settles a reservation with what all attempts of a call have cost, as the books have it. Attempts that are cancelled may end after their
 * call: they are waited for.
 * @param most what one attempt may use
 */
export function callBudget(
  reservation: Reservation,
  record: Pick<CallRecord, 'begun' | 'running'>,
  most: BudgetAmounts,
): CallBudget {
  let used = nothing
  /** The part of it beside which nothing has been reserved yet. */
  let fresh = nothing
  let isOver = false
  const settleWhenOver = (): void => {
    if (isOver && record.running === 0)
      void reservation.settle({ ...used, requests: record.begun > 0 ? 1 : 0 })
  }
  return {
    begin() {
      // It may use as much again as was reserved, whatever others of this call have used, or use at the same time.
      const more = record.running > 1 ? plus(fresh, { ...most, requests: 0 }) : fresh
      fresh = nothing
      if (more.tokens > 0 || more.usd !== 0) reservation.extend({ ...more, usd: more.usd ?? most.usd })
    },
    book(row) {
      const amounts = useOf(row)
      used = plus(used, amounts)
      fresh = plus(fresh, amounts)
      settleWhenOver()
    },
    end() {
      isOver = true
      settleWhenOver()
    },
  }
}

/** What an attempt has used. A price that is not known is only nothing where nothing was used. */
export function useOf(row: BookedUse): BudgetAmounts {
  const tokens = row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_write_tokens
  return { requests: 0, tokens, usd: row.cost_nano ?? (tokens === 0 ? 0 : undefined) }
}

function plus(one: BudgetAmounts, other: BudgetAmounts): BudgetAmounts {
  return {
    requests: one.requests + other.requests,
    tokens: one.tokens + other.tokens,
    usd: one.usd === undefined || other.usd === undefined ? undefined : one.usd + other.usd,
  }
}
