// A primary without a gateway: what workers share, in a process of its own, in the time that the test tells.
import { type BudgetStore, memoryBudgetStore } from '@spillway/budgets'
import { memoryBreakerStore } from '@spillway/circuit-breaker-fallback'
import type { Clock } from '@spillway/middleware'
import { serveBudgets } from '../src/workers/budgets-host.ts'
import { type Note, note, openChannel, type Question, question } from '../src/workers/channel.ts'
import { limitsHost } from '../src/workers/limits-host.ts'
import { serveOpenings } from '../src/workers/openings.ts'
import { ipcPort } from '../src/workers/port.ts'
import { answerPings } from '../src/workers/primary-link.ts'

export const timeIs: Note<readonly [now: number, epoch: number]> = note('test.time')
/** Empties the budgets. */
export const beginAgain: Question<number, true> = question('test.begin-again')

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  let [now, epoch] = [0, 0]
  const clock: Clock = {
    now: () => now,
    epoch: () => epoch,
    setTimer: () => () => {},
    random: () => 0.5,
  }
  const channel = openChannel(ipcPort(process, () => process.connected))
  channel.hear(timeIs, (told) => {
    ;[now, epoch] = told
  })
  let store: BudgetStore = memoryBudgetStore({ clock })
  channel.answer(beginAgain, (ttl) => {
    store = memoryBudgetStore({ clock, ttl })
    return true
  })
  answerPings(channel)
  limitsHost(clock).serve(channel)
  serveOpenings(memoryBreakerStore(), channel)
  serveBudgets(
    {
      reserve: (...given) => store.reserve(...given),
      extend: (...given) => store.extend(...given),
      settle: (...given) => store.settle(...given),
      read: (...given) => store.read(...given),
      open: (...given) => store.open(...given),
      charge: (...given) => store.charge(...given),
    },
    channel,
  )
}
