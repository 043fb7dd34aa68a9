import { hasRedis } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { type Figure, losesNoCall, outlivesAProcess } from './scenarios.ts'

/** Windows and waits are so many times as fast; `pnpm prove shared-limits` runs the same in real time. */
const run = { speed: 15, execArgv: ['--conditions=@spillway/source'] }

const missed = (figures: readonly Figure[]): Figure[] => figures.filter(({ holds }) => !holds)

// How many calls pass in a window, and how soon places are free, is not judged in fast time: what a call waits for Redis and for a busy machine is no faster, and
// would be many admissions. `pnpm prove shared-limits` judges it in real time, and a test of the limiter on a virtual clock.
describe.skipIf(!hasRedis() && !process.env.CI)('four processes that share a limit', () => {
  it('lose no call when Redis stops and comes back', async () => {
    expect(missed(await losesNoCall(run))).toEqual([])
  }, 60_000)

  it('get the places of one that is killed when its leases are over', async () => {
    expect(missed(await outlivesAProcess(run))).toEqual([])
  }, 60_000)
})
