import type { Clock } from '@spillway/middleware'
import type { Said } from './orders.ts'

/** How long after one worker has said something the same of another one is no news, in milliseconds. */
const sameNews = 5_000

/** What is remembered at most. */
const mostSaid = 1_000

/** Hears what workers say, of several that say the same the first one. */
export function heardOnce(
  clock: Pick<Clock, 'now'>,
  hear: (said: Said) => void,
): (worker: number, said: Said) => void {
  const heard = new Map<string, { readonly worker: number; readonly at: number }>()
  return (worker, said) => {
    const what = JSON.stringify(keyOf(said))
    const now = clock.now()
    const before = heard.get(what)
    if (before !== undefined && before.worker !== worker && now - before.at < sameNews) return
    heard.delete(what)
    heard.set(what, { worker, at: now })
    for (const oldest of heard.keys()) {
      if (heard.size <= mostSaid) break
      heard.delete(oldest)
    }
    hear(said)
  }
}

/** A circuit that one worker has opened is opened by the others for that. */
function keyOf(said: Said): unknown {
  if (said.kind !== 'circuit') return said
  const { target, endpoint, change } = said.changed
  return [target, endpoint, change.scope, change.key, change.to]
}
