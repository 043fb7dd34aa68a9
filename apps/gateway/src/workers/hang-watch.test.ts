import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { openChannel } from './channel.ts'
import { watchForHang } from './hang-watch.ts'
import { areYouThere } from './orders.ts'

function watched() {
  const clock = virtualClock()
  const [here, there] = portPair()
  const [primary, worker] = [openChannel(here, { clock }), openChannel(there, { clock })]
  const hangs: number[] = []
  const worked = { answers: true }
  worker.answer(areYouThere, () => (worked.answers ? true : new Promise<never>(() => {})))
  const stop = watchForHang({ channel: primary, clock, onHang: (after) => void hangs.push(after) })
  return { clock, hangs, worked, stop, worker }
}

describe('the watch of a worker', () => {
  it('says once that it hangs, after half a minute without an answer', async () => {
    const { clock, hangs, worked } = watched()
    await clock.advance(60_000)
    worked.answers = false
    await clock.advance(24_000)
    expect(hangs).toEqual([])
    await clock.advance(7_000)
    expect(hangs).toEqual([30_000])
    await clock.advance(600_000)
    expect(hangs).toEqual([30_000])
  })

  it('begins to count again at each answer', async () => {
    const { clock, hangs, worked } = watched()
    for (let round = 0; round < 5; round++) {
      worked.answers = false
      await clock.advance(20_000)
      worked.answers = true
      await clock.advance(20_000)
    }
    expect(hangs).toEqual([])
  })

  it('ends with the worker, without a timer left', async () => {
    const { clock, hangs, worked, stop } = watched()
    worked.answers = false
    await clock.advance(12_000)
    stop()
    await clock.advance(600_000)
    expect(hangs).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
