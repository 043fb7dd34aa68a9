import type { LiveSharing } from '../api/live-events.ts'
import { type Channel, type Note, note } from './channel.ts'

/** From a worker: whether anyone watches at it. */
const watched: Note<boolean> = note('live.watched')
/** To a worker: whether anyone watches at another one. */
const wanted: Note<boolean> = note('live.wanted')
/** Either way: what whoever watches is to see. */
const seen: Note<readonly [event: string, data: unknown]> = note('live.seen')

/** Shows what happens in one worker to those who watch at another one. */
export interface LiveHost {
  serve(channel: Channel): void
}

export function liveHost(): LiveHost {
  const channels = new Map<Channel, { isWatched: boolean; isWanted: boolean }>()
  /** Tells each worker what has changed for it. */
  const tell = (): void => {
    const watching = [...channels.values()].filter(({ isWatched }) => isWatched).length
    for (const [channel, state] of channels) {
      const isWanted = watching > (state.isWatched ? 1 : 0)
      if (isWanted !== state.isWanted) channel.tell(wanted, isWanted)
      state.isWanted = isWanted
    }
  }
  return {
    serve(channel) {
      const state = { isWatched: false, isWanted: false }
      channels.set(channel, state)
      tell()
      channel.hear(watched, (isWatched) => {
        state.isWatched = isWatched
        tell()
      })
      channel.hear(seen, (what) => {
        for (const [other, { isWatched }] of channels)
          if (other !== channel && isWatched) other.tell(seen, what)
      })
      channel.onClose(() => {
        channels.delete(channel)
        tell()
      })
    },
  }
}

/** What happens in other workers, and whether anyone there wants to see what happens in this one. */
export function remoteLive(channel: Channel): LiveSharing {
  let isWanted = false
  channel.hear(wanted, (next) => {
    isWanted = next
  })
  return {
    get isWanted() {
      return isWanted
    },
    watch: (isWatched) => void channel.tell(watched, isWatched),
    show: (event, data) => void channel.tell(seen, [event, data]),
    follow: (heard) => void channel.hear(seen, ([event, data]) => heard(event, data)),
  }
}
