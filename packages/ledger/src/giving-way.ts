import { setPriority } from 'node:os'

/** How long a batch is written without a pause, in milliseconds. */
const longestRun = 0.5

/** How long a pause is, in milliseconds. */
const pause = 0.05

/** Of the ledger's thread, where calls have 0 and 19 is the last. */
const niceness = 5

/**
 * Rows can wait, and calls cannot. Where cores are short, a thread that wakes up waits for the one that runs until the system looks again,
 * 4 ms on Linux; one that sleeps for a moment lets it go on at once.
 * @returns to be called between pieces of work; sleeps when half a millisecond has passed without a sleep
 */
export function givingWay(clock: { now(): number }, sleep: (duration: number) => void = block): () => void {
  let since = 0
  return () => {
    const now = clock.now()
    if (now - since < longestRun) return
    // After a time without work it has just begun.
    if (now - since < 100 * longestRun) sleep(pause)
    since = clock.now()
  }
}

/** Calls come first where cores are short. Linux has a niceness for each thread; elsewhere it would be that of the process. */
export function lowerPriority(platform: NodeJS.Platform = process.platform): void {
  if (platform !== 'linux') return
  try {
    setPriority(niceness)
  } catch {
    // Some sandboxes forbid it, and nothing depends on it.
  }
}

const never = new Int32Array(new SharedArrayBuffer(4))

function block(duration: number): void {
  Atomics.wait(never, 0, 0, duration)
}
