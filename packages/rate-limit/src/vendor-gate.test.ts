import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lease } from './admission.ts'
import { Limiter } from './limiter.ts'
import type { Cost, Limits, VendorFeedback, WindowName } from './limits.ts'
import { readWord, VendorGate } from './vendor-gate.ts'

const small: Cost = { inputTokens: 10, outputTokens: 5 }
const nothing: VendorFeedback = { limits: [], isSuccess: true }
const input = (remaining: number, resetMs: number, limit: number | undefined = 60_000): VendorFeedback => ({
  limits: [{ name: 'inputTokensPerMinute', limit, remaining, resetMs }],
  isSuccess: true,
})
const asking = (inputTokens: number): Cost => ({ inputTokens, outputTokens: 0 })

describe('what comes back', () => {
  it.each([
    ['a steady minute', { limit: 60_000, remaining: 30_000, resetMs: 30_000 }, 30_000, 1],
    ['a minute in whole seconds', { limit: 60_000, remaining: 57_000, resetMs: 4_000 }, 57_000, 1],
    ['little of it used', { limit: 60_000, remaining: 59_000, resetMs: 1_000 }, 59_000, 1],
    ['nothing of it used', { limit: 60_000, remaining: 60_000, resetMs: 30_000 }, 60_000, 1],
    ['a reset that has passed', { limit: 60_000, remaining: 10, resetMs: 0 }, 60_000, 1],
    ['a pool that is overdrawn by a quarter', { limit: 60_000, remaining: 0, resetMs: 75_000 }, -15_000, 1],
    ['a fixed minute near its end', { limit: 100, remaining: 20, resetMs: 8_000 }, 20, 0.01],
    ['a day', { limit: 1_000, remaining: 942, resetMs: 58 * 86_400 }, 942, 1 / 86_400],
    ['a day that is spent', { limit: 1_000, remaining: 0, resetMs: 86_400_000 }, 0, 1 / 86_400],
    ['no limit', { limit: undefined, remaining: 5, resetMs: 9_000 }, 5, 0],
    ['no limit, and it has passed', { limit: undefined, remaining: 5, resetMs: 0 }, Infinity, 0],
  ])('of %s', (_, vendor, remaining, refill) => {
    const read = readWord(vendor)
    expect(read.remaining).toBe(remaining)
    expect(read.refill).toBeCloseTo(refill, 9)
  })
})

