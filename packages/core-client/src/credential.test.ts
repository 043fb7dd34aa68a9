import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { rejection } from '../test/support.ts'
import { type AccessToken, type Credential, refreshingToken, tokenSource } from './credential.ts'

const minute = 60_000

/** A refresh that is answered by hand. */
function byHand() {
  const calls: PromiseWithResolvers<AccessToken>[] = []
  const refresh = (): Promise<AccessToken> => {
    const call = Promise.withResolvers<AccessToken>()
    calls.push(call)
    return call.promise
  }
  return { calls, refresh }
}

describe('a refreshing token', () => {
  it('is fetched once for 50 calls at a time', async () => {
    const { calls, refresh } = byHand()
    const source = refreshingToken({ refresh })
    const clock = virtualClock()
    const waiting = Array.from({ length: 50 }, async () => source.token(clock))
    await clock.advance(0)
    expect(calls).toHaveLength(1)
    calls[0]?.resolve({ value: 'a' })
    expect(await Promise.all(waiting)).toEqual(Array(50).fill({ value: 'a' }))
  })

  it('is kept as long as it is good', async () => {
    const { calls, refresh } = byHand()
    const clock = virtualClock()
    const initial = { value: 'a', expiresAt: clock.epoch() + 10 * minute }
    const source = refreshingToken({ refresh, initial })
    await clock.advance(8 * minute)
    expect(source.token(clock)).toBe(initial)
    expect(calls).toHaveLength(0)
  })

  it('is renewed ahead of its expiry while calls go on with the old one', async () => {
    const { calls, refresh } = byHand()
    const clock = virtualClock()
    const initial = { value: 'a', expiresAt: clock.epoch() + 10 * minute }
    const source = refreshingToken({ refresh, initial })
    await clock.advance(9.5 * minute)
    expect(source.token(clock)).toBe(initial)
    expect(source.token(clock)).toBe(initial)
    expect(calls).toHaveLength(1)
    calls[0]?.resolve({ value: 'b' })
    await clock.advance(0)
    expect(source.token(clock)).toEqual({ value: 'b' })
  })

  it('that comes with little time left is asked for again after half of it, not with every call', async () => {
    const { calls, refresh } = byHand()
    const clock = virtualClock()
    const source = refreshingToken({ refresh, refreshAhead: 5 * minute })
    const first = source.token(clock)
    calls[0]?.resolve({ value: 'a', expiresAt: clock.epoch() + 2 * minute })
    await first
    await clock.advance(0.9 * minute)
    await source.token(clock)
    expect(calls).toHaveLength(1)
    await clock.advance(0.2 * minute)
    await source.token(clock)
    expect(calls).toHaveLength(2)
  })

  it('that has expired when it comes, by a clock that is wrong, is asked for every five seconds', async () => {
    let calls = 0
    const clock = virtualClock()
    const refresh = async () => ({ value: `${++calls}`, expiresAt: clock.epoch() - minute })
    const source = refreshingToken({ refresh })
    for (let second = 0; second < 10; second++) {
      await source.token(clock)
      await source.token(clock)
      await clock.advance(1_000)
    }
    expect(calls).toBe(2)
  })

  it('is waited for when the old one has expired', async () => {
    const { calls, refresh } = byHand()
    const clock = virtualClock()
    const source = refreshingToken({ refresh, initial: { value: 'a', expiresAt: clock.epoch() + minute } })
    await clock.advance(minute)
    const token = source.token(clock)
    await clock.advance(0)
    calls[0]?.resolve({ value: 'b' })
    expect(await token).toEqual({ value: 'b' })
  })

  it('goes on with the old one when renewing ahead fails, and tries again', async () => {
    let tries = 0
    const refresh = (): Promise<AccessToken> => {
      tries++
      throw new Error('down')
    }
    const clock = virtualClock()
    const initial = { value: 'a', expiresAt: clock.epoch() + minute / 2 }
    const source = refreshingToken({ refresh, initial })
    expect(source.token(clock)).toBe(initial)
    await clock.advance(1_000)
    expect(source.token(clock)).toBe(initial)
    await clock.advance(1)
    expect(tries).toBe(2)
  })

  it('is asked for again a second after a failure', async () => {
    const { calls, refresh } = byHand()
    const clock = virtualClock()
    const source = refreshingToken({ refresh })
    const first = rejection(Promise.resolve(source.token(clock)))
    await clock.advance(0)
    calls[0]?.reject(new Error('down'))
    expect(await first).toMatchObject({ message: 'down' })
    await clock.advance(1_000)
    const second = source.token(clock)
    await clock.advance(0)
    calls[1]?.resolve({ value: 'b' })
    expect(await second).toEqual({ value: 'b' })
  })

  it('is not thrown away when an older one was refused', async () => {
    const clock = virtualClock()
    const initial = { value: 'new' }
    const source = refreshingToken({ refresh: () => Promise.reject(new Error()), initial })
    source.refused('old')
    expect(source.token(clock)).toBe(initial)
  })
})

