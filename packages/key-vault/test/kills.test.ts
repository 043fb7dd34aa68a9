import { expect, it } from 'vitest'
import { killLoop } from './kill-loop.ts'

// Enough for each write step of each change once; `pnpm prove kills 200` goes on.
it('survives kill -9 at every write of a rotation and of a new key', { timeout: 180_000 }, async () => {
  const { kills, wholeRuns, at } = await killLoop(61)
  expect(kills).toBe(61)
  expect(wholeRuns).toBeGreaterThanOrEqual(3)
  for (const work of ['rekey', 'rotate', 'rotate-to-a-bad-key']) {
    expect(Object.keys(at).filter((place) => place.startsWith(`${work} `)).length).toBeGreaterThanOrEqual(18)
  }
})
