import type { Clock } from '@spillway/middleware'
import { TimerQueue } from './timer-queue.ts'

/** Options of {@link virtualClock}. */
export interface VirtualClockOptions {
  /**
   * Where `random()` starts; the same seed gives the same numbers.
   * @default 1
   */
  readonly seed?: number
  /**
   * What `epoch()` returns at `now()` 0, in milliseconds since the Unix epoch.
   * @default 1767225600000 (2026-01-01T00:00:00Z)
   */
  readonly epoch?: number
  /**
   * How many timers one `advance`, `runAll` or `runUntil` may fire before it gives up with an error, so that
   * timers which set each other for ever do not hang a test.
   * @default 1000000
   */
  readonly maxTimers?: number
  /**
   * How long real input and output may take between two timers, in milliseconds of real time: for policies on this clock in front of a
   * simulated server. 500 suits servers of this machine, also when it is busy; each timer that fires takes as long. 0: none is
   * waited for, and the next timer of a timeout overtakes an answer over a socket.
   * @default 0
   */
  readonly io?: number
}

/**
 * A clock that moves only when it is advanced. Between two timers all promise chains that can progress
 * do so; real input and output is waited for where the option `io` says so.
 */
export interface VirtualClock extends Clock {
  /** How many timers wait. Timers set to Infinity never fire and do not count. */
  readonly pending: number
  /**
   * Moves on by `ms` milliseconds and fires what becomes due, in order.
   * @throws whatever a timer's callback throws
   */
  advance(ms: number): Promise<void>
  /** Sets `epoch()` forward by `ms` milliseconds, or back where they are negative, as the clock of a machine is set. `now()` goes on. */
  step(ms: number): void
  /** Moves from timer to timer until none is left. */
  runAll(): Promise<void>
  /**
   * Moves from timer to timer until the promise settles, and settles alike.
   * @throws Error when no timer is left and the promise still waits: for input and output, too, unless `io` allows for it
   */
  runUntil<T>(promise: Promise<T>): Promise<T>
}

/** Kept from before anybody fakes the timers of the test. */
const nextTurn = setImmediate
const setRealTimer = setTimeout

/** Lets everything progress that waits for promises only: a turn of the event loop drains all microtasks. */
async function settlePromises(): Promise<void> {
  await new Promise<void>((resolve) => nextTurn(resolve))
  await new Promise<void>((resolve) => nextTurn(resolve))
}

/** The same, and as long as `ms` of real time for sockets and files, unless `done` says that there is nothing to wait for. */
async function settleWithIo(ms: number, done?: () => boolean): Promise<void> {
  const end = performance.now() + ms
  do {
    await settlePromises()
    if (done?.()) return
    await new Promise<void>((resolve) => setRealTimer(resolve, 1))
  } while (performance.now() < end)
}

/** Makes a {@link VirtualClock} at time 0. */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const { seed = 1, epoch = Date.UTC(2026, 0, 1), maxTimers = 1_000_000, io = 0 } = options
  const queue = new TimerQueue()
  const random = seededRandom(seed)
  let now = 0
  let set = 0
  let moving = false

  /** Fires timers in order, until `until` or until `done` says so. */
  async function move(until: number, done?: () => boolean): Promise<void> {
    if (moving) throw new Error('the virtual clock is being moved already: await the call before')
    moving = true
    const settle = (): Promise<void> => (io > 0 ? settleWithIo(io, done) : settlePromises())
    try {
      await settle()
      for (let fired = 0; !done?.(); fired++) {
        const due = queue.nextDue()
        if (due === undefined || due > until) return
        if (fired === maxTimers) throw new Error(`the virtual clock fired ${maxTimers} timers without an end`)
        now = Math.max(now, due)
        queue.take()?.callback()
        await settle()
      }
    } finally {
      moving = false
    }
  }

  return {
    now: () => now,
    epoch: () => epoch + set + now,
    random,
    setTimer(ms, callback) {
      if (ms === Infinity) return () => {}
      return queue.add(now + Math.max(0, ms || 0), callback)
    },
    get pending() {
      return queue.pending
    },
    async advance(ms) {
      const until = now + ms
      await move(until)
      now = Math.max(now, until)
    },
    step(ms) {
      set += ms
    },
    runAll: () => move(Infinity),
    async runUntil(promise) {
      let settled = false
      const mark = (): void => {
        settled = true
      }
      promise.then(mark, mark)
      await move(Infinity, () => settled)
      if (!settled)
        throw new Error(
          `the promise cannot settle: the virtual clock has no timer left${io > 0 ? ` (and ${io} ms were not enough for input and output)` : '; where it waits for a socket, make the clock with io: 500'}`,
        )
      return await promise
    },
  }
}

/** Uniform in [0, 1): a 32-bit counter, scrambled. */
function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let bits = state
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32
  }
}