describe('where secrets cannot be had', () => {
  /** Asks every 10 ms for so long, and says how often the source was asked in turn. */
  async function askFor(ms: number, credential: Credential, tries: () => number): Promise<number> {
    const clock = virtualClock()
    const source = tokenSource(credential)
    for (let at = 0; at < ms; at += 10) {
      const token = source.token(clock)
      if (token instanceof Promise) token.catch(() => {})
      await clock.advance(10)
    }
    return tries()
  }

  it('a failing refresh is repeated after a second, two, four, and a minute at most', async () => {
    let tries = 0
    const refresh = async (): Promise<AccessToken> => {
      tries++
      throw new Error('down')
    }
    expect(await askFor(2_000, refreshingToken({ refresh }), () => tries)).toBe(2)
    tries = 0
    expect(await askFor(600_000, refreshingToken({ refresh }), () => tries)).toBe(15)
  })

  it('so is a function that fails, and calls in between get its error at once', async () => {
    let tries = 0
    const credential = async (): Promise<string> => {
      tries++
      throw new Error('down')
    }
    expect(await askFor(2_000, credential, () => tries)).toBe(2)
  })

  it('calls that ask at the same time share one call of a function', async () => {
    let tries = 0
    const clock = virtualClock()
    const source = tokenSource(async () => `key-${++tries}`)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => source.token(clock)))
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['key-1']))
    expect(await source.token(clock)).toEqual({ value: 'key-2' })
  })

  it('a refresh that hangs is given up on after 30 s, and the next call begins another', async () => {
    const signals: AbortSignal[] = []
    const refresh = (signal: AbortSignal): Promise<AccessToken> => {
      signals.push(signal)
      return signals.length === 1 ? new Promise(() => {}) : Promise.resolve({ value: 'b' })
    }
    const clock = virtualClock()
    const source = refreshingToken({ refresh })
    const first = rejection(Promise.resolve(source.token(clock)))
    await clock.advance(30_000)
    expect(await first).toMatchObject({ name: 'TimeoutError' })
    expect(signals[0]?.aborted).toBe(true)
    await clock.advance(1_000)
    expect(await source.token(clock)).toEqual({ value: 'b' })
    expect(clock.pending).toBe(0)
  })

  it('tokens that the upstream refuses one after the other are not fetched without end', async () => {
    let tries = 0
    const source = refreshingToken({ refresh: async () => ({ value: `t${++tries}` }) })
    const refusing = virtualClock()
    for (let at = 0; at < 2_000; at += 10) {
      const token = await Promise.resolve(source.token(refusing)).catch(() => undefined)
      if (token !== undefined) source.refused(token.value)
      await refusing.advance(10)
    }
    expect(tries).toBeLessThanOrEqual(4)
  })
})

describe('a fixed secret', () => {
  it('stays what it is when it is refused', () => {
    const source = tokenSource('sk-fixed')
    source.refused('sk-fixed')
    expect(source.token(virtualClock())).toEqual({ value: 'sk-fixed' })
  })
})
