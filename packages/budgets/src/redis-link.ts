import { createHash } from 'node:crypto'
import type { Clock } from '@spillway/middleware'
import { budgetScript } from './redis-script.ts'

/** What is needed of a Redis client; an `ioredis` client or cluster has it. */
export interface RedisClient {
  evalsha(digest: string, keys: number, ...rest: string[]): Promise<unknown>
  eval(script: string, keys: number, ...rest: string[]): Promise<unknown>
  /** Tells when the connection is ready and when it is gone: `ready`, `close`. */
  on?(event: string, listener: () => void): unknown
}

/**
 * A timer that is late by more says that this process was blocked, in milliseconds. So long it looks again: timers come before what has been
 * received, and an answer that has come meanwhile is not missed.
 */
const standstill = 20

/** What the script answers. */
export type Reply =
  | { readonly status: 'lost'; readonly epoch: string; readonly now: number }
  | {
      readonly status: 'ok'
      readonly epoch: string
      readonly now: number
      /** Processes that have been heard of lately. */
      readonly members: number
      readonly refused?: number
      /** Of each meter what is used and reserved, and whether it was known before: 0 or 1. */
      readonly states: readonly (readonly string[])[]
    }

const digest = createHash('sha1').update(budgetScript).digest('hex')

/** The way to Redis. It is down from the first operation that fails or takes too long, until one succeeds. */
export interface RedisLink {
  readonly isUp: boolean
  /** Whether an operation should be tried: it is up, or it is time for someone to find out. */
  isWorthTrying(): boolean
  /**
   * @param late called with a reply that comes after this has given up on it
   * @throws when Redis is unavailable or slow
   */
  run(keys: readonly string[], args: object, late?: (reply: Reply) => void): Promise<Reply>
  onChange(listener: (isUp: boolean) => void): () => void
}

export function redisLink(redis: RedisClient, timeout: number, clock: Clock): RedisLink {
  const listeners = new Set<(isUp: boolean) => void>()
  let isUp = true
  let probeAt = 0
  const set = (next: boolean): void => {
    if (next === isUp) return
    isUp = next
    probeAt = clock.now() + 2 * timeout
    for (const listener of listeners) listener(next)
  }
  redis.on?.('close', () => set(false))
  redis.on?.('ready', () => set(true))

  const evaluate = async (keys: readonly string[], json: string): Promise<unknown> => {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, json)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return redis.eval(budgetScript, keys.length, ...keys, json)
    }
  }

  return {
    get isUp() {
      return isUp
    },
    isWorthTrying() {
      if (isUp) return true
      const now = clock.now()
      if (now < probeAt) return false
      probeAt = now + 2 * timeout
      return true
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    run: (keys, args, late) =>
      new Promise((resolve, reject) => {
        let isLate = false
        const giveUp = (): void => {
          isLate = true
          set(false)
          reject(new Error(`Redis has not answered within ${timeout} ms`))
        }
        const askedAt = clock.now()
        let cancel = clock.setTimer(timeout, () => {
          if (clock.now() - askedAt < timeout + standstill) return giveUp()
          cancel = clock.setTimer(standstill, giveUp)
        })
        evaluate(keys, JSON.stringify(args)).then(
          (answer) => {
            cancel()
            const reply = JSON.parse(String(answer)) as Reply
            if (isLate) return late?.(reply)
            set(true)
            resolve(reply)
          },
          (error: unknown) => {
            cancel()
            if (!isLate) set(false)
            reject(error)
          },
        )
      }),
  }
}
