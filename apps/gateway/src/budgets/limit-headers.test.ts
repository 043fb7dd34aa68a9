import type { BudgetRule, BudgetStatus } from '@spillway/budgets'
import { describe, expect, it } from 'vitest'
import { answerHeaders } from './limit-headers.ts'

const now = Date.UTC(2026, 10, 27, 20)
const december = Date.UTC(2026, 11)

const status = (rule: Partial<BudgetRule> = {}, more: Partial<BudgetStatus> = {}): BudgetStatus => ({
  rule: {
    ...{ id: 'r', scope: { type: 'client', name: 'alice' }, unit: 'usd', period: 'month' },
    ...{ amount: 50e9, hard: true },
    ...rule,
  },
  ...{ used: 0, reserved: 0, startsAt: Date.UTC(2026, 10), resetsAt: december },
  ...more,
})

const at = (share: number, rule: Partial<BudgetRule> = {}): BudgetStatus =>
  status(rule, { used: share * 50e9 })

const unified = (statuses: readonly BudgetStatus[]): object =>
  Object.fromEntries(
    Object.entries(answerHeaders('anthropic', statuses, now)).flatMap(([name, value]) =>
      name.startsWith('anthropic-ratelimit-unified-') ? [[name.slice(28), value]] : [],
    ),
  )

describe('answers under a budget', () => {
  const seconds = String(december / 1000)

  it('carry the headers by which Claude Code shows what is left', () => {
    expect(unified([at(0.824)])).toEqual({
      status: 'allowed_warning',
      'representative-claim': 'overage',
      'overage-status': 'allowed_warning',
      'overage-utilization': '0.82',
      'overage-surpassed-threshold': '0.75',
      reset: seconds,
      'overage-reset': seconds,
    })
    const calm = unified([at(0.3)])
    expect(calm).toMatchObject({ status: 'allowed', 'overage-utilization': '0.3' })
    expect(calm).not.toHaveProperty('overage-surpassed-threshold')
  })

  it.each([
    ['just above the second threshold', at(0.951), '0.95', '0.95'],
    ['at what the budget says', at(0.5, { warnAt: 0.5 }), '0.5', '0.75'],
    ['spent, as long as calls are allowed', at(1.4, { hard: false }), '0.99', '0.95'],
  ])('warn %s', (_, budget, utilization, threshold) => {
    expect(unified([budget])).toMatchObject({
      status: 'allowed_warning',
      'overage-utilization': utilization,
      'overage-surpassed-threshold': threshold,
    })
  })

  it('tell of the fullest of several budgets, and of equals of that which ends last', () => {
    const day = status({ period: 'day' }, { used: 45e9, resetsAt: now + 1 })
    expect(unified([at(0.2), day, at(0.3)])).toMatchObject({ 'overage-utilization': '0.9' })
    const fresh = status({ period: 'day' }, { resetsAt: now + 1 })
    expect(unified([at(0), fresh])).toMatchObject({ reset: seconds })
  })

  it('say in every protocol whose budget it is, in a structured field', () => {
    const team = status({ scope: { type: 'team', name: 'käse "1"' }, hard: false }, { used: 41.2004e9 })
    for (const api of ['anthropic', 'openai', 'responses'] as const)
      expect(answerHeaders(api, [team], now)['x-spillway-budget']).toBe(
        `"team/k_se _1_";unit=usd;period=month;limit=50;used=41.2;reset=${seconds};soft`,
      )
  })

  it('show Codex its share, its window and its end', () => {
    expect(answerHeaders('responses', [at(0.824)], now)).toMatchObject({
      'x-codex-primary-used-percent': '82',
      'x-codex-primary-window-minutes': '43200',
      'x-codex-primary-reset-at': seconds,
    })
  })

  it('tell limits by the minute as the vendor of the protocol tells its own, and nothing else of them', () => {
    const pace = status(
      { unit: 'requests', period: 'minute', amount: 100 },
      { used: 30, reserved: 2, resetsAt: now + 12_400 },
    )
    const loose = status({ unit: 'requests', period: 'minute', amount: 500 }, { resetsAt: now + 12_400 })
    expect(answerHeaders('openai', [loose, pace], now)).toEqual({
      'x-ratelimit-limit-requests': '100',
      'x-ratelimit-remaining-requests': '68',
      'x-ratelimit-reset-requests': '13s',
    })
    expect(answerHeaders('anthropic', [pace], now)).toEqual({
      'anthropic-ratelimit-requests-limit': '100',
      'anthropic-ratelimit-requests-remaining': '68',
      'anthropic-ratelimit-requests-reset': '2026-11-27T20:00:12Z',
    })
  })

  it('are as they were for a caller without budgets', () => {
    expect(answerHeaders('anthropic', [], now)).toEqual({})
  })
})