describe('an answer', () => {
  it('is of the time when its call was sent: what has come back since is there', () => {
    const gate = new VendorGate()
    const first = gate.pass(asking(1_000), 0)
    gate.hear(first, asking(1_000), input(0, 60_000), 10_000, 1e9)
    expect(gate.timeUntil(asking(10_000), 10_000)).toBe(0)
    expect(gate.timeUntil(asking(10_001), 10_000)).toBe(1)
    expect(gate.timeUntil(asking(20_000), 10_000)).toBe(10_000)
    expect(gate.timeUntil(asking(20_000), 10_000, { calls: 1, ...asking(5_000) })).toBe(15_000)
  })

  it('of an older call says what there is at most', () => {
    const gate = new VendorGate()
    const [older, newer] = [gate.pass(asking(0), 0), gate.pass(asking(0), 0)]
    gate.hear(newer, asking(0), input(30_000, 30_000), 0, 1e9)
    gate.hear(older, asking(0), input(50_000, 10_000), 0, 1e9)
    expect(gate.words(0)).toMatchObject([{ remaining: 30_000 }])
    gate.hear(older, asking(0), input(10_000, 50_000), 5_000, 1e9)
    expect(gate.words(5_000)).toMatchObject([{ remaining: 15_000 }])
  })

  it('that refuses a call for what is left, rounded up to thousands, stops none that asks less', () => {
    const gate = new VendorGate()
    const large = gate.pass(asking(20_800), 0)
    const refused = { closedMs: 30_000, isSuccess: false }
    gate.hear(large, asking(20_800), { ...input(21_000, 39_000), ...refused }, 0, 1e9)
    gate.settle(large, asking(20_800), asking(0), 0)
    expect(gate.timeUntil(asking(20_000), 0)).toBe(0)
    expect(gate.timeUntil(asking(20_800), 0)).toBe(30_000)
    // What rounding does not explain closes the pool.
    const other = new VendorGate()
    const small = other.pass(asking(19_000), 0)
    other.hear(small, asking(19_000), { ...input(21_000, 39_000), ...refused }, 0, 1e9)
    expect(other.timeUntil(asking(1), 0)).toBe(30_000)
  })

  it('that refuses a large call for what is left stops none that asks less', () => {
    const gate = new VendorGate()
    const large = gate.pass(asking(40_000), 0)
    gate.hear(large, asking(40_000), { ...input(20_000, 40_000), closedMs: 30_000, isSuccess: false }, 0, 1e9)
    expect(gate.isOpenTo(asking(20_000), 0)).toBe(true)
    // Longer than by what comes back: the vendor has said so.
    expect(gate.timeUntil(asking(40_000), 0)).toBe(30_000)
    expect(gate.timeUntil(asking(39_000), 0)).toBe(19_000)
    expect(gate.isOpenTo(asking(40_000), 30_000)).toBe(true)
    expect(gate.closedUntil).toBe(-Infinity)
  })

  it.each([
    ['with enough left', input(50_000, 10_000)],
    ['that tells of no limit', nothing],
  ])('that refuses a call %s stops all', (_, answer) => {
    const gate = new VendorGate()
    const large = gate.pass(asking(40_000), 0)
    gate.hear(large, asking(40_000), { ...answer, closedMs: 30_000, isSuccess: false }, 0, 1e9)
    expect([gate.isOpenTo(asking(1), 29_999), gate.isOpenTo(asking(1), 30_000)]).toEqual([false, true])
  })

  it('that there is no limit for is kept to its reset, and no longer', () => {
    const gate = new VendorGate()
    gate.tell('requestsPerMinute', { limit: undefined, remaining: 1, resetMs: 30_000 }, 0)
    gate.pass(small, 0)
    expect([gate.timeUntil(small, 0), gate.timeUntil(small, 30_000)]).toEqual([30_000, 0])
    expect(gate.words(30_000)).toEqual([])
  })

  it('is kept for five minutes after its reset, since others may be using the pool', () => {
    const gate = new VendorGate()
    gate.tell('requestsPerMinute', { limit: 10, remaining: 10, resetMs: 60_000 }, 0)
    for (let call = 0; call < 15; call++) gate.pass(small, 60_000)
    expect(gate.timeUntil(small, 60_000)).toBeGreaterThan(0)
    expect(gate.timeUntil(small, 360_000)).toBe(0)
    expect(gate.words(360_000)).toEqual([])
  })
})

it('a call that is estimated larger than the whole pool needs half of it', () => {
  const gate = new VendorGate()
  gate.tell('inputTokensPerMinute', { limit: 60_000, remaining: 20_000, resetMs: 40_000 }, 0)
  expect(gate.timeUntil(asking(90_000), 0)).toBe(10_000)
})

it('a call that has taken less than it asked, or nothing, leaves the rest', () => {
  const gate = new VendorGate()
  gate.tell('inputTokensPerMinute', { limit: 60_000, remaining: 20_000, resetMs: 40_000 }, 0)
  const calls = [10_000, 10_000].map((each) => gate.pass(asking(each), 0))
  expect(gate.words(0)).toMatchObject([{ remaining: 0 }])
  gate.settle(calls[0] as never, asking(10_000), asking(4_000), 0)
  expect(gate.words(0)).toMatchObject([{ remaining: 6_000 }])
  gate.settle(calls[1] as never, asking(10_000), undefined, 0)
  expect(gate.words(0)).toMatchObject([{ remaining: 16_000 }])
})

it('a clock that is set back gives nothing back', () => {
  const gate = new VendorGate()
  gate.tell('inputTokensPerMinute', { limit: 60_000, remaining: 0, resetMs: 60_000 }, 100_000)
  expect(gate.words(110_000)).toMatchObject([{ remaining: 10_000 }])
  expect(gate.words(50_000)).toMatchObject([{ remaining: 10_000 }])
  expect(gate.words(110_000)).toMatchObject([{ remaining: 10_000 }])
})

