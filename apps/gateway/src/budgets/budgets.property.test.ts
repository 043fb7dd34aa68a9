import { type BudgetRule, type BudgetStore, memoryBudgetStore } from '@spillway/budgets'
import { createLedger, type Entry } from '@spillway/ledger'
import {
  compose,
  createRequest,
  emit,
  type Handler,
  type Outcome,
  sleep,
  type Usage,
} from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, recordCall } from '@spillway/middleware/kit'
import { retry } from '@spillway/retry'
import { createRouting } from '@spillway/routing'
import { virtualClock } from '@spillway/testing'
import { failureResponse, refusalFailure } from '@spillway/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Client } from '../clients/client-directory.ts'
import { openBudgets } from './running-budgets.ts'

const model = 'claude-opus-5-5'

/** What one attempt does. Times are in milliseconds. */
const attempt = fc.record({
  latency: fc.integer({ min: 1, max: 2_000 }),
  fails: fc.constantFrom('rate_limited', 'overloaded', 'server', undefined, undefined, undefined),
  streaming: fc.integer({ min: 0, max: 20_000 }),
  breaksOff: fc.boolean(),
  /** How long it takes until it has ended after it was cancelled. */
  lag: fc.constantFrom(0, 0, 0, 300),
  input: fc.integer({ min: 0, max: 2_000 }),
  output: fc.integer({ min: 0, max: 2_000 }),
})

type Attempt = typeof attempt extends fc.Arbitrary<infer A> ? A : never

const call = fc.record({
  /** After the one before. */
  after: fc.integer({ min: 0, max: 2_000 }),
  client: fc.constantFrom('ann', 'bob'),
  attempts: fc.array(attempt, { minLength: 1, maxLength: 4 }),
  /** When its caller leaves. */
  leaves: fc.option(fc.integer({ min: 0, max: 25_000 }), { nil: undefined, freq: 3 }),
  /** What happens to the clock of the machine before it. */
  step: fc.option(fc.integer({ min: -40 * 86_400_000, max: 40 * 86_400_000 }), { nil: undefined, freq: 12 }),
  /** Whether its client is revoked after it, and another one made of the same name, with other limits. */
  isReplaced: fc.boolean(),
})

/** Like an attempt, but without a network. */
const upstream =
  (next: () => Attempt): Handler =>
  async (request) => {
    const { clock, signal } = request
    const plan = next()
    const startedAt = clock.now()
    emit(request, 'attempt.started', { model: request.model })
    const usage = (share: number): Usage => ({
      ...{ inputTokens: plan.input, outputTokens: Math.floor(plan.output * share) },
      ...{ cacheReadTokens: 0, cacheWriteTokens: 0, cacheWrite1hTokens: 0, reasoningTokens: 0 },
      estimated: share < 1,
    })
    const ended = (failure: Outcome['failure'], used: Usage | undefined): Outcome => {
      const timings = { startedAt, end: clock.now() - startedAt }
      const outcome = { ...{ failure, usage: used, stopReason: undefined, model }, timings, bytes: 0 }
      emit(request, 'attempt.ended', { outcome })
      return outcome
    }
    const cancelled = refusalFailure({ kind: 'cancelled', message: 'left' })
    try {
      await sleep(clock, plan.latency, signal)
    } catch (error) {
      await sleep(clock, plan.lag)
      ended(cancelled, usage(0))
      throw error
    }
    if (plan.fails !== undefined) {
      const failure = {
        ...refusalFailure({ kind: plan.fails, message: plan.fails }),
        retryable: true,
      } as const
      const outcome = ended({ ...failure, origin: 'upstream' }, undefined)
      return failureResponse(
        request,
        { ...failure, origin: 'upstream' },
        { outcome: Promise.resolve(outcome) },
      )
    }
    const end = (): Outcome =>
      plan.breaksOff
        ? ended(refusalFailure({ kind: 'truncated', message: 'cut' }), usage(0.5))
        : ended(undefined, usage(1))
    return {
      ...{
        status: 200,
        headers: {},
        body: bodyOf(Buffer.from('answer')),
        failure: undefined,
        target: 'claude',
      },
      outcome: sleep(clock, plan.streaming, signal).then(end, () => ended(cancelled, usage(0.3))),
    }
  }

interface Charge {
  readonly amounts: readonly number[]
  readonly most: number
}

