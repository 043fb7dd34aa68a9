import type { Clock } from '@spillway/middleware'
import { expect, it } from 'vitest'
import { LimitLink } from './limit-link.ts'

/** A clock that the test sets, and timers that fire when it says so, however late. */
function clockByHand() {
  let now = 1_000
  const timers: { readonly ms: number; readonly fire: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    epoch: () => now,
    random: () => 0,
    setTimer(ms, fire) {
      const timer = { ms, fire }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
  }
  const fire = (later: number): void => {
    now += later
    timers.shift()?.fire()
  }
  return { clock, fire, waits: () => timers.map(({ ms }) => ms) }
}

function asked() {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const time = clockByHand()
  const link = new LimitLink({ evalsha: () => promise, eval: () => promise }, 250, time.clock)
  const answer = () => resolve(JSON.stringify({ status: 'ok', epoch: 'e', now: 1 }))
  const reply = link.run('admit', [], {})
  reply.catch(() => {})
  return { ...time, link, reply, answer }
}

it('gives Redis up when it has not answered in time', async () => {
  const { fire, reply, link } = asked()
  fire(255)
  await expect(reply).rejects.toThrow('Redis has not answered within 250 ms')
  expect(link.isUp).toBe(false)
})

it('reads what has come while this process stood still, before it gives Redis up', async () => {
  const { fire, waits, reply, answer, link } = asked()
  fire(1_000)
  expect([link.isUp, waits()]).toEqual([true, [20]])
  answer()
  expect(await reply).toMatchObject({ epoch: 'e' })
  expect([link.isUp, waits()]).toEqual([true, []])
})

it('gives Redis up when nothing has come then either', async () => {
  const { fire, reply, link } = asked()
  fire(1_000)
  fire(20)
  await expect(reply).rejects.toThrow('Redis has not answered')
  expect(link.isUp).toBe(false)
})