describe('a closure', () => {
  it('ends early for a call that was sent after it and names less', () => {
    const gate = new VendorGate()
    const refused = gate.pass(small, 0)
    gate.close(500_000, 0, refused)
    expect(gate.isOpenTo(small, 59_999)).toBe(false)
    const probe = gate.pass(small, 60_000)
    expect(probe.isProbe).toBe(true)
    gate.close(65_000, 60_000, probe)
    expect([gate.isOpenTo(small, 64_999), gate.isOpenTo(small, 65_000)]).toEqual([false, true])
  })

  it('lasts as long as the longest of those that are refused together', () => {
    const gate = new VendorGate()
    const calls = [0, 1, 2].map(() => gate.pass(small, 0))
    for (const [index, until] of [20_000, 40_000, 10_000].entries()) gate.close(until, 1_000, calls[index])
    expect(gate.closedUntil).toBe(40_000)
  })

  it('is not ended by the success of a call that was sent before it', () => {
    const gate = new VendorGate()
    const [before, refused] = [gate.pass(small, 0), gate.pass(small, 0)]
    gate.close(30_000, 0, refused)
    expect(gate.succeed(before as never, 1_000)).toBe(false)
    expect(gate.closedUntil).toBe(30_000)
  })

  it('of others is taken over, and so is its end', () => {
    const gate = new VendorGate()
    gate.agree(30_000, 0)
    expect(gate.isOpenTo(small, 0)).toBe(false)
    gate.agree(20_000, 0)
    expect(gate.closedUntil).toBe(30_000)
    gate.agree(0, 0)
    expect(gate.isOpenTo(small, 0)).toBe(true)
  })
})

it('is idle when it would limit nobody if it were forgotten', () => {
  const gate = new VendorGate()
  expect(gate.isIdle(0)).toBe(true)
  const call = gate.pass(small, 0)
  expect(gate.isIdle(0)).toBe(false)
  gate.settle(call, small, small, 0)
  expect(gate.isIdle(0)).toBe(true)
  gate.tell('requestsPerMinute', { limit: 10, remaining: 9, resetMs: 6_000 }, 0)
  expect([gate.isIdle(5_999), gate.isIdle(6_000)]).toEqual([false, true])
  gate.close(10_000, 6_000)
  expect([gate.isIdle(9_999), gate.isIdle(10_000)]).toEqual([false, true])
})

const names: readonly WindowName[] = ['requestsPerMinute', 'inputTokensPerMinute', 'outputTokensPerMinute']

it('whatever vendors say, no limit of our own is ever exceeded', () => {
  const word = fc.record({
    name: fc.constantFrom(...names),
    limit: fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: undefined }),
    remaining: fc.nat(1_000_000),
    resetMs: fc.oneof(fc.nat(120_000), fc.constant(24 * 86_400_000)),
    periodMs: fc.option(fc.constantFrom(60_000, 86_400_000), { nil: undefined }),
  })
  const step = fc.record({
    gap: fc.nat(5_000),
    cost: fc.record({ inputTokens: fc.nat(120), outputTokens: fc.nat(80) }),
    group: fc.constantFrom('opus', 'haiku'),
    answer: fc.option(
      fc.record({
        limits: fc.array(word, { maxLength: 4 }),
        closedMs: fc.option(fc.oneof(fc.nat(90_000), fc.constant(1e12)), { nil: undefined }),
        isSuccess: fc.boolean(),
      }),
    ),
    settles: fc.boolean(),
    opens: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
      const limits: Limits = {
        requestsPerMinute: 12,
        inputTokensPerMinute: 500,
        outputTokensPerMinute: 300,
        concurrency: 6,
      }
      const limiter = new Limiter(limits)
      const admitted: { at: number; group: string; cost: Cost }[] = []
      const held: { lease: Lease; cost: Cost }[] = []
      let now = 0
      for (const { gap, cost, group, answer, settles, opens } of steps) {
        now += gap
        const lease = limiter.tryAcquire({ ...cost, group }, now)
        if (lease !== undefined) {
          admitted.push({ at: now, group, cost })
          held.push({ lease, cost })
        }
        if (answer !== null) held.at(-1)?.lease.observe?.(answer, now)
        if (opens && answer === null) limiter.open()
        const ended = settles ? held.shift() : undefined
        ended?.lease.settle(ended.cost, now)
        const lately = admitted.filter((each) => each.group === group && each.at > now - 60_000)
        const sum = (of: (cost: Cost) => number): number =>
          lately.reduce((all, each) => all + of(each.cost), 0)
        expect(held.length).toBeLessThanOrEqual(6)
        expect(lately.length).toBeLessThanOrEqual(12)
        expect(sum(({ inputTokens }) => inputTokens)).toBeLessThanOrEqual(500)
        expect(sum(({ outputTokens }) => outputTokens)).toBeLessThanOrEqual(300)
      }
    }),
  )
})

