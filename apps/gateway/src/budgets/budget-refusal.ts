import type { BudgetRefusal } from '@spillway/budgets'
import type { Api, Failure } from '@spillway/middleware'
import { refusalFailure } from '@spillway/wire'
import { amountIn, ruleIn, timeIn } from './budget-words.ts'
import { keyless } from './call-rules.ts'
import { isPace } from './fullest-budget.ts'
import { answerHeaders, type LimitHeaders, spentHeaders } from './limit-headers.ts'

/** How a call is refused for which a budget has too little left. */
export interface RefusedByBudget {
  readonly failure: Failure
  /** Beside those of the failure. */
  readonly headers: LimitHeaders
}

/** What a refusal needs beside the budget. */
export interface RefusalFacts {
  readonly api: Api
  readonly model: string
  /** Milliseconds since the Unix epoch. */
  readonly now: number
  /** What the operator wants to be said, such as where to ask for more. */
  readonly contact?: string | undefined
}

/** How soon a call may be sent again for which calls in flight have reserved what is left, in milliseconds. */
const reservedWait = 5_000

/**
 * Refuses a call. Where waiting helps, it is an ordinary rate limit, which clients wait for; of a spent budget nothing comes back before
 * its period ends, so that they are told to stop.
 */
export function budgetRefusal(refusal: BudgetRefusal, facts: RefusalFacts): RefusedByBudget {
  const { api, now } = facts
  const { rule, reason, resetsAt } = refusal
  const untilReset = Math.max(1_000, resetsAt - now)
  if (reason === 'unpriced') {
    const message = `${ownerOf(refusal)} has a budget in USD, and no price is known for the model ${facts.model.slice(0, 256)}: ${
      facts.contact ?? 'the operator of this gateway can set its prices'
    }`
    const failure = refusalFailure({ kind: 'permission', message, scope: 'request', status: 403 })
    return { failure, headers: { 'x-should-retry': 'false' } }
  }
  if (reason !== 'too_large' && (isPace(refusal) || reason === 'reserved')) {
    const wait = isPace(refusal) ? untilReset : Math.min(reservedWait, untilReset)
    const again = `try again in ${Math.ceil(wait / 1000)} s`
    const message = isPace(refusal)
      ? `${ownerOf(refusal)} is limited to ${ruleIn(rule)}: ${again}`
      : `what is left of the budget of ${ownerOf(refusal)} (${ruleIn(rule)}, ${amountIn(rule.unit, refusal.used)} used) is reserved by calls in flight: ${again}`
    const failure = refusalFailure({ kind: 'saturated', message, scope: 'key', retryAfterMs: wait })
    return { failure, headers: { ...answerHeaders(api, [refusal], now), 'x-should-retry': 'true' } }
  }
  const message = `${spentMessage(refusal)}${
    reason === 'too_large' ? '' : `, which resets ${timeIn(resetsAt)}`
  }: ${facts.contact ?? 'ask the operator of this gateway for a larger one'}`
  const failure = refusalFailure({
    kind: 'budget_exceeded',
    message,
    scope: 'key',
    ...(reason !== 'too_large' && { retryAfterMs: untilReset }),
  })
  return {
    failure,
    headers: {
      ...spentHeaders(api, refusal),
      // Codex shows this in place of the message.
      ...(api === 'responses' && { 'x-codex-promo-message': message.replace(/[^\x20-\x7e]/g, '?') }),
      'x-should-retry': 'false',
    },
  }
}

/** Begins the one line that Claude Code shows as it is: its reader has to know whose budget it is, until when, and what to do. */
function spentMessage({ rule, used, expected, reason }: BudgetRefusal): string {
  const { unit, amount } = rule
  if (reason === 'too_large')
    return `this call takes about ${amountIn(unit, expected)}, which is more than the whole budget of ${ownerOf({ rule })}, ${ruleIn(rule)}`
  if (used >= amount) return `${ownerOf({ rule })} has spent its budget of ${ruleIn(rule)}`
  return `this call takes about ${amountIn(unit, expected)}, and ${ownerOf({ rule })} has ${amountIn(unit, amount - used)} left of its budget of ${ruleIn(rule)}`
}

function ownerOf({ rule: { scope } }: Pick<BudgetRefusal, 'rule'>): string {
  if (scope.type === 'all') return 'this gateway'
  if (scope.type === 'team') return `the team ${scope.name}`
  // Callers that are told apart by the key that they present know it by no name.
  if (scope.name === keyless) return 'a caller without a key'
  return scope.name.startsWith('key-') ? 'this key' : scope.name
}
