import type { Clock } from '@spillway/middleware'
import { backgroundClock, type CancelTimer } from '@spillway/middleware/kit'

/** In milliseconds. It reads memory. */
const lookEvery = 1_000

/** Says when the database goes away and when it is back: rows wait in the journal meanwhile. Returns how to stop. */
export function watchDatabase(
  isAway: () => boolean,
  log: (line: string) => void,
  clock: Clock = backgroundClock,
): () => void {
  let cancel: CancelTimer = () => {}
  let wasAway = false
  const look = (): void => {
    const isNow = isAway()
    if (isNow && !wasAway) log('the database is unavailable: calls continue, and their rows wait')
    if (!isNow && wasAway) log('the database is back: what waited in the journal is written')
    wasAway = isNow
    cancel = clock.setTimer(lookEvery, look)
  }
  look()
  return () => cancel()
}
