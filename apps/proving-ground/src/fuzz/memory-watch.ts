import type { Holdings } from '../monitored.ts'
import { type Point, slopeOf } from '../slope.ts'

/** What the gateway held at a point of the run. */
export interface MemoryPoint extends Holdings {
  readonly done: number
  readonly descriptors: number
}

/**
 * By so much may heap and RSS grow from half of the cases to all, in bytes. RSS swings with what is in flight, such as bodies of
 * many megabytes: its slope is taken.
 */
const heapGrowth = 8 * 2 ** 20
const rssGrowth = 32 * 2 ** 20
const moreDescriptors = 100

/** A run of fewer cases proves nothing: the gateway is still warming up. */
export const fewestForMemory = 50_000

/** Remembers what the gateway holds over a run. */
export class MemoryWatch {
  /** At a tenth of the cases, at half, and at the end. */
  readonly points: MemoryPoint[] = []
  readonly #rss: Point[] = []

  remember(point: MemoryPoint): void {
    this.points.push(point)
  }

  /** Its RSS as it is, after so many cases. */
  sample(done: number, rss: number): void {
    this.#rss.push({ at: done, value: rss })
  }

  /** What grows after the first half of so many cases. */
  problems(requests: number): string[] {
    const [, half, all] = this.points
    if (requests < fewestForMemory || half === undefined || all === undefined) return []
    const late = this.#rss.filter(({ at }) => at >= requests / 2)
    const grown: [what: string, bytes: number, most: number][] = [
      ['the heap', all.heapUsed - half.heapUsed, heapGrowth],
      ['array buffers', all.arrayBuffers - half.arrayBuffers, heapGrowth],
      ['RSS', (slopeOf(late) * requests) / 2, rssGrowth],
    ]
    const problems = grown
      .filter(([, bytes, most]) => bytes > most)
      .map(
        ([what, bytes]) => `${what} grew by ${(bytes / 2 ** 20).toFixed(1)} MB from half of the cases to all`,
      )
    if (all.descriptors > half.descriptors + moreDescriptors)
      problems.push(`${all.descriptors} descriptors, ${half.descriptors} at half`)
    return problems
  }
}
