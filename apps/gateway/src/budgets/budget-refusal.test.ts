import type { BudgetRefusal, BudgetRule } from '@spillway/budgets'
import type { Api } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { budgetRefusal } from './budget-refusal.ts'

const now = Date.UTC(2026, 10, 27, 20)
const december = Date.UTC(2026, 11)

const refused = (rule: Partial<BudgetRule> = {}, more: Partial<BudgetRefusal> = {}): BudgetRefusal => ({
  rule: {
    ...{ id: 'r', scope: { type: 'client', name: 'alice' }, unit: 'usd', period: 'month' },
    ...{ amount: 50e9, hard: true },
    ...rule,
  },
  ...{ used: 50e9, reserved: 0, startsAt: Date.UTC(2026, 10), resetsAt: december },
  ...{ reason: 'spent', expected: 0.02e9 },
  ...more,
})

const say = (refusal: BudgetRefusal, contact?: string): string =>
  budgetRefusal(refusal, { api: 'anthropic', model: 'claude', now, contact }).failure.message

describe('a spent budget', () => {
  it('is told in one line: whose, how much, until when, and what to do', () => {
    expect(say(refused())).toBe(
      'alice has spent its budget of $50 a month, which resets 2026-12-01 00:00 UTC: ask the operator of this gateway for a larger one',
    )
    expect(
      say(
        refused(
          { scope: { type: 'team', name: 'search' }, unit: 'tokens', amount: 1e6, period: 'day' },
          { used: 1e6 },
        ),
        'see go/claude',
      ),
    ).toBe(
      'the team search has spent its budget of 1,000,000 tokens a day, which resets 2026-12-01 00:00 UTC: see go/claude',
    )
    expect(say(refused({ scope: { type: 'all' } }, { used: 49.99e9 }))).toMatch(
      /^this call takes about \$0\.02, and this gateway has \$0\.01 left of its budget of \$50 a month,/,
    )
  })

  it('of a caller without a client is that of its key', () => {
    const named = (name: string) => say(refused({ scope: { type: 'client', name } }))
    expect(named('key-0123')).toMatch(/^this key has spent its budget/)
    expect(named('nobody')).toMatch(/^a caller without a key has spent its budget/)
  })

  it('tells Claude Code to stop, without the headers for which it would show words of its own', () => {
    const { failure, headers } = budgetRefusal(refused(), { api: 'anthropic', model: 'm', now })
    expect(failure).toMatchObject({ kind: 'budget_exceeded', retryable: false, origin: 'spillway' })
    expect(failure.retryAfterMs).toBe(december - now)
    expect(headers).toMatchObject({
      'x-should-retry': 'false',
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(december / 1000),
      'anthropic-ratelimit-unified-overage-period': 'monthly',
      'anthropic-ratelimit-unified-overage-disabled-reason': 'org_spend_cap_reached',
    })
    expect(headers).not.toHaveProperty('anthropic-ratelimit-unified-representative-claim')
    expect(headers).not.toHaveProperty('anthropic-ratelimit-unified-overage-status')
  })

  it('gives Codex the words that it shows', () => {
    const { failure, headers } = budgetRefusal(refused(), { api: 'responses', model: 'm', now })
    expect(headers).toMatchObject({
      'x-codex-primary-used-percent': '100',
      'x-codex-promo-message': failure.message,
    })
  })
})

describe('where waiting helps', () => {
  it('a limit by the minute is an ordinary rate limit', () => {
    const minute = refused(
      { unit: 'requests', period: 'minute', amount: 100 },
      { used: 100, resetsAt: now + 12_400 },
    )
    for (const api of ['anthropic', 'openai'] satisfies Api[]) {
      const { failure, headers } = budgetRefusal(minute, { api, model: 'm', now })
      expect(failure).toMatchObject({ kind: 'saturated', retryAfterMs: 12_400 })
      expect(failure.message).toBe('alice is limited to 100 requests a minute: try again in 13 s')
      expect(headers['x-should-retry']).toBe('true')
    }
  })

  it('what is reserved by calls in flight comes back in part', () => {
    const reserved = refused({}, { reason: 'reserved', used: 40e9, reserved: 10e9 })
    const { failure, headers } = budgetRefusal(reserved, { api: 'anthropic', model: 'm', now })
    expect(failure).toMatchObject({ kind: 'saturated', retryAfterMs: 5_000 })
    expect(failure.message).toContain('($50 a month, $40 used) is reserved by calls in flight')
    expect(headers).toMatchObject({
      'x-should-retry': 'true',
      'anthropic-ratelimit-unified-status': 'allowed_warning',
    })
  })
})

it('a call that is larger than the whole budget will not fit tomorrow either', () => {
  const large = refused(
    { unit: 'tokens', period: 'minute', amount: 1_000 },
    { reason: 'too_large', expected: 9_000, used: 0 },
  )
  const { failure, headers } = budgetRefusal(large, { api: 'anthropic', model: 'm', now })
  expect(failure.message).toBe(
    'this call takes about 9,000 tokens, which is more than the whole budget of alice, 1,000 tokens a minute: ask the operator of this gateway for a larger one',
  )
  expect([failure.kind, failure.retryAfterMs, headers['x-should-retry']]).toEqual([
    'budget_exceeded',
    undefined,
    'false',
  ])
})

it('a model without a price is no matter of waiting', () => {
  const { failure, headers } = budgetRefusal(refused({}, { reason: 'unpriced' }), {
    ...{ api: 'anthropic', model: 'secret-model', now },
  })
  expect(failure).toMatchObject({ kind: 'permission', status: 403 })
  expect(failure.message).toContain('no price is known for the model secret-model')
  expect(headers).toEqual({ 'x-should-retry': 'false' })
})
