import {
  type BudgetPeriod,
  type BudgetStatus,
  type BudgetUnit,
  budgetRuleDefaults,
  utilization,
} from '@spillway/budgets'
import type { Api } from '@spillway/middleware'
import { nanoDollars } from './budget-words.ts'
import { fullest, isPace } from './fullest-budget.ts'

/** What answers and refusals say of the limits of a caller. */
export type LimitHeaders = Readonly<Record<string, string>>

const none: LimitHeaders = {}

/** Thresholds at which Claude Code notifies its user. */
const thresholds = [0.95, 0.75] as const

/** As Anthropic's own gateway calls them; it has none by the minute. */
const periods: Readonly<Record<BudgetPeriod, string>> = {
  minute: 'minute',
  day: 'daily',
  week: 'weekly',
  month: 'monthly',
}

const unified = 'anthropic-ratelimit-unified'

/**
 * The headers of an answer to a caller with budgets. Callers of Anthropic's protocol get those of its own gateway, by which Claude Code
 * warns; callers of Responses those that Codex shows; all get `x-spillway-budget`, and their limits by the minute in the headers of the
 * vendor whose protocol they speak.
 * @param now milliseconds since the Unix epoch
 */
export function answerHeaders(api: Api, statuses: readonly BudgetStatus[], now: number): LimitHeaders {
  if (statuses.length === 0) return none
  const budget = fullest(statuses)
  return {
    ...paceHeaders(api, statuses, now),
    ...(budget !== undefined && { 'x-spillway-budget': budgetHeader(budget) }),
    ...(budget !== undefined && api === 'anthropic' && unifiedHeaders(budget)),
    ...(budget !== undefined && api === 'responses' && codexHeaders(budget)),
  }
}

/** Of the refusal of a spent budget. With a claim or a status of the overage Claude Code would show its own message instead of ours. */
export function spentHeaders(api: Api, budget: BudgetStatus): LimitHeaders {
  return {
    'x-spillway-budget': budgetHeader(budget),
    ...(api === 'responses' && { ...codexHeaders(budget), 'x-codex-primary-used-percent': '100' }),
    ...(api === 'anthropic' && {
      [`${unified}-status`]: 'rejected',
      ...resets(budget),
      [`${unified}-overage-utilization`]: '1',
      [`${unified}-overage-surpassed-threshold`]: '1',
      [`${unified}-overage-period`]: periods[budget.rule.period],
      [`${unified}-overage-disabled-reason`]: 'org_spend_cap_reached',
    }),
  }
}

function unifiedHeaders(budget: BudgetStatus): LimitHeaders {
  const share = utilization(budget)
  const { warnAt = budgetRuleDefaults.warnAt } = budget.rule
  const passed = thresholds.find((each) => share > each) ?? (share >= warnAt ? thresholds[1] : undefined)
  const status = passed === undefined ? 'allowed' : 'allowed_warning'
  return {
    [`${unified}-status`]: status,
    // No rolling window, with whose length the client would calculate.
    [`${unified}-representative-claim`]: 'overage',
    [`${unified}-overage-status`]: status,
    // 1 would mean that nothing is allowed any more.
    [`${unified}-overage-utilization`]: String(Math.min(0.99, Math.floor(share * 100) / 100)),
    ...(passed !== undefined && { [`${unified}-overage-surpassed-threshold`]: String(passed) }),
    ...resets(budget),
  }
}

function resets({ resetsAt }: BudgetStatus): LimitHeaders {
  const seconds = String(Math.floor(resetsAt / 1000))
  return { [`${unified}-reset`]: seconds, [`${unified}-overage-reset`]: seconds }
}

/** What Codex shows in `/status`, and warns by. */
function codexHeaders(budget: BudgetStatus): LimitHeaders {
  const { startsAt, resetsAt } = budget
  return {
    'x-codex-primary-used-percent': String(Math.min(99, Math.floor(utilization(budget) * 100))),
    'x-codex-primary-window-minutes': String(Math.round((resetsAt - startsAt) / 60_000)),
    'x-codex-primary-reset-at': String(Math.floor(resetsAt / 1000)),
  }
}

/** For programs, in every protocol: a structured field (RFC 9651). */
function budgetHeader({ rule, used, resetsAt }: BudgetStatus): string {
  const { scope, unit, period, amount, hard } = rule
  const of = scope.type === 'all' ? 'all' : `${scope.type}/${scope.name}`
  const parameters = [
    `unit=${unit}`,
    `period=${period}`,
    `limit=${decimal(unit, amount)}`,
    `used=${decimal(unit, used)}`,
    `reset=${Math.floor(resetsAt / 1000)}`,
    hard ? 'hard' : 'soft',
  ]
  return `"${of.replace(/[^\x20-\x7e]|["\\]/g, '_')}";${parameters.join(';')}`
}

/** Three decimals are what a structured field may have. */
const decimal = (unit: BudgetUnit, amount: number): string =>
  unit === 'usd' ? String(Math.round((amount / nanoDollars) * 1_000) / 1_000) : String(amount)

/** Of each unit the limit by the minute of which least is left. */
function paceHeaders(api: Api, statuses: readonly BudgetStatus[], now: number): LimitHeaders {
  const headers: Record<string, string> = {}
  for (const unit of ['requests', 'tokens'] as const) {
    const tightest = statuses
      .filter((each) => isPace(each) && each.rule.unit === unit)
      .toSorted((a, b) => left(a) - left(b))[0]
    if (tightest === undefined) continue
    const [limit, remaining] = [String(tightest.rule.amount), String(left(tightest))]
    if (api === 'anthropic') {
      headers[`anthropic-ratelimit-${unit}-limit`] = limit
      headers[`anthropic-ratelimit-${unit}-remaining`] = remaining
      headers[`anthropic-ratelimit-${unit}-reset`] =
        `${new Date(tightest.resetsAt).toISOString().slice(0, 19)}Z`
    } else {
      headers[`x-ratelimit-limit-${unit}`] = limit
      headers[`x-ratelimit-remaining-${unit}`] = remaining
      headers[`x-ratelimit-reset-${unit}`] = `${Math.max(0, Math.ceil((tightest.resetsAt - now) / 1000))}s`
    }
  }
  return headers
}

/** What calls in flight have reserved is not there for the next one. */
const left = ({ rule, used, reserved }: BudgetStatus): number => Math.max(0, rule.amount - used - reserved)