/** A pool of a vendor: a bucket that is refilled steadily, and tells of itself as of when a call came. */
class Pool {
  readonly #limit: number
  #level: number
  #at = 0

  constructor(limit: number) {
    this.#limit = limit
    this.#level = limit
  }

  level(now: number): number {
    this.#level = Math.min(this.#limit, this.#level + ((now - this.#at) * this.#limit) / 60_000)
    this.#at = now
    return this.#level
  }

  take(amount: number, now: number): void {
    this.#level = this.level(now) - amount
  }

  says(now: number): { limit: number; remaining: number; resetMs: number } {
    const level = this.level(now)
    const resetMs = ((this.#limit - level) * 60_000) / this.#limit
    return { limit: this.#limit, remaining: Math.max(0, Math.floor(level)), resetMs }
  }
}

it('nobody is refused while our limits and the vendor both have capacity, however answers are delayed and whatever others take', () => {
  const step = fc.record({
    gap: fc.oneof(fc.nat(50), fc.nat(8_000)),
    asked: fc.integer({ min: 1, max: 20_000 }),
    others: fc.oneof(fc.constant(0), fc.nat(30_000)),
    answers: fc.array(fc.nat(20), { maxLength: 3 }),
  })
  let [admitted, refusedByVendor] = [0, 0]
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 150 }), (steps) => {
      const [requests, tokens] = [new Pool(50), new Pool(100_000)]
      const limits = { requestsPerMinute: 40, inputTokensPerMinute: 90_000 }
      const limiter = new Limiter(limits)
      const pending: { lease: Lease; asked: number; cost: Cost; answer: VendorFeedback }[] = []
      const named: { asked: number; until: number }[] = []
      let now = 0
      for (const { gap, asked, others, answers } of steps) {
        now += gap
        tokens.take(Math.min(others, tokens.level(now)), now)
        const cost = asking(asked)
        const { requestsPerMinute, inputTokensPerMinute } = limiter.headroom(now)
        const ours =
          (requestsPerMinute?.used ?? 0) < 40 && (inputTokensPerMinute?.used ?? 0) + asked <= 90_000
        // Of a refusal that is still on its way, nobody can know here: it counts as taken.
        const unheard = pending.filter(({ answer }) => !answer.isSuccess)
        const untold = unheard.reduce((sum, { asked }) => sum + asked, 0)
        const theirs = requests.level(now) >= 1.01 + unheard.length && tokens.level(now) >= asked + 1 + untold
        const lease = limiter.tryAcquire(cost, now)
        const isNamed = named.some((wait) => asked >= wait.asked && now < wait.until)
        if (ours && theirs && !isNamed) expect(lease).toBeDefined()
        if (!ours) expect(lease).toBeUndefined()
        if (lease !== undefined) {
          admitted++
          const wait = Math.max(
            0,
            ((asked - tokens.level(now)) * 60_000) / 100_000,
            (1 - requests.level(now)) * 1_200,
          )
          if (wait === 0) {
            requests.take(1, now)
            tokens.take(asked, now)
          } else refusedByVendor++
          const said: VendorFeedback['limits'] = [
            { name: 'requestsPerMinute', ...requests.says(now) },
            { name: 'inputTokensPerMinute', ...tokens.says(now) },
          ]
          const answer = { limits: said, closedMs: wait === 0 ? undefined : wait, isSuccess: wait === 0 }
          pending.push({ lease, asked, cost: wait === 0 ? cost : asking(0), answer })
        }
        for (const which of answers) {
          const [next] = pending.splice(which % Math.max(1, pending.length), 1)
          if (next === undefined) continue
          const { closedMs } = next.answer
          // Such a call waits for as long as the vendor has named.
          if (closedMs !== undefined) named.push({ asked: next.asked, until: now + closedMs })
          next.lease.observe?.(next.answer, now)
          next.lease.settle(next.cost, now)
        }
      }
    }),
  )
  // Others are heard of with the next answer.
  expect(refusedByVendor / admitted).toBeLessThan(0.2)
})
