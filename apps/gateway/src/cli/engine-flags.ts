import { PerformanceObserver, performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'

/** From this size on the young generation does not grow, in bytes of both halves. */
const enough = 16 * 2 ** 20

/** Megabytes of each half in the threads that are started later, which are those of the ledger. */
const halfInThreads = 4

/** How much the heaps may grow between two collections of all of them, in percent of what is alive. */
const growth = 70

/** With so many bytes in buffers, bodies decide how often the whole heap is collected: V8 chooses the growth, from 10 to 300 percent. */
const manyBuffers = 16 * 2 ** 20

/** For how long after that, in milliseconds: right after a collection there are few buffers. */
const remembered = 10_000

/** Before anything else: what V8 is to do in a process that serves. */
export function setEngineFlags(): void {
  for (const flag of engineFlags(process.versions.v8)) setFlagsFromString(flag)
}

/** @param v8 its version: it complains about a flag that it does not know, on the operator's terminal */
export function engineFlags(v8: string): readonly string[] {
  return [
    // Done for speed: bodies lie outside of V8's heap, and by default each 64 MB of them cause a collection of all of it. See
    // decision 0208. Not known to Node 22.
    ...(Number.parseInt(v8, 10) < 13 ? [] : ['--external-memory-accounted-in-global-limit']),
    // Little of what calls need outlives them: it is copied sooner than helper threads are awake.
    '--no-parallel-scavenge',
    // Helper threads free what compiling has taken when there is nothing left to compile: with the first thousand calls 45 MB of
    // it pile up, which malloc keeps. See decision 0229.
    '--no-maglev-destroy-on-background',
    // Read when a thread starts. The factor below is one for all threads, and theirs may not stay as small as they begin.
    `--min-semi-space-size=${halfInThreads}`,
    `--max-semi-space-size=${halfInThreads}`,
  ]
}

/**
 * Once it serves: takes back what `bin/spillway.js` has set for the start, and bounds how the heaps grow. V8 takes their sizes when the
 * process starts, and what npm has linked is started without flags; the factors by which they grow are read each time.
 *
 * - The young generation of the main thread is kept from growing beyond what calls need: V8 would let it have 128 MB. V8 makes it
 *   smaller while little is allocated; then it may grow again. See decision 0224.
 * - All heaps grow by `growth` at most while bodies are small: V8 keeps as many pages as they had at their fullest. See decision 0229.
 */
export function setServingFlags(): void {
  setFlagsFromString('--opt')
  const young = setWhereOther('--semi-space-growth-factor')
  const whole = setWhereOther('--heap-growing-percent')
  let manySince = -Infinity
  const look = (): void => {
    const size =
      getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
    young(size < enough ? 2 : 1)
    const now = performance.now()
    if (getHeapStatistics().external_memory > manyBuffers) manySince = now
    whole(now - manySince < remembered ? 0 : growth)
  }
  look()
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] })
}

/** Sets a flag where its value is another one than before. */
function setWhereOther(flag: string): (value: number) => void {
  let last: number | undefined
  return (value) => {
    if (value === last) return
    last = value
    setFlagsFromString(`${flag}=${value}`)
  }
}
