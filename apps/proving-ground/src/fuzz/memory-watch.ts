import type { Holdings } from '../monitored.ts'
import { slopeOf } from '../slope.ts'

/** What the gateway held at a point of the run. */
export interface MemoryPoint extends Holdings {
  readonly done: number
  readonly descriptors: number
}

/** By so much may heaps and RSS grow from half of the cases to all, in bytes, by their slopes. */
const heapGrowth = 8 * 2 ** 20
const rssGrowth = 32 * 2 ** 20
const moreDescriptors = 100

/** A run of fewer cases proves nothing: the gateway is still warming up. */
export const fewestForMemory = 50_000

/** Remembers what the gateway holds over a run. */
export class MemoryWatch {
  readonly points: MemoryPoint[] = []

  remember(point: MemoryPoint): void {
    this.points.push(point)
  }

  /** What grows in the second half of so many cases. */
  problems(requests: number): string[] {
    const late = this.points.filter(({ done }) => done >= requests / 2)
    if (requests < fewestForMemory || late.length < 3) return []
    const slope = (read: (point: MemoryPoint) => number): number =>
      (slopeOf(late.map((point) => ({ at: point.done, value: read(point) }))) * requests) / 2
    const grown: [what: string, bytes: number, most: number][] = [
      ['the heap', slope(({ heapUsed }) => heapUsed), heapGrowth],
      ["the workers' heap", slope(({ workers }) => sum(workers.map(({ heapUsed }) => heapUsed))), heapGrowth],
      ['array buffers', slope(({ arrayBuffers }) => arrayBuffers), heapGrowth],
      ['RSS', slope(({ rss }) => rss), rssGrowth],
    ]
    const problems = grown
      .filter(([, bytes, most]) => bytes > most)
      .map(
        ([what, bytes]) => `${what} grew by ${(bytes / 2 ** 20).toFixed(1)} MB from half of the cases to all`,
      )
    const descriptors = slope((point) => point.descriptors)
    if (descriptors > moreDescriptors)
      problems.push(`${descriptors.toFixed(0)} more descriptors at the end than at half`)
    return problems
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
