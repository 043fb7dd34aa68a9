import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import { formatDuration } from '../config/duration.ts'
import type { SheddingSignal } from './load-shedder.ts'

/** An episode is over when nothing has been shed for so long, in milliseconds. */
const quiet = 10_000

const words: Readonly<Record<SheddingSignal, string>> = {
  calls_in_flight: 'calls in flight (server.loadShedding.maxInFlight)',
  event_loop_delay: 'delay of the event loop (server.loadShedding.maxEventLoopDelay)',
  request_bytes: 'bytes of requests (server.maxInFlightBytes)',
}

/** The calls that are shed from the first one to a quiet time, for one line at the beginning and one at the end. */
export class SheddingEpisode {
  readonly #clock: Clock
  readonly #log: (line: string) => void
  #since = 0
  #last = 0
  #counts = { interactive: 0, batch: 0 }
  #cancel: CancelTimer | undefined

  /** @param clock whose timers do not keep the process alive */
  constructor(clock: Clock, log: (line: string) => void) {
    this.#clock = clock
    this.#log = log
  }

  get shedding(): 'batch' | 'all' | undefined {
    if (this.#cancel === undefined) return undefined
    return this.#counts.interactive > 0 ? 'all' : 'batch'
  }

  /** @param used the share of the limit */
  add(kind: 'interactive' | 'batch', signal: SheddingSignal, used: number): void {
    this.#last = this.#clock.now()
    this.#counts[kind]++
    if (this.#cancel !== undefined) return
    this.#since = this.#last
    this.#log(
      `warning: load shedding has begun: ${kind} calls are refused with 529 at ${Math.round(100 * used)} % of ${words[signal]}`,
    )
    this.#endWhenQuiet(quiet)
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #endWhenQuiet(ms: number): void {
    this.#cancel = this.#clock.setTimer(ms, () => {
      const left = this.#last + quiet - this.#clock.now()
      if (left > 0) return this.#endWhenQuiet(left)
      this.#cancel = undefined
      const { interactive, batch } = this.#counts
      this.#counts = { interactive: 0, batch: 0 }
      const lasted = formatDuration(this.#last - this.#since)
      this.#log(
        `load shedding is over after ${lasted}: ${batch} batch and ${interactive} interactive calls were refused`,
      )
    })
  }
}
