import { createHash } from 'node:crypto'
import type { Clock } from '@spillway/middleware'
import { limitScript } from './limit-script.ts'
import type { RedisClient } from './redis-limit-store.ts'
import type { Passed } from './vendor-gate.ts'

/** What the script answers. Times are Redis's, in milliseconds since the Unix epoch. */
export interface Reply {
  readonly status: 'ok' | 'wait' | 'full' | 'lost'
  /** Changes when Redis has lost its data. */
  readonly epoch: string
  readonly now: number
  /** Milliseconds until the windows have capacity; with status `wait`. */
  readonly wait: number
  /** The same if all calls in flight settled now, at the least that they may take; with status `wait`. */
  readonly soonest: number
  /** Processes that have been heard of lately. */
  readonly members: number
  /** Calls in flight, of all processes. */
  readonly inFlight: number
  /** Of a call that was admitted: its number among those of its group, and the input tokens that all up to it have asked for. */
  readonly passed?: Passed | undefined
  /** Milliseconds until a vendor's 429 ends; 0 where there is none. */
  readonly closed?: number | undefined
  /** Whether what a call has heard has opened something. */
  readonly opened?: boolean | undefined
  /** What an admission has taken, what is spent, and what the limits are; for each window. */
  readonly amounts: readonly number[]
  readonly totals: readonly number[]
  readonly limits: readonly number[]
}

/**
 * A timer that is late by more says that this process was blocked, in milliseconds. So long it looks again: timers come before what has been
 * received, and an answer that has come meanwhile is not missed.
 */
const standstill = 20

const digest = createHash('sha1').update(limitScript).digest('hex')

/**
 * The way to Redis, for all limits of a store. It is down from the first operation that fails or takes too long, until
 * one succeeds.
 */
export class LimitLink {
  readonly clock: Clock
  readonly #redis: RedisClient
  readonly #timeout: number
  readonly #listeners = new Set<(isUp: boolean) => void>()
  #isUp = true
  #probeAt = 0

  constructor(redis: RedisClient, timeout: number, clock: Clock) {
    this.#redis = redis
    this.#timeout = timeout
    this.clock = clock
    redis.on?.('close', () => this.#set(false))
    redis.on?.('ready', () => this.#set(true))
  }

  get isUp(): boolean {
    return this.#isUp
  }

  onChange(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether the caller should probe if it is up again. True for one caller in a while. */
  isProbeDue(): boolean {
    const now = this.clock.now()
    if (now < this.#probeAt) return false
    this.#probeAt = now + 2 * this.#timeout
    return true
  }

  /**
   * Runs one operation.
   * @param late called with a reply that comes after this has given up on it
   * @throws when Redis is unavailable or slow
   */
  run(
    operation: string,
    keys: readonly string[],
    args: object,
    late?: (reply: Reply) => void,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const giveUp = (): void => {
        isLate = true
        this.#set(false)
        reject(new Error(`Redis has not answered within ${this.#timeout} ms`))
      }
      const askedAt = this.clock.now()
      let cancel = this.clock.setTimer(this.#timeout, () => {
        if (this.clock.now() - askedAt < this.#timeout + standstill) return giveUp()
        cancel = this.clock.setTimer(standstill, giveUp)
      })
      this.#evaluate(keys, [operation, JSON.stringify(args)]).then(
        (answer) => {
          cancel()
          const reply = replyOf(String(answer))
          if (isLate) return late?.(reply)
          this.#set(true)
          resolve(reply)
        },
        (error: unknown) => {
          cancel()
          if (!isLate) this.#set(false)
          reject(error)
        },
      )
    })
  }

  async #evaluate(keys: readonly string[], args: readonly string[]): Promise<unknown> {
    try {
      return await this.#redis.evalsha(digest, keys.length, ...keys, ...args)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return this.#redis.eval(limitScript, keys.length, ...keys, ...args)
    }
  }

  #set(isUp: boolean): void {
    if (isUp === this.#isUp) return
    this.#isUp = isUp
    this.#probeAt = this.clock.now() + 2 * this.#timeout
    for (const listener of this.#listeners) listener(isUp)
  }
}

/** Lua has one kind of table: an empty list comes as `{}`. */
function replyOf(json: string): Reply {
  const reply = JSON.parse(json) as Reply
  const { amounts = [], totals = [], limits = [] } = reply
  const list = (values: readonly number[]): number[] => Object.values(values)
  return { ...reply, amounts: list(amounts), totals: list(totals), limits: list(limits) }
}
