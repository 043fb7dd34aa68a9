/**
 * Loaded into a gateway before its own code (`node --import`): the first SIGUSR2 begins to count what is allocated on the main thread,
 * the second writes it to the file that ALLOCATIONS_FILE names.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { GCProfiler, type GCProfilerResult } from 'node:v8'
import { isMainThread } from 'node:worker_threads'

/** Bytes of V8's heap. */
export interface Allocations {
  readonly allocated: number
  /** What collections of the young generation have left alive. */
  readonly kept: number
  readonly collections: number
}

if (isMainThread) {
  let counting: { readonly profiler: GCProfiler; readonly used: number } | undefined
  process.on('SIGUSR2', () => {
    const used = process.memoryUsage().heapUsed
    if (counting === undefined) {
      counting = { profiler: new GCProfiler(), used }
      return counting.profiler.start()
    }
    const { statistics } = counting.profiler.stop()
    const counted = JSON.stringify(sumOf(statistics, counting.used, used))
    counting = undefined
    const file = process.env.ALLOCATIONS_FILE ?? 'allocations.json'
    writeFileSync(`${file}.part`, counted)
    renameSync(`${file}.part`, file)
  })
}

function sumOf(collections: GCProfilerResult['statistics'], from: number, to: number): Allocations {
  let allocated = 0
  let kept = 0
  let last = from
  for (const { gcType, beforeGC, afterGC } of collections) {
    const before = beforeGC.heapStatistics.usedHeapSize
    const after = afterGC.heapStatistics.usedHeapSize
    allocated += Math.max(0, before - last)
    if (gcType === 'Scavenge') kept += Math.max(0, after - last)
    last = after
  }
  return { allocated: allocated + Math.max(0, to - last), kept, collections: collections.length }
}
