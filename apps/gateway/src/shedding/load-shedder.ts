import type { Clock } from '@spillway/middleware'
import type { EventLoopDelay } from './event-loop-delay.ts'
import { batch, interactive } from './priority.ts'
import { SheddingEpisode } from './shedding-episode.ts'

/** When calls are shed. */
export interface SheddingLimits {
  /** Calls in flight at a time, from their head to the end of their answer. */
  readonly maxInFlight: number
  /** How late timers may be, in milliseconds. */
  readonly maxEventLoopDelay: number
  /** The share of each limit from which batch calls are shed; interactive ones are from the whole of it. */
  readonly batchThreshold: number
  /** The share of `maxInFlight` that batch calls keep while interactive ones take the rest. */
  readonly batchMinimum: number
}

export const sheddingDefaults: SheddingLimits = {
  maxInFlight: 10_000,
  maxEventLoopDelay: 500,
  batchThreshold: 0.8,
  batchMinimum: 0.05,
}

/** All limits; undefined means the default. */
export function sheddingLimits(
  set: { readonly [K in keyof SheddingLimits]?: number | undefined } = {},
): SheddingLimits {
  return {
    maxInFlight: set.maxInFlight ?? sheddingDefaults.maxInFlight,
    maxEventLoopDelay: set.maxEventLoopDelay ?? sheddingDefaults.maxEventLoopDelay,
    batchThreshold: set.batchThreshold ?? sheddingDefaults.batchThreshold,
    batchMinimum: set.batchMinimum ?? sheddingDefaults.batchMinimum,
  }
}

export const sheddingSignals = ['calls_in_flight', 'event_loop_delay', 'request_bytes'] as const
export type SheddingSignal = (typeof sheddingSignals)[number]

/** Why a call is shed, and when its client should come again. */
export interface Shed {
  readonly signal: SheddingSignal
  readonly priority: number
  readonly retryAfterMs: number
}

/** The place of a call in flight. */
export interface Slot {
  /** Its route says that it is less important than its head did: it may be shed after all. */
  lower(priority: number): Shed | undefined
  /** The call is over. Harmless when repeated. */
  release(): void
}

/** What is shed, by the class of priority. */
export type ShedCounts = Readonly<Record<'interactive' | 'batch', Readonly<Record<SheddingSignal, number>>>>

export interface LoadShedderOptions {
  readonly limits: SheddingLimits
  readonly clock: Clock
  readonly loop: Pick<EventLoopDelay, 'median' | 'start' | 'stop'>
  /** Bytes of requests that are held, as a share of what may be. */
  readonly requestBytes: () => number
  /** Told of the beginning and the end of an episode. */
  readonly log: (line: string) => void
}

/** Between these many milliseconds a client is to come again; batch calls after more than interactive ones. */
const waits = { interactive: [1_000, 3_000], batch: [5_000, 15_000] } as const

/**
 * Refuses calls that the gateway cannot answer well, the least important first: each limit has a threshold for each priority, the
 * whole for `interactive` and everything above it, `batchThreshold` for `batch`, and in equal steps between them. It looks at what is
 * counted already, so a decision takes less than a microsecond.
 */
export class LoadShedder {
  limits: SheddingLimits
  readonly #options: LoadShedderOptions
  readonly #episode: SheddingEpisode
  readonly #shed = { interactive: counts(), batch: counts() }
  #inFlight = 0
  /** Those below `interactive`. */
  #batch = 0

  constructor(options: LoadShedderOptions) {
    this.#options = options
    this.limits = options.limits
    this.#episode = new SheddingEpisode(options.clock, options.log)
  }

  get inFlight(): { readonly interactive: number; readonly batch: number } {
    return { interactive: this.#inFlight - this.#batch, batch: this.#batch }
  }

  /** So many have been shed so far. */
  get shed(): ShedCounts {
    return this.#shed
  }

  /** Which calls have been shed in the last seconds; undefined where none has. */
  get shedding(): 'batch' | 'all' | undefined {
    return this.#episode.shedding
  }

  /** How much of each limit is used, 0 to 1 and above. */
  pressure(): Readonly<Record<SheddingSignal, number>> {
    const { maxInFlight, maxEventLoopDelay } = this.limits
    return {
      calls_in_flight: this.#inFlight / maxInFlight,
      event_loop_delay: this.#options.loop.median / maxEventLoopDelay,
      request_bytes: this.#options.requestBytes(),
    }
  }

  admit(priority: number): Slot | Shed {
    const shed = this.#judge(priority)
    if (shed !== undefined) return shed
    if (++this.#inFlight === 1) this.#options.loop.start()
    let isBatch = priority > interactive
    if (isBatch) this.#batch++
    let isOver = false
    return {
      lower: (to) => {
        if (isOver || to <= priority) return undefined
        // As if it were not here yet.
        this.#inFlight--
        if (isBatch) this.#batch--
        const refused = this.#judge(to)
        this.#inFlight++
        isBatch = to > interactive
        if (isBatch) this.#batch++
        return refused
      },
      release: () => {
        if (isOver) return
        isOver = true
        if (isBatch) this.#batch--
        if (--this.#inFlight === 0) this.#options.loop.stop()
      },
    }
  }

  close(): void {
    this.#options.loop.stop()
    this.#episode.close()
  }

  #judge(priority: number): Shed | undefined {
    const signal = this.#reached(this.#thresholdOf(priority), priority > interactive)
    if (signal === undefined) return undefined
    const kind = priority > interactive ? 'batch' : 'interactive'
    this.#shed[kind][signal]++
    this.#episode.add(kind, signal, this.pressure()[signal])
    const [least, most] = waits[kind]
    return { signal, priority, retryAfterMs: least + (most - least) * this.#options.clock.random() }
  }

  /** The first limit of which such a share is used. */
  #reached(share: number, isBatch: boolean): SheddingSignal | undefined {
    const { maxInFlight, maxEventLoopDelay, batchMinimum } = this.limits
    if (this.#options.loop.median >= share * maxEventLoopDelay) return 'event_loop_delay'
    // The whole of the bytes is kept to where they are counted, by what each body really has.
    if (isBatch && this.#options.requestBytes() >= share) return 'request_bytes'
    if (this.#inFlight < share * maxInFlight) return undefined
    return isBatch && this.#batch < batchMinimum * maxInFlight ? undefined : 'calls_in_flight'
  }

  #thresholdOf(priority: number): number {
    if (priority <= interactive) return 1
    const share = 1 - ((1 - this.limits.batchThreshold) * (priority - interactive)) / (batch - interactive)
    // 0.85, not a little more.
    return Math.round(share * 1e6) / 1e6
  }
}

function counts(): Record<SheddingSignal, number> {
  return { calls_in_flight: 0, event_loop_delay: 0, request_bytes: 0 }
}
