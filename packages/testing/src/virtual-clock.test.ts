import { sleep } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { startClaude } from './claude.ts'
import { virtualClock } from './virtual-clock.ts'

describe('virtualClock', () => {
  it('stands still at 0 until it is moved', async () => {
    const clock = virtualClock({ epoch: 1000 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([clock.now(), clock.epoch()]).toEqual([0, 1000])
    await clock.advance(250)
    expect([clock.now(), clock.epoch()]).toEqual([250, 1250])
  })

  it('fires what is due in order of time, and of setting among equals', async () => {
    const clock = virtualClock()
    const fired: string[] = []
    const at = (name: string) => () => fired.push(`${name}@${clock.now()}`)
    clock.setTimer(30, at('c'))
    clock.setTimer(10, at('a'))
    clock.setTimer(10, at('b'))
    clock.setTimer(31, at('late'))
    clock.setTimer(-5, at('past'))
    await clock.advance(30)
    expect(fired).toEqual(['past@0', 'a@10', 'b@10', 'c@30'])
    expect(clock.pending).toBe(1)
  })

  it('orders any number of timers, with some cancelled', async () => {
    const clock = virtualClock({ seed: 7 })
    const fired: number[] = []
    const kept: number[] = []
    for (let i = 0; i < 500; i++) {
      const ms = Math.floor(clock.random() * 100)
      const cancel = clock.setTimer(ms, () => fired.push(ms))
      if (i % 3 === 0) {
        cancel()
        cancel()
      } else kept.push(ms)
    }
    expect(clock.pending).toBe(kept.length)
    await clock.runAll()
    expect(fired).toEqual(kept.toSorted((a, b) => a - b))
    expect(clock.pending).toBe(0)
  })

  it('lets promise chains progress between timers', async () => {
    const clock = virtualClock()
    const seen: number[] = []
    const work = (async () => {
      for (let i = 0; i < 5; i++) {
        await sleep(clock, 100)
        for (let turns = 0; turns < 20; turns++) await Promise.resolve()
        await new Promise((resolve) => setImmediate(resolve))
        seen.push(clock.now())
      }
      return 'done'
    })()
    await clock.advance(250)
    expect(seen).toEqual([100, 200])
    await expect(clock.runUntil(work)).resolves.toBe('done')
    expect(clock.now()).toBe(500)
  })

  it('stops at the timer that settles the promise', async () => {
    const clock = virtualClock()
    clock.setTimer(1_000_000, () => {})
    await clock.runUntil(sleep(clock, 10))
    expect(clock.now()).toBe(10)
    expect(clock.pending).toBe(1)
  })

  it('passes on a rejection', async () => {
    const clock = virtualClock()
    const failing = sleep(clock, 10).then(() => Promise.reject(new Error('no luck')))
    await expect(clock.runUntil(failing)).rejects.toThrow('no luck')
  })

  it('says so when a promise can never settle', async () => {
    const clock = virtualClock()
    clock.setTimer(Infinity, () => {})
    expect(clock.pending).toBe(0)
    await expect(clock.runUntil(new Promise(() => {}))).rejects.toThrow('no timer left')
  })

  it('gives up on timers that set each other for ever', async () => {
    const clock = virtualClock({ maxTimers: 50 })
    const again = (): void => {
      clock.setTimer(1, again)
    }
    again()
    await expect(clock.runAll()).rejects.toThrow('50 timers')
  })

  it('refuses to be moved twice at a time, and passes on what a callback throws', async () => {
    const clock = virtualClock()
    const first = clock.advance(1)
    await expect(clock.advance(1)).rejects.toThrow('already')
    await first
    clock.setTimer(1, () => {
      throw new Error('broken')
    })
    await expect(clock.advance(1)).rejects.toThrow('broken')
    await clock.advance(1)
  })

  it('is set like the clock of a machine: timers do not hear of it', async () => {
    const clock = virtualClock({ epoch: 5_000 })
    let fired = false
    clock.setTimer(100, () => {
      fired = true
    })
    clock.step(60_000)
    expect([clock.now(), clock.epoch(), fired]).toEqual([0, 65_000, false])
    clock.step(-61_000)
    await clock.advance(100)
    expect([clock.now(), clock.epoch(), fired]).toEqual([100, 4_100, true])
  })

  it('repeats its random numbers, spread evenly', () => {
    const draw = (seed: number): number[] => {
      const clock = virtualClock({ seed })
      return Array.from({ length: 10_000 }, () => clock.random())
    }
    const numbers = draw(42)
    expect(draw(42)).toEqual(numbers)
    expect(draw(43)).not.toEqual(numbers)
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true)
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = numbers.filter((n) => Math.floor(n * 10) === tenth).length
      expect(share).toBeGreaterThan(850)
      expect(share).toBeLessThan(1150)
    }
  })
})

describe('in front of a simulated server', () => {
  it('waits for the answer over a socket before it fires the next timeout', async () => {
    await using claude = await startClaude({ models: ['m'] })
    const clock = virtualClock({ io: 10_000 })
    let timedOut = false
    clock.setTimer(20_000, () => {
      timedOut = true
    })
    const response = await clock.runUntil(
      fetch(`${claude.url}/v1/models`, {
        headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
      }),
    )
    expect([response.status, timedOut, clock.now()]).toEqual([200, false, 0])
  })

  it('says what to do where it does not wait for sockets', async () => {
    const never = new Promise(() => {})
    await expect(virtualClock().runUntil(never)).rejects.toThrow('make the clock with io: 500')
    await expect(virtualClock({ io: 1 }).runUntil(never)).rejects.toThrow('1 ms were not enough')
  })
})
