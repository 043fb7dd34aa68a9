import type { Holdings, SystemHoldings } from '../monitored.ts'
import { slopeOf } from '../slope.ts'

/** What the gateway held at a point of the run. */
export interface MemoryPoint extends Holdings, SystemHoldings {
  readonly done: number
}

/** By so much may heaps and RSS grow from half of the cases to all, in bytes, by their slopes. */
const heapGrowth = 8 * 2 ** 20
const rssGrowth = 32 * 2 ** 20
const moreDescriptors = 100
const moreThreads = 1

/** How much something grew in the second half of the cases, and how much it may, in bytes. */
export interface Growth {
  readonly what: string
  readonly bytes: number
  readonly most: number
}

/** A run of fewer cases proves nothing: the gateway is still warming up. */
export const fewestForMemory = 50_000

/** Remembers what the gateway holds over a run. */
export class MemoryWatch {
  readonly points: MemoryPoint[] = []

  remember(point: MemoryPoint): void {
    this.points.push(point)
  }

  /** What grew in the second half of so many cases, by the slopes; nothing for too few of them. */
  growths(requests: number): Growth[] {
    const late = this.#late(requests)
    if (late.length < 3) return []
    const growth = (what: string, most: number, read: (point: MemoryPoint) => number): Growth => ({
      what,
      bytes: growthOf(late, requests, read),
      most,
    })
    return [
      growth('the heap', heapGrowth, ({ heapUsed }) => heapUsed),
      growth("the workers' heap", heapGrowth, ({ workers }) => sum(workers.map(({ heapUsed }) => heapUsed))),
      growth('array buffers', heapGrowth, ({ arrayBuffers }) => arrayBuffers),
      growth('RSS', rssGrowth, ({ rss }) => rss),
    ]
  }

  /** What grew by more than it may. */
  problems(requests: number): string[] {
    const problems = this.growths(requests)
      .filter(({ bytes, most }) => bytes > most)
      .map(
        ({ what, bytes }) =>
          `${what} grew by ${(bytes / 2 ** 20).toFixed(1)} MB from half of the cases to all`,
      )
    const more = (what: string, most: number, read: (point: MemoryPoint) => number): void => {
      const grown = growthOf(this.#late(requests), requests, read)
      if (grown > most) problems.push(`${grown.toFixed(0)} more ${what} at the end than at half`)
    }
    more('descriptors', moreDescriptors, ({ descriptors }) => descriptors)
    more('threads', moreThreads, ({ threads }) => threads)
    return problems
  }

  #late(requests: number): MemoryPoint[] {
    return requests < fewestForMemory ? [] : this.points.filter(({ done }) => done >= requests / 2)
  }
}

function growthOf(
  late: readonly MemoryPoint[],
  requests: number,
  read: (point: MemoryPoint) => number,
): number {
  return (slopeOf(late.map((point) => ({ at: point.done, value: read(point) }))) * requests) / 2
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
