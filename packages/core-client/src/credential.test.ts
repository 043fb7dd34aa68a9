import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { rejection } from '../test/support.ts'
import { type AccessToken, refreshingToken, tokenSource } from './credential.ts'

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
    await clock.advance(1)
    expect(source.token(clock)).toBe(initial)
    await clock.advance(1)
    expect(tries).toBe(2)
  })

  it('is asked for anew after a failure', async () => {
    const { calls, refresh } = byHand()
    const clock = virtualClock()
    const source = refreshingToken({ refresh })
    const first = rejection(Promise.resolve(source.token(clock)))
    await clock.advance(0)
    calls[0]?.reject(new Error('down'))
    expect(await first).toMatchObject({ message: 'down' })
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

describe('a fixed secret', () => {
  it('stays what it is when it is refused', () => {
    const source = tokenSource('sk-fixed')
    source.refused('sk-fixed')
    expect(source.token(virtualClock())).toEqual({ value: 'sk-fixed' })
  })
})
