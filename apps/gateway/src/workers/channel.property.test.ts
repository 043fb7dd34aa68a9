import fc from 'fast-check'
import { expect, it } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { note, openChannel, question } from './channel.ts'

const asked = question<{ turns: number; fails: boolean }, number>('test.asked')
const counted = note<number>('test.counted')

/** What happens in one turn of the event loop. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant('ask'), turns: fc.nat(4), fails: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('tell') }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('abort'), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('wait'), turns: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('stop reading', 'read again') }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('cut', 'close here', 'close there') }) },
)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('every request settles exactly once, whatever is closed, aborted or stuck when; notes arrive in order and without gaps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const [here, there] = portPair()
      const one = openChannel(here, { maxPending: 8, maxQueued: 6 })
      const other = openChannel(there)
      let handled = 0
      other.answer(asked, async ({ turns, fails }) => {
        for (let each = 0; each < turns; each++) await turn()
        if (fails) throw new Error('by the handler')
        return ++handled
      })
      const heard: number[] = []
      other.hear(counted, (number) => heard.push(number))
      const callers: AbortController[] = []
      const settled: number[] = []
      let told = 0
      for (const each of steps as { does: string; turns?: number; fails?: boolean; which?: number }[]) {
        const { does, turns = 0, fails = false, which = 0 } = each
        if (does === 'ask') {
          const index = callers.length
          const caller = new AbortController()
          callers.push(caller)
          settled[index] = 0
          const count = (): void => {
            settled[index] = (settled[index] ?? 0) + 1
          }
          one.ask(asked, { turns, fails }, { signal: caller.signal }).then(count, count)
        } else if (does === 'tell') {
          if (one.tell(counted, told)) told++
        } else if (does === 'abort') callers[which]?.abort(new Error('gone'))
        else if (does === 'cut') here.cut()
        else if (does === 'close here') one.close()
        else if (does === 'close there') other.close()
        else if (does === 'stop reading') here.isRead = false
        else if (does === 'read again') here.isRead = true
        else for (let each = 0; each < turns; each++) await turn()
      }
      const isAlive = one.isOpen && other.isOpen
      here.isRead = true
      for (let each = 0; each < 12; each++) await turn()
      if (isAlive) expect(heard).toHaveLength(told)
      one.close()
      await turn()
      expect(settled).toEqual(callers.map(() => 1))
      expect(one.pending).toBe(0)
      expect(heard).toEqual(heard.map((_, index) => index))
      expect(heard.length).toBeLessThanOrEqual(told)
    }),
    { numRuns: 150 },
  )
})
