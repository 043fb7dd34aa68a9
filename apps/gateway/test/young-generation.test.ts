import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('the young generation of the heap stays small while the gateway starts, and grows to a bound when it serves', () => {
  const child = fileURLToPath(new URL('./fill-heap.ts', import.meta.url))
  const said = execFileSync(process.execPath, ['--conditions=@spillway/source', child], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  const { starting, serving } = JSON.parse(said) as { starting: number; serving: number }
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)
  expect(mebibytes(starting)).toBeLessThan(16)
  expect(mebibytes(serving)).toBeGreaterThanOrEqual(16)
  // V8 doubles it, and would go on to 128.
  expect(mebibytes(serving)).toBeLessThanOrEqual(64)
})