/** A store that keeps what it is told. */
function watched(store: BudgetStore) {
  const reserved = new Map<string, number>()
  const settled = new Map<string, Charge[]>()
  let largest = 0
  const watching: BudgetStore = {
    ...store,
    reserve(id, demands) {
      const taken = store.reserve(id, demands)
      if (!(taken instanceof Promise) && taken.refusedBy === undefined)
        reserved.set(id, demands[0]?.most ?? 0)
      return taken
    },
    extend(id, amounts) {
      reserved.set(id, (reserved.get(id) ?? 0) + (amounts[0] ?? 0))
      store.extend(id, amounts)
    },
    settle(id, amounts) {
      const most = reserved.get(id) ?? 0
      largest = Math.max(largest, most, amounts[0] ?? 0)
      settled.set(id, [...(settled.get(id) ?? []), { amounts, most }])
      const states = store.settle(id, amounts)
      if (states instanceof Promise) throw new Error('memory answers at once')
      for (const { used } of states) highest = Math.max(highest, used)
      return states
    },
  }
  let highest = 0
  return {
    store: watching,
    reserved,
    settled,
    get largest() {
      return largest
    },
    get highest() {
      return highest
    },
  }
}

const limits = (amount: number): readonly BudgetRule[] =>
  (['ann', 'bob'] as const).map((name) => ({
    ...{ id: name, scope: { type: 'client', name }, unit: 'usd', period: 'month', amount, hard: true },
  }))

it('charges what the books have, once, and overshoots by one reservation at most: retries, hedges, streams that are left, clocks that are set', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 25 }), async (calls) => {
      const clock = virtualClock({ epoch: Date.UTC(2026, 10, 27, 12), maxTimers: Infinity })
      const watch = watched(memoryBudgetStore({ clock }))
      const amount = 60_000_000
      const budgets = openBudgets({
        ...{ config: undefined, clock, log: () => {} },
        store: { ...watch.store, status: 'local' },
      })
      const rows: Entry[] = []
      const ledger = createLedger({
        ...{ clock, providerOf: () => 'anthropic', maxWait: 0 },
        store: { write: async (entries) => rows.push(...entries) },
        onAttempt: budgets.book,
      })
      let plans: Attempt[] = []
      const next = (): Attempt => plans.shift() ?? { ...calm }
      const endpoint = compose([ledger.attempts], upstream(next))
      const routing = createRouting({
        endpoints: [
          { name: 'one', handler: endpoint },
          { name: 'other', handler: endpoint },
        ],
        hedge: { after: 500, maxExtra: 1 },
      })
      const target = { endpoints: [{ paid: { provider: 'anthropic' } }], model: undefined } as never
      const chain = compose(
        [ledger.calls, budgets.calls([target]), retry({ attempts: 3, baseDelay: 10 })],
        routing.handler,
      )
      const clients = new Map<string, Client>()
      const clientOf = (name: string): Client => {
        const known =
          clients.get(name) ??
          ({ name, budgets: limits(amount).filter(({ id }) => id === name) } as unknown as Client)
        clients.set(name, known)
        return known
      }
      const running: Promise<unknown>[] = []
      for (const { after, client, attempts, leaves, step, isReplaced } of calls) {
        await clock.advance(after)
        if (step !== undefined) clock.step(step)
        plans = [...plans, ...attempts]
        const leaving = new AbortController()
        const request = recordCall(
          createRequest({
            ...{ api: 'anthropic', model, stream: true, url: '/v1/messages', clock },
            body: jsonBodyFromObject({
              model,
              max_tokens: 2_000,
              messages: [{ role: 'user', content: 'Hi' }],
            }),
            signal: leaving.signal,
            context: { tenant: client, budgeted: budgets.begin(clientOf(client), client) },
          }),
        )
        running.push(
          chain(request).then(
            ({ outcome }) => outcome,
            () => undefined,
          ),
        )
        if (leaves !== undefined) clock.setTimer(leaves, () => leaving.abort(new Error('left')))
        if (isReplaced) clients.delete(client)
      }
      const all = Promise.all(running)
      await clock.runUntil(all)
      await clock.advance(60_000)
      await ledger.flush()
      routing.close()

      const booked = rows.reduce(
        (sum, { table, row }) => (table === 'attempts' ? sum + (row.cost_nano ?? 0) : sum),
        0,
      )
      const charged = [...watch.settled.values()].flat()
      expect([...watch.settled.keys()].sort()).toEqual([...watch.reserved.keys()].sort())
      expect(charged).toHaveLength(watch.settled.size)
      expect(charged.reduce((sum, { amounts }) => sum + (amounts[0] ?? 0), 0)).toBe(booked)
      expect(watch.highest).toBeLessThanOrEqual(amount + watch.largest)
      const states = await budgets.engine.usage(limits(amount))
      expect(states.map(({ reserved }) => reserved)).toEqual([0, 0])
    }),
    { numRuns: 60 },
  )
}, 60_000)

const calm = {
  latency: 5,
  fails: undefined,
  streaming: 10,
  breaksOff: false,
  lag: 0 as const,
  input: 100,
  output: 100,
} as const
