import type { CancelTimer } from '@spillway/middleware/kit'
import type { VendorLimit } from '@spillway/wire'
import type { Beside, GroupState, Headroom, Lease } from './admission.ts'
import type { LimitLink, Reply } from './limit-link.ts'
import { type Ahead, type Cost, type VendorFeedback, type WindowName, windows } from './limits.ts'
import type { RedisLimitStoreOptions } from './redis-limit-store.ts'
import { type Held, type Seats, SharedBooks, type SharedKey } from './shared-books.ts'
import { amountAlone, amountOf, fitsAlone, leastOf, waitAlone } from './shared-meter.ts'
import { expectedOutput, keyOf, type Passed, readWord, refusalOf, VendorGate } from './vendor-gate.ts'

/** How often a process asks again while others hold all places, in milliseconds; each time a bit different. */
const pollEvery = 50

/** How often a process asks again while calls of others may settle, in milliseconds; each time a bit different. */
const settledEvery = 250

/** As long a time as the script is told, in milliseconds: it knows no Infinity. */
const longestTime = 1e12

/** One limit group of a key over all processes. */
export class SharedGroup {
  readonly #link: LimitLink
  readonly #settings: Required<RedisLimitStoreOptions>
  readonly #maxRetryAfter: number
  readonly #books: SharedBooks
  readonly #released: () => void
  readonly #isAwaited: () => boolean
  /** What the vendor has said to this process: what it keeps to while Redis is unavailable. */
  readonly #gate = new VendorGate()
  /** When there will be capacity for the call that was last told to wait. */
  #roomAt = -Infinity
  /** The same if all calls in flight settled at once. */
  #soonestAt = -Infinity
  #cancelPoll: CancelTimer | undefined

  /** @param isAwaited whether a call waits for released capacity */
  constructor(
    of: SharedKey & { readonly group: string },
    seats: Seats,
    released: () => void,
    isAwaited: () => boolean,
  ) {
    this.#link = of.link
    this.#settings = of.settings
    this.#maxRetryAfter = of.rules.maxRetryAfter
    this.#books = new SharedBooks(of, seats)
    this.#released = released
    this.#isAwaited = isAwaited
  }

