import { expect, it } from 'vitest'
import { memoryLines, type Sample } from './memory-lines.ts'

const mebibyte = 2 ** 20

/** RSS in MB at a steady 100 calls a second, one value each six seconds, as it was seen once. */
const seen = [
  200.8, 199.4, 201, 199.7, 199.4, 200.4, 199.5, 198.9, 199.7, 199.2, 199.1, 198.8, 199.2, 198.9, 199.4,
  199.2, 199.1, 199.4, 201, 198.9, 199, 200.9, 198.2, 198.4, 199.2, 199.4, 198.7, 199.8, 199.2, 199.2, 198.9,
  197.5, 198.8, 199.3, 198.9, 200, 199.5, 198.6, 198.8, 200.3, 198.4, 198.4, 199.7, 199.2, 198.8, 198.6,
  198.5, 199.4, 198.5, 200,
]

/** Ten minutes of it, in which each call leaves so many bytes behind. */
function samplesWith(leak: number, part: 'native' | 'heap' = 'native'): Sample[] {
  return [...seen, ...seen.toReversed()].map((rss, index) => {
    const leaked = leak * 100 * index * 6
    return {
      ...{
        at: index * 6,
        inFlight: 30,
        descriptors: 300,
        threads: 14,
        heapTotal: 0,
        external: 0,
        workers: [],
      },
      ...{ resources: { Timeout: 50 + (index % 7) }, arrayBuffers: mebibyte },
      rss: rss * mebibyte + leaked,
      heapUsed: 37 * mebibyte + (part === 'heap' ? leaked : 0),
    }
  })
}

const failing = (samples: Sample[]): string[] =>
  memoryLines(samples)
    .filter(({ holds }) => !holds)
    .map(({ what }) => what)

it('what swings by 2 MB about a level holds', () => {
  expect(failing(samplesWith(0))).toEqual([])
})

it.each(['native', 'heap'] as const)('a %s leak of 32 bytes a call is found in that noise', (part) => {
  expect(failing(samplesWith(32, part))).toEqual(part === 'heap' ? ['RSS', 'heap'] : ['RSS'])
})

it('a step in the middle counts as what it is on the whole', () => {
  const stepped = samplesWith(0).map((sample, index) => ({
    ...sample,
    rss: sample.rss + (index > 50 ? 4 * mebibyte : 0),
  }))
  expect(failing(stepped)).toEqual(['RSS'])
})
