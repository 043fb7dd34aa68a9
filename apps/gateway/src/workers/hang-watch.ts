import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import type { Channel } from './channel.ts'
import * as orders from './orders.ts'

export interface HangWatchOptions {
  readonly channel: Pick<Channel, 'ask'>
  readonly clock: Clock
  /** Called once, with the milliseconds after which a worker counts as hung. The watch has ended then. */
  readonly onHang: (after: number) => void
}

/** Milliseconds between an answer and the next question, and for an answer. */
const every = 5_000

/** Questions in a row without an answer after which a worker is hung: half a minute. A request may block it for 100 ms. */
const mostMissed = 3

/**
 * Notices a worker whose event loop no longer runs: it serves none of its calls, and will not end by itself.
 *
 * Questions are counted, not time: where the whole machine pauses, so does the count.
 * @returns how to stop it
 */
export function watchForHang({ channel, clock, onHang }: HangWatchOptions): () => void {
  let missed = 0
  let isOver = false
  let cancel: CancelTimer = () => {}

  const next = (): void => {
    cancel = clock.setTimer(every, ask)
  }
  const ask = (): void => {
    channel.ask(orders.areYouThere, undefined, { deadline: every }).then(
      () => {
        missed = 0
        if (!isOver) next()
      },
      () => {
        if (isOver) return
        if (++missed < mostMissed) return next()
        isOver = true
        onHang(mostMissed * 2 * every)
      },
    )
  }

  next()
  return () => {
    isOver = true
    cancel()
  }
}
