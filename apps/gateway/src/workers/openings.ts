import type { BreakerStore, SharedOpening } from '@spillway/circuit-breaker-fallback'
import { type Channel, type Note, note, type Question, question } from './channel.ts'
import type { PrimaryLink } from './primary-link.ts'

const open: Note<SharedOpening> = note('breakers.open')
const remaining: Question<readonly [name: string, key: string], number> = question('breakers.remaining')
/** To a worker: a circuit was opened by any of them. */
const opened: Note<SharedOpening> = note('breakers.opened')

/** Lets a worker share openings of circuits in a store of the primary. */
export function serveOpenings(store: BreakerStore, channel: Channel): void {
  channel.hear(open, (opening) => store.open(opening))
  channel.answer(remaining, ([name, key]) => store.remaining(name, key))
  const stop = store.subscribe((opening) => channel.tell(opened, opening))
  channel.onClose(stop)
}

/** Openings of circuits that all workers hear of, at the latest when the primary answers again. */
export function remoteOpenings(link: PrimaryLink): BreakerStore {
  return {
    async open(opening) {
      link.tell(open, opening)
    },
    remaining: (name, key) => link.ask(remaining, [name, key]).catch(() => 0),
    subscribe(listener, missed = () => {}) {
      const stop = link.channel.hear(opened, listener)
      const stopWatching = link.onStatus((status) => {
        if (status === 'shared') missed()
      })
      return () => {
        stop()
        stopWatching()
      }
    },
  }
}
