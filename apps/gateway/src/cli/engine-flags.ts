import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** From this size on the young generation does not grow, in bytes of both halves. */
const enough = 16 * 2 ** 20

/** Megabytes of each half in the threads that are started later, which are those of the ledger. */
const halfInThreads = 4

/** Before anything else: what V8 is to do in a process that serves. */
export function setEngineFlags(): void {
  // Done for speed: bodies lie outside of V8's heap, and by default each 64 MB of them cause a collection of all of it. See
  // decision 0208.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  // Little of what calls need outlives them: it is copied sooner than helper threads are awake.
  setFlagsFromString('--no-parallel-scavenge')
  // Read when a thread starts. The factor below is one for all threads, and theirs may not stay as small as they begin.
  setFlagsFromString(`--min-semi-space-size=${halfInThreads}`)
  setFlagsFromString(`--max-semi-space-size=${halfInThreads}`)
}

/**
 * Once it serves: takes back what `bin/spillway.js` has set for the start, and keeps the young generation of the main thread from growing beyond what
 * calls need. V8 would let it have 128 MB. It takes its maximum when the process starts, where a program that npm has
 * linked cannot say one; the factor by which it grows is read each time. V8 makes it smaller while little is allocated; then it may grow
 * again. See decision 0224.
 */
export function setServingFlags(): void {
  setFlagsFromString('--opt')
  let grows: boolean | undefined
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    const isSmall = (young?.space_size ?? 0) < enough
    if (isSmall === grows) return
    grows = isSmall
    setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`)
  }
  look()
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] })
}
