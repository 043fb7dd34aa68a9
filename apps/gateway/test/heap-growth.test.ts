import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it } from 'vitest'

/** How large a generation of the heap became, in bytes. */
interface Largest {
  readonly young: number
  readonly old: number
}

let starting: Largest
let serving: Largest
let withBodies: Largest

beforeAll(() => {
  const child = fileURLToPath(new URL('./fill-heap.ts', import.meta.url))
  const said = execFileSync(process.execPath, ['--conditions=@spillway/source', child], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  ;({ starting, serving, withBodies } = JSON.parse(said))
})

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)

it('the young generation of the heap stays small while the gateway starts, and grows to a bound when it serves', () => {
  expect(mebibytes(starting.young)).toBeLessThan(16)
  expect(mebibytes(serving.young)).toBeGreaterThanOrEqual(16)
  // V8 doubles it, and would go on to 128.
  expect(mebibytes(serving.young)).toBeLessThanOrEqual(64)
})

it('the heap grows less than V8 would let it, until there are large bodies', () => {
  // Where the flag is not read, it is 0.8 and more.
  expect(serving.old / withBodies.old).toBeLessThan(0.7)
})
