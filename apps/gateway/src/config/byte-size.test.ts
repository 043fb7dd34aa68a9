import { expect, it } from 'vitest'
import { parseByteSize } from './byte-size.ts'

it.each([
  ['512MiB', 536_870_912],
  ['1.5 GB', 1_500_000_000],
  ['64KiB', 65_536],
  ['2kB', 2_000],
  ['7B', 7],
  ['512', undefined],
  ['512mb', undefined],
  ['-1MB', undefined],
  ['MB', undefined],
])('%s is %s bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
})
