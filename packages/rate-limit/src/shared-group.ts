import type { VendorLimit } from '@spillway/wire'
import type { GroupState, Headroom, Lease } from './admission.ts'
import type { LimitLink, Reply } from './limit-link.ts'
import type { Cost, VendorAnswer, WindowName } from './limits.ts'
import type { RedisLimitStoreOptions } from './redis-limit-store.ts'
import { type Held, type Seats, SharedBooks, type SharedKey } from './shared-books.ts'
import { amountAlone, amountOf, fitsAlone, waitAlone } from './shared-meter.ts'
import { expectedOutput, keyOf, type Passed, readWord, refusalOf, VendorGate } from './vendor-gate.ts'

/** How often a process asks again while others hold all places, in milliseconds; each time a bit different. */
const pollEvery = 50

/** One limit group of a key over all processes. */
export class SharedGroup {
  readonly #link: LimitLink
  readonly #settings: Required<RedisLimitStoreOptions>
  readonly #maxClosure: number
  readonly #books: SharedBooks
  readonly #released: () => void
  /** What the vendor has said to this process: what it keeps to while Redis is away. */
  readonly #gate = new VendorGate()
  /** When there will be capacity for the call that was last told to wait. */
  #roomAt = -Infinity

  constructor(of: SharedKey & { readonly group: string }, seats: Seats, released: () => void) {
    this.#link = of.link
    this.#settings = of.settings
    this.#maxClosure = of.rules.maxClosure
    this.#books = new SharedBooks(of, seats)
    this.#released = released
  }

  tryAcquire(cost: Cost, now: number): Lease | undefined | Promise<Lease | undefined> {
    if (this.#link.isUp) return this.#acquire(cost)
    if (this.#link.isProbeDue()) this.#books.report().catch(() => {})
    return this.#acquireAlone(cost, now)
  }

  async #acquire(cost: Cost): Promise<Lease | undefined> {
    const { clock } = this.#settings
    const books = this.#books
    try {
      const isRecovering = (): boolean => clock.now() < books.aloneUntil
      if (books.wasAlone && !isRecovering()) await books.report()
      if (isRecovering()) return this.#acquireAlone(cost, clock.now())
      const id = books.nextId()
      const { inputTokens, outputTokens } = cost
      const wanted = {
        lease: id,
        cost: { inputTokens, outputTokens },
        expected: expectedOutput(cost),
        amounts: books.meters.map((meter) => amountOf(meter, cost)),
      }
      const late = (reply: Reply): void => books.giveBack(id, cost, reply)
      let reply = await books.run('acquire', wanted, late)
      if (reply.status === 'lost') {
        await books.recover(reply.epoch)
        if (isRecovering()) return this.#acquireAlone(cost, clock.now())
        reply = await books.run('acquire', wanted, late)
      }
      books.rejoin()
      this.#gate.agree(clock.now() + (reply.closed ?? 0), clock.now())
      if (reply.status === 'ok') {
        const { now: at, amounts, passed } = reply
        return this.#admit({ id, at, amounts, cost, passed, isReported: true })
      }
      const poll = pollEvery * (0.5 + clock.random())
      this.#roomAt = clock.now() + (reply.status === 'wait' ? reply.wait : poll)
      return undefined
    } catch {
      return this.#acquireAlone(cost, clock.now())
    }
  }

  #acquireAlone(cost: Cost, now: number): Lease | undefined {
    const { offset, seats, concurrency, meters, processes } = this.#books
    const at = now + offset
    if (seats.held >= Math.min(seats.places, concurrency)) return undefined
    if (!this.#gate.isOpenTo(cost, now)) return undefined
    const amounts = meters.map((meter) => amountAlone(meter, cost, processes))
    if (!meters.every((meter, index) => fitsAlone(meter, amounts[index] as number, processes, at))) {
      return undefined
    }
    const id = this.#books.nextId()
    const alone = this.#gate.pass(cost, now)
    const held = { id, at, amounts, cost, passed: undefined, isReported: false }
    return this.#admit(held, alone)
  }

  #admit(held: Held, alone?: Passed): Lease {
    this.#books.enter(held)
    return {
      hear: (answer, now) => this.#hear(held, answer, now, alone),
      settle: (actual, now) => {
        if (!this.#books.settle(held, actual)) return
        if (alone !== undefined) this.#gate.settle(alone, held.cost, actual, now)
        this.#released()
      },
    }
  }

  #hear({ cost, passed }: Held, answer: VendorAnswer, now: number, alone?: Passed): void {
    const { limits, isSuccess } = answer
    // Calls that Redis has admitted are not known to this gate: what was heard last counts, and Redis says what opens.
    const known = alone ?? this.#gate.latest(now)
    const heard = alone === undefined ? { ...answer, isSuccess: false } : answer
    if (this.#gate.hear(known, cost, heard, now, this.#maxClosure)) this.#released()
    const refusal = refusalOf(cost, answer, this.#maxClosure)
    if (limits.length > 0 || refusal.closeMs !== undefined || (isSuccess && passed?.isProbe))
      this.#tell('hear', { limits: wordsOf(limits), ...refusal, isSuccess, passed })
  }

  #tell(operation: string, args: object): void {
    this.#books.run(operation, { ...args }).then(
      ({ opened }) => {
        if (opened !== true) return
        this.#gate.open()
        this.#roomAt = -Infinity
        this.#released()
      },
      () => {},
    )
  }

  timeUntil(cost: Cost, now: number, before: readonly Cost[]): number {
    const { offset, aloneUntil, meters, processes } = this.#books
    const at = now + offset
    const isAlone = !this.#link.isUp || now < aloneUntil
    const told = isAlone ? 0 : this.#roomAt - now
    let wait = Math.max(0, told, isAlone ? this.#gate.timeUntil(cost, now, before) : 0)
    for (const meter of meters) {
      const ahead = before.reduce((sum, other) => sum + amountAlone(meter, other, 1), 0)
      const alone = isAlone ? waitAlone(meter, amountAlone(meter, cost, processes), processes, at) : 0
      wait = Math.max(wait, Math.max(told, alone) + (ahead / meter.limit) * meter.ms)
    }
    return wait
  }

  closeUntil(at: number, now: number): void {
    const closeMs = Math.min(Math.max(0, at - now), this.#maxClosure)
    this.#gate.close(now + closeMs, now)
    this.#tell('hear', { limits: [], lacking: [], closeMs, isSuccess: false })
  }

  open(): void {
    this.#gate.open()
    this.#roomAt = -Infinity
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
    this.#books.close()
  }
}

/** What the vendor says, as the script takes it. */
function wordsOf(limits: VendorAnswer['limits']): object[] {
  return limits.flatMap(({ name, limit, resetMs, ...more }) => {
    const { remaining, refill } = readWord({ limit, resetMs, ...more })
    if (remaining === Infinity) return []
    return [{ key: keyOf(name, more.periodMs), name, limit, resetMs, remaining, refill }]
  })
}
