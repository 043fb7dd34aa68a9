import { expect, it } from 'vitest'
import { type MemoryPoint, MemoryWatch } from './memory-watch.ts'

const mebibyte = 2 ** 20
const requests = 1_000_000

/** RSS in MB from half of the requests to all, as it was seen once. */
const seen = [203, 202.8, 204.9, 203.9, 203.5, 203, 204.5, 204, 204.6, 205.8, 206.6]

/** A run in which each request leaves so many bytes behind. */
function runWith(change: (done: number) => Partial<MemoryPoint>): MemoryWatch {
  const watch = new MemoryWatch()
  for (const [index, rss] of seen.entries()) {
    const done = requests * (0.5 + index / 20)
    const point = { rss: rss * mebibyte, heapUsed: 42 * mebibyte, arrayBuffers: mebibyte, descriptors: 190 }
    const rest = { heapTotal: 0, external: 0, resources: {}, workers: [], threads: 14 }
    const changed = change(done)
    watch.remember({ done, ...point, ...rest, ...changed, rss: point.rss + (changed.rss ?? 0) })
  }
  return watch
}

const problems = (change: (done: number) => Partial<MemoryPoint>): string[] =>
  runWith(change)
    .problems(requests)
    .map((problem) => problem.replace(/ by .*| at the end.*/, ''))

it('a run as it was seen once has no problem, and says what grew', () => {
  const watch = runWith(() => ({}))
  expect(watch.problems(requests)).toEqual([])
  expect(watch.growths(requests).map(({ what, bytes }) => [what, Math.round(bytes / mebibyte)])).toEqual([
    ['the heap', 0],
    ["the workers' heap", 0],
    ['array buffers', 0],
    ['RSS', 3],
  ])
})

it('a leak of two dozen bytes a request is found in the heap, in those of workers and in array buffers', () => {
  const leaked = (done: number): number => 10 * mebibyte + 24 * done
  expect(problems((done) => ({ heapUsed: leaked(done), rss: 24 * done }))).toEqual(['the heap grew'])
  expect(problems((done) => ({ workers: [{ heapUsed: leaked(done), heapTotal: 0 }] }))).toEqual([
    "the workers' heap grew",
  ])
  expect(problems((done) => ({ arrayBuffers: leaked(done) }))).toEqual(['array buffers grew'])
})

it('a leak of 72 bytes a request that only the system sees is found in RSS', () => {
  expect(problems((done) => ({ rss: 72 * done }))).toEqual(['RSS grew'])
})

it('descriptors and threads that are never closed are found', () => {
  const more = problems((done) => ({ descriptors: 190 + done / 2_000, threads: 14 + done / 100_000 }))
  expect(more).toEqual(['250 more descriptors', '5 more threads'])
})

it('a short run proves nothing', () => {
  expect(runWith((done) => ({ rss: 1_000 * done })).problems(40_000)).toEqual([])
})
