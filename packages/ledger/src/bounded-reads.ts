import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'

export interface ReadBounds {
  /** How long a read takes at most, its wait included, in milliseconds. */
  readonly timeout: number
  /** Reads that wait at most. */
  readonly maxWaiting: number
  /** Reads in flight at most. */
  readonly atOnce: number
}

/** What a read that was refused or ended has as its `code`. */
export type ReadErrorCode = 'SPILLWAY_READS_BUSY' | 'SPILLWAY_READ_TIMEOUT'

/** How long a read that was interrupted has to end before its thread or connection is given up, in milliseconds. */
const grace = 2000

interface WaitingRead {
  start(): void
  reject(error: Error): void
}

/**
 * Bounds what views ask of a database: how many at once, how many wait, and for how long. One that takes too long is an
 * error for whoever asked, at once, and is ended behind; its place is taken until it has ended.
 */
export class BoundedReads {
  readonly #bounds: ReadBounds
  readonly #clock: Clock
  readonly #interrupt: () => void
  readonly #giveUp: () => void
  readonly #waiting = new Set<WaitingRead>()
  #running = 0
  #isClosed = false

  /** @param interrupt asks what runs to end; `giveUp` is called where it has not */
  constructor(bounds: ReadBounds, clock: Clock, interrupt: () => void, giveUp: () => void) {
    this.#bounds = bounds
    this.#clock = clock
    this.#interrupt = interrupt
    this.#giveUp = giveUp
  }

  /** @throws Error with a {@link ReadErrorCode} */
  run<T>(read: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error('the store is closed'))
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const until = this.#clock.now() + this.#bounds.timeout
    const start = (): void => this.#start(read, until, resolve, reject)
    if (this.#running < this.#bounds.atOnce) start()
    else if (this.#waiting.size < this.#bounds.maxWaiting) this.#wait(start, reject)
    else reject(busy())
    return promise
  }

  /** Ends what runs, and refuses what waits. */
  close(): void {
    this.#isClosed = true
    for (const { reject } of this.#waiting) reject(new Error('the store is closed'))
    this.#waiting.clear()
  }

  #wait(start: () => void, reject: (error: Error) => void): void {
    const entry: WaitingRead = {
      start: () => end(start),
      reject: (error) => end(() => reject(error)),
    }
    const cancel = this.#clock.setTimer(this.#bounds.timeout, () => entry.reject(busy()))
    const end = (how: () => void): void => {
      cancel()
      this.#waiting.delete(entry)
      how()
    }
    this.#waiting.add(entry)
  }

  #start<T>(
    read: () => Promise<T>,
    until: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const { timeout } = this.#bounds
    this.#running++
    let cancel: CancelTimer = this.#clock.setTimer(until - this.#clock.now(), () => {
      reject(readError('SPILLWAY_READ_TIMEOUT', `the database did not answer within ${timeout} ms`))
      this.#interrupt()
      cancel = this.#clock.setTimer(grace, this.#giveUp)
    })
    read()
      .then(resolve, reject)
      .finally(() => {
        cancel()
        this.#running--
        for (const next of this.#waiting) return next.start()
      })
  }
}

function busy(): Error {
  return readError('SPILLWAY_READS_BUSY', 'too many reads wait for the ledger; ask again later')
}

function readError(code: ReadErrorCode, message: string): Error {
  return Object.assign(new Error(message), { code })
}
