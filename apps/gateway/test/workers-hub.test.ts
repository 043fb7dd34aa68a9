import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@spillway/middleware'
import { breakerStoreCases, budgetStoreCases, limitStoreCases, type VirtualClock } from '@spillway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Channel, openChannel } from '../src/workers/channel.ts'
import { remoteOpenings } from '../src/workers/openings.ts'
import { ipcPort } from '../src/workers/port.ts'
import { openLink, type PrimaryLink } from '../src/workers/primary-link.ts'
import { remoteBudgets } from '../src/workers/remote-budgets.ts'
import { remoteLimits } from '../src/workers/remote-limits.ts'
import { beginAgain, timeIs } from './hub-child.ts'

// What workers share, over the IPC of a forked process.
describe('over a forked process', () => {
  let child: ChildProcess
  let channel: Channel

  beforeAll(async () => {
    child = fork(fileURLToPath(new URL('./hub-child.ts', import.meta.url)), {
      serialization: 'advanced',
      execArgv: ['--conditions=@spillway/source'],
    })
    channel = openChannel(ipcPort(child, () => child.connected))
    // Its modules are loaded first.
    await channel.ask(beginAgain, 1, { deadline: 30_000 })
  }, 40_000)
  afterAll(async () => {
    const exited = once(child, 'exit')
    child.kill()
    await exited
  })

  /** The other process learns of the time with all that it is told. */
  const inTimeOf = (clock: VirtualClock): PrimaryLink => {
    const told: Channel = {
      ...channel,
      isOpen: true,
      ask(...given) {
        channel.tell(timeIs, [clock.now(), clock.epoch()])
        return channel.ask(...given)
      },
      tell(...given) {
        channel.tell(timeIs, [clock.now(), clock.epoch()])
        return channel.tell(...given)
      },
    }
    return openLink(told, { clock: systemClock, timeout: 30_000 })
  }

  describe('limits', () => {
    let limits = 0
    // Numbers of one channel are never used twice.
    const numbers = { next: 0 }
    const cases = limitStoreCases((bounds, clock) =>
      remoteLimits(inTimeOf(clock), { processes: 2, clock, numbers }).open(`limits ${limits++}`, bounds),
    )
    for (const { name, run } of cases) it(name, run, 30_000)
  })

  describe('budgets', () => {
    const cases = budgetStoreCases(async (clock, ttl) => {
      await channel.ask(beginAgain, ttl)
      return remoteBudgets(inTimeOf(clock), { processes: 2, clock })
    })
    for (const { name, run } of cases) it(name, run, 30_000)
  })

  describe('openings of circuits', () => {
    const cases = breakerStoreCases(() => {
      const link = openLink(channel, { clock: systemClock, timeout: 30_000 })
      return [remoteOpenings(link), remoteOpenings(link)]
    })
    for (const { name, run } of cases) it(name, run, 30_000)
  })

  it('a process that is killed closes the channel, and all that wait are rejected', async () => {
    const own = fork(fileURLToPath(new URL('./hub-child.ts', import.meta.url)), {
      serialization: 'advanced',
      execArgv: ['--conditions=@spillway/source'],
    })
    const other = openChannel(ipcPort(own, () => own.connected))
    await other.ask(beginAgain, 1, { deadline: 30_000 })
    own.kill('SIGSTOP')
    const waiting = Promise.allSettled(Array.from({ length: 100 }, () => other.ask(beginAgain, 1)))
    own.kill('SIGKILL')
    const results = await waiting
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    expect(results).toContainEqual({
      status: 'rejected',
      reason: expect.objectContaining({ code: 'channel_closed' }),
    })
    expect(other.isOpen).toBe(false)
  }, 40_000)
})
