import { type VirtualClock, virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { BudgetAmounts, BudgetEstimate } from './amounts.ts'
import { type Budgets, createBudgets, isBudgetRefusal, type Reservation } from './budgets.ts'
import { memoryBudgetStore } from './memory-store.ts'
import type { BudgetRule } from './rule.ts'
import type { BudgetRefusal, BudgetStatus } from './status.ts'
import type { BudgetEvent } from './warnings.ts'

const noon = Date.UTC(2026, 10, 27, 12)

function rule(changes: Partial<BudgetRule> = {}): BudgetRule {
  return {
    id: 'one',
    scope: { type: 'client', name: 'ann' },
    unit: 'tokens',
    period: 'day',
    amount: 1_000,
    hard: true,
    ...changes,
  }
}

const tokens = (count: number): BudgetAmounts => ({ requests: 1, tokens: count, usd: 0 })
const most = (count: number, expected = count): BudgetEstimate => ({
  most: tokens(count),
  expected: tokens(expected),
})

interface Opened {
  readonly budgets: Budgets
  readonly clock: VirtualClock
  readonly events: BudgetEvent[]
  admit(rules: readonly BudgetRule[], estimate: BudgetEstimate): Reservation
  refuse(rules: readonly BudgetRule[], estimate: BudgetEstimate): BudgetRefusal
  usage(...rules: readonly BudgetRule[]): readonly BudgetStatus[]
}

function open(ttl?: number): Opened {
  const clock = virtualClock({ epoch: noon })
  const events: BudgetEvent[] = []
  const store = memoryBudgetStore({ clock, ...(ttl && { ttl }) })
  const budgets = createBudgets({ store, onEvent: (event) => events.push(event) })
  const decide = (rules: readonly BudgetRule[], estimate: BudgetEstimate) => {
    const decision = budgets.reserve(rules, estimate)
    if (decision instanceof Promise) throw new Error('memory answers at once')
    return decision
  }
  return {
    budgets,
    clock,
    events,
    admit(rules, estimate) {
      const decision = decide(rules, estimate)
      if (isBudgetRefusal(decision)) throw new Error(`refused: ${decision.reason}`)
      return decision
    },
    refuse(rules, estimate) {
      const decision = decide(rules, estimate)
      if (!isBudgetRefusal(decision)) throw new Error('admitted')
      return decision
    },
    usage: (...rules) => budgets.usage(rules) as readonly BudgetStatus[],
  }
}

describe('a hard budget', () => {
  it('refuses what does not fit beside what calls in flight may use, and admits it when they used less', () => {
    const { admit, refuse } = open()
    const first = admit([rule()], most(800))
    expect(refuse([rule()], most(300))).toMatchObject({
      reason: 'reserved',
      used: 0,
      reserved: 800,
      expected: 300,
    })
    first.settle(tokens(100))
    admit([rule()], most(300))
  })

  it('says when it is used up, and until when', () => {
    const { admit, refuse } = open()
    admit([rule()], most(900)).settle(tokens(900))
    expect(refuse([rule()], most(101))).toMatchObject({
      reason: 'spent',
      used: 900,
      reserved: 0,
      resetsAt: Date.UTC(2026, 10, 28),
    })
    admit([rule()], most(100))
  })

  it('says of a call that never fits that it is too large', () => {
    expect(open().refuse([rule()], most(1_001)).reason).toBe('too_large')
  })

  it('admits by what is expected and reserves the most: then nothing else until that is known', () => {
    const { admit, refuse, usage } = open()
    admit([rule()], most(700)).settle(tokens(700))
    const last = admit([rule()], most(64_000, 200))
    expect(refuse([rule()], most(64_000, 1)).reason).toBe('reserved')
    last.settle(tokens(150))
    expect(usage(rule())[0]).toMatchObject({ used: 850, reserved: 0 })
    admit([rule()], most(64_000, 150))
  })

  it('of nothing allows nothing, but what costs nothing', () => {
    const { admit, refuse } = open()
    expect(refuse([rule({ amount: 0 })], most(1)).reason).toBe('spent')
    admit([rule({ amount: 0 })], most(0))
  })

  it('in USD refuses what has no price', () => {
    const { admit, refuse } = open()
    const unknown = { most: { requests: 1, tokens: 10, usd: undefined } }
    const usd = rule({ unit: 'usd' })
    expect(refuse([rule(), usd], unknown)).toMatchObject({ reason: 'unpriced', rule: usd })
    admit([rule({ unit: 'usd', hard: false }), rule()], unknown)
  })
})

describe('a soft budget', () => {
  it('never refuses', () => {
    const { admit, usage } = open()
    const soft = rule({ hard: false })
    admit([soft], most(5_000)).settle(tokens(5_000))
    admit([soft], most(5_000)).settle(tokens(5_000))
    expect(usage(soft)[0]?.used).toBe(10_000)
  })
})

describe('several rules', () => {
  it('are reserved together or not at all', () => {
    const { admit, refuse, usage } = open()
    const wide = rule({ id: 'team', scope: { type: 'team', name: 'search' }, amount: 10_000 })
    const narrow = rule({ amount: 10 })
    expect(refuse([wide, narrow], most(11)).rule).toBe(narrow)
    expect(usage(wide, narrow).map(({ reserved }) => reserved)).toEqual([0, 0])
    admit([wide, narrow], most(10))
    expect(usage(wide, narrow).map(({ reserved }) => reserved)).toEqual([10, 10])
  })

  it('of the same scope, unit and period count a call once, and the lowest hard one refuses', () => {
    const { admit, refuse, usage } = open()
    const rules = [
      rule({ id: 'soft', amount: 100, hard: false }),
      rule({ id: 'high', amount: 500 }),
      rule({ id: 'low', amount: 300 }),
    ]
    admit(rules, most(200)).settle(tokens(200))
    expect(usage(...rules).map(({ used }) => used)).toEqual([200, 200, 200])
    expect(refuse(rules, most(101)).rule.id).toBe('low')
  })

  it('keep scopes, units and periods apart', () => {
    const { admit, usage } = open()
    const all = [
      rule(),
      rule({ unit: 'requests' }),
      rule({ period: 'minute' }),
      rule({ scope: { type: 'team', name: 'ann' } }),
      rule({ scope: { type: 'all' } }),
      rule({ scope: { type: 'client', name: 'bob' } }),
    ]
    admit([rule(), rule({ unit: 'requests' })], most(7)).settle(tokens(7))
    expect(usage(...all).map(({ used }) => used)).toEqual([7, 1, 0, 0, 0, 0])
  })
})

describe('a settlement', () => {
  it('counts once', () => {
    const { admit, usage } = open()
    const call = admit([rule()], most(100))
    expect(call.settle(tokens(40))).toHaveLength(1)
    expect(call.settle(tokens(40))).toEqual([])
    call.release()
    call.extend(tokens(10))
    expect(usage(rule())[0]).toMatchObject({ used: 40, reserved: 0 })
  })

  it('may be more than what was reserved', () => {
    const { admit, refuse, usage } = open()
    admit([rule()], most(100)).settle(tokens(2_000))
    expect(usage(rule())[0]).toMatchObject({ used: 2_000, reserved: 0 })
    expect(refuse([rule()], most(0, 0)).reason).toBe('spent')
  })

  it('gives everything back where nothing was sent', () => {
    const { admit, usage } = open()
    admit([rule(), rule({ unit: 'requests' })], most(100)).release()
    expect(usage(rule(), rule({ unit: 'requests' })).map(({ used, reserved }) => used + reserved)).toEqual([
      0, 0,
    ])
  })

  it('charges what was reserved where the price is not known', () => {
    const { admit, usage } = open()
    const usd = rule({ unit: 'usd' })
    const call = admit([usd], { most: { requests: 1, tokens: 1, usd: 300 } })
    call.extend({ requests: 0, tokens: 0, usd: 50 })
    call.settle({ requests: 1, tokens: 5, usd: undefined })
    expect(usage(usd)[0]?.used).toBe(350)
  })

  it('belongs to the period of the reservation', async () => {
    const { admit, clock, usage } = open()
    const call = admit([rule()], most(900))
    await clock.advance(12 * 3_600_000)
    expect(usage(rule())[0]).toMatchObject({ used: 0, reserved: 0, startsAt: Date.UTC(2026, 10, 28) })
    expect(call.settle(tokens(900))).toMatchObject([{ used: 900, startsAt: Date.UTC(2026, 10, 27) }])
    expect(usage(rule())[0]).toMatchObject({ used: 0, reserved: 0 })
  })
})

describe('a reservation that nobody settles', () => {
  it('is charged as it was reserved, and put right if it is settled after all', async () => {
    const { admit, clock, usage } = open(60_000)
    const call = admit([rule()], most(500))
    call.extend(tokens(100))
    await clock.advance(59_999)
    expect(usage(rule())[0]).toMatchObject({ used: 0, reserved: 600 })
    await clock.advance(1)
    expect(usage(rule())[0]).toMatchObject({ used: 600, reserved: 0 })
    call.settle(tokens(20))
    expect(usage(rule())[0]).toMatchObject({ used: 20, reserved: 0 })
  })
})

describe('events', () => {
  it('are raised once for each rule and period: at warnAt, and when all is used', async () => {
    const { admit, clock, events } = open()
    const spend = (count: number) => admit([rule({ hard: false })], most(count)).settle(tokens(count))
    spend(799)
    expect(events).toEqual([])
    spend(1)
    spend(100)
    expect(events.map(({ type }) => type)).toEqual(['budget.warned'])
    spend(100)
    spend(500)
    expect(events.map(({ type }) => type)).toEqual(['budget.warned', 'budget.spent'])
    await clock.advance(86_400_000)
    spend(3_000)
    expect(events.slice(2)).toMatchObject([{ type: 'budget.spent', status: { used: 3_000 } }])
  })

  it('say of a hard budget that it is spent when a call is refused for it, not when others hold it', () => {
    const { admit, refuse, events } = open()
    const call = admit([rule()], most(700))
    refuse([rule()], most(400))
    expect(events).toEqual([])
    call.settle(tokens(700))
    refuse([rule()], most(400))
    refuse([rule()], most(400))
    expect(events.map(({ type }) => type)).toEqual(['budget.spent'])
  })
})

describe('a clock that is set', () => {
  it('back does not give a budget twice', () => {
    const { admit, refuse, clock, usage } = open()
    admit([rule()], most(1_000)).settle(tokens(1_000))
    clock.step(-2 * 86_400_000)
    expect(refuse([rule()], most(1)).reason).toBe('spent')
    expect(usage(rule())[0]?.resetsAt).toBe(Date.UTC(2026, 10, 28))
  })

  it('forward begins the next period', () => {
    const { admit, clock } = open()
    admit([rule()], most(1_000)).settle(tokens(1_000))
    clock.step(86_400_000)
    admit([rule()], most(1_000))
  })
})