  tryAcquire(cost: Cost, now: number, beside?: Beside): Lease | undefined | Promise<Lease | undefined> {
    if (this.#link.isUp) return this.#acquire(cost, beside)
    if (this.#link.isProbeDue()) this.#books.report().catch(() => {})
    return this.#acquireAlone(cost, now, beside)
  }

  async #acquire(cost: Cost, beside?: Beside): Promise<Lease | undefined> {
    const { clock } = this.#settings
    const books = this.#books
    try {
      const isRecovering = (): boolean => clock.now() < books.aloneUntil
      if (books.wasAlone && !isRecovering()) await books.report()
      if (isRecovering()) return this.#acquireAlone(cost, clock.now(), beside)
      const id = books.nextId()
      const { inputTokens, outputTokens, predicted } = cost
      const wanted = {
        lease: id,
        cost: { inputTokens, outputTokens, predicted },
        expected: expectedOutput(cost),
        amounts: books.meters.map((meter) => amountOf(meter, cost)),
        least: books.meters.map((meter) => leastOf(meter, cost)),
        beside: beside && this.#told(beside, cost),
      }
      const late = (reply: Reply): void => books.giveBack(id, cost, reply)
      let reply = await books.run('acquire', wanted, late)
      if (reply.status === 'lost') {
        await books.recover(reply.epoch)
        if (isRecovering()) return this.#acquireAlone(cost, clock.now(), beside)
        reply = await books.run('acquire', wanted, late)
      }
      books.rejoin()
      this.#gate.agree(clock.now() + (reply.closed ?? 0), clock.now())
      if (reply.status === 'ok') {
        const { now: at, amounts, passed } = reply
        return this.#admit({ id, at, amounts, cost, passed, isReported: true })
      }
      if (beside === undefined) this.#noteWait(reply)
      return undefined
    } catch {
      return this.#acquireAlone(cost, clock.now(), beside)
    }
  }

  /** A call of another group needs nothing but a place. */
  #told({ cost, by, isHoping }: Beside, passing: Cost): object {
    if ((cost.group ?? '') !== (passing.group ?? '')) return {}
    const inMs = Math.min(by - this.#settings.clock.now(), longestTime)
    return { cost, amounts: this.#books.meters.map((meter) => amountOf(meter, cost)), inMs, isHoping }
  }

  #noteWait({ status, wait, soonest, inFlight }: Reply): void {
    const { clock } = this.#settings
    const now = clock.now()
    this.#roomAt = now + (status === 'wait' ? wait : pollEvery * (0.5 + clock.random()))
    this.#soonestAt = status === 'wait' ? now + soonest : this.#roomAt
    this.#cancelPoll?.()
    // Calls of other processes settle without a word to this one.
    const isHopeful = this.#soonestAt < this.#roomAt && inFlight > this.#books.seats.held
    if (isHopeful && this.#isAwaited())
      this.#cancelPoll = clock.setTimer(settledEvery * (0.5 + clock.random()), () => this.#released())
  }

  #acquireAlone(cost: Cost, now: number, beside?: Beside): Lease | undefined {
    const { offset, seats, concurrency, meters, processes } = this.#books
    const at = now + offset
    const needed = beside === undefined ? 1 : 2
    if (seats.held + needed > Math.min(seats.places, concurrency)) return undefined
    if (!this.#gate.isOpenTo(cost, now)) return undefined
    const amounts = meters.map((meter) => amountAlone(meter, cost, processes))
    const isFitting = meters.every((meter, index) => {
      const other = beside === undefined ? 0 : amountAlone(meter, beside.cost, processes)
      return fitsAlone(meter, (amounts[index] as number) + other, processes, at)
    })
    if (!isFitting) return undefined
    const id = this.#books.nextId()
    const alone = this.#gate.pass(cost, now)
    const held = { id, at, amounts, cost, passed: undefined, isReported: false }
    return this.#admit(held, alone)
  }

  #admit(held: Held, alone?: Passed): Lease {
    this.#books.enter(held)
    return {
      observe: (answer, now) => this.#hear(held, answer, now, alone),
      settle: (actual, now) => {
        if (!this.#books.settle(held, actual)) return
        if (alone !== undefined) this.#gate.settle(alone, held.cost, actual, now)
        this.#released()
      },
    }
  }

  #hear({ cost, passed }: Held, answer: VendorFeedback, now: number, alone?: Passed): void {
    const { limits, isSuccess } = answer
    // Calls that Redis has admitted are not known to this gate: what was heard last counts, and Redis says what opens.
    const known = alone ?? this.#gate.latest(now)
    const heard = alone === undefined ? { ...answer, isSuccess: false } : answer
    if (this.#gate.hear(known, cost, heard, now, this.#maxRetryAfter)) this.#released()
    const refusal = refusalOf(cost, answer, this.#maxRetryAfter)
    if (limits.length > 0 || refusal.closeMs !== undefined || (isSuccess && passed?.isProbe))
      this.#tell('hear', { limits: wordsOf(limits), ...refusal, isSuccess, passed })
  }

  #tell(operation: string, args: object): void {
    this.#books.run(operation, { ...args }).then(
      ({ opened }) => {
        if (opened !== true) return
        this.#gate.open()
        this.#roomAt = -Infinity
        this.#soonestAt = -Infinity
        this.#released()
      },
      () => {},
    )
  }

  timeUntil(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#timeUntil(cost, now, ahead, this.#roomAt)
  }

  soonest(cost: Cost, now: number, ahead?: Ahead): number {
    return this.#timeUntil(cost, now, ahead, this.#soonestAt)
  }

  /** No call waits for released capacity. */
  rest(): void {
    this.#cancelPoll?.()
    this.#cancelPoll = undefined
  }

  #timeUntil(cost: Cost, now: number, ahead: Ahead | undefined, toldAt: number): number {
    const { offset, aloneUntil, meters, processes } = this.#books
    const at = now + offset
    const isAlone = !this.#link.isUp || now < aloneUntil
    const told = isAlone ? 0 : toldAt - now
    let wait = Math.max(0, told, isAlone ? this.#gate.timeUntil(cost, now, ahead) : 0)
    for (const meter of meters) {
      const before = ahead === undefined ? 0 : windows[meter.name].ofAll(ahead)
      const alone = isAlone ? waitAlone(meter, amountAlone(meter, cost, processes), processes, at) : 0
      wait = Math.max(wait, Math.max(told, alone) + (before / meter.limit) * meter.ms)
    }
    return wait
  }

  closeUntil(at: number, now: number): void {
    const closeMs = Math.min(Math.max(0, at - now), this.#maxRetryAfter)
    this.#gate.close(now + closeMs, now)
    this.#tell('hear', { limits: [], lacking: [], closeMs, isSuccess: false })
  }

  open(): void {
    this.#gate.open()
    this.#roomAt = -Infinity
    this.#soonestAt = -Infinity
    this.#tell('open', {})
    this.#released()
  }

  learn(name: WindowName, vendor: Omit<VendorLimit, 'dimension'>, now: number): void {
    this.#gate.tell(name, vendor, now)
    this.#tell('hear', { limits: wordsOf([{ name, ...vendor }]), lacking: [], isSuccess: false })
  }

  windows(now: number): Headroom {
    const { meters, offset } = this.#books
    const at = now + offset
    return Object.fromEntries(
      meters.map(({ name, known, away, limit }) => [
        name,
        { used: known.spent(at) + (away?.spent.spent(at) ?? 0), limit },
      ]),
    )
  }

  state(now: number): Omit<GroupState, 'group'> {
    const closedMs = Math.max(0, this.#gate.closedUntil - now)
    return { headroom: this.windows(now), closedMs, vendor: this.#gate.words(now) }
  }

  isIdle(now: number): boolean {
    return this.#books.isIdle(now) && this.#gate.isIdle(now)
  }

  close(): void {
    this.rest()
    this.#books.close()
  }
}

/** What the vendor says, as the script takes it. */
function wordsOf(limits: VendorFeedback['limits']): object[] {
  return limits.flatMap(({ name, limit, resetMs, ...more }) => {
    const { remaining, refill } = readWord({ limit, resetMs, ...more })
    if (remaining === Infinity) return []
    return [{ key: keyOf(name, more.periodMs), name, limit, resetMs, remaining, refill }]
  })
}
