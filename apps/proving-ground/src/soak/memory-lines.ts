import type { BooksLine } from '../books.ts'
import type { Holdings, SystemHoldings } from '../monitored.ts'
import { medianOf, slopeOf } from '../slope.ts'

/** What the gateway held, after a garbage collection. */
export interface Sample extends Holdings, SystemHoldings {
  /** Seconds since the first call. */
  readonly at: number
  readonly inFlight: number
}

const mebibyte = 2 ** 20

/** By so much may RSS grow in ten minutes, in bytes. */
const rssBound = mebibyte

/** How fast something rises, in its unit in ten minutes. */
export function inTenMinutes(samples: readonly Sample[], read: (sample: Sample) => number): number {
  return slopeOf(samples.map((sample) => ({ at: sample.at, value: read(sample) }))) * 600
}

/** Slopes of what is held once the gateway is warm. */
export function memoryLines(samples: readonly Sample[]): BooksLine[] {
  const memory = (what: string, read: (sample: Sample) => number, most: number): BooksLine => {
    const grown = inTenMinutes(samples, read)
    const seen = `${signed(grown / mebibyte, 2)} MB in ten minutes, median ${(medianOf(samples.map(read)) / mebibyte).toFixed(1)} MB`
    return line(what, seen, grown < most)
  }
  const count = (what: string, read: (sample: Sample) => number, most: number): BooksLine => {
    const grown = inTenMinutes(samples, read)
    return line(
      what,
      `${signed(grown, 1)} in ten minutes, median ${medianOf(samples.map(read))}`,
      grown < most,
    )
  }
  return [
    memory('RSS', ({ rss }) => rss, rssBound),
    memory('heap', ({ heapUsed }) => heapUsed, mebibyte),
    memory('array buffers', ({ arrayBuffers }) => arrayBuffers, mebibyte),
    count('timers', ({ resources }) => resources.Timeout ?? 0, 5),
  ]
}

const line = (what: string, seen: string, holds: boolean): BooksLine => ({ what, seen, holds })
const signed = (value: number, digits: number): string => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`
