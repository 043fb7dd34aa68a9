import { hasRedis } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { type Figure, holdsTheLimit, losesNoCall, outlivesAProcess, survivesARestart } from './scenarios.ts'

/** Windows and waits are so many times as fast; `pnpm bench:shared` runs the same in real time. */
const run = { speed: 15, execArgv: ['--conditions=@spillway/source'] }

const missed = (figures: readonly Figure[]): Figure[] => figures.filter(({ holds }) => !holds)

// Times run so many times as fast as real ones, and so does what a busy machine takes.
describe.skipIf(!hasRedis() && !process.env.CI)('four processes that share a limit', { retry: 2 }, () => {
  it('hold it within 2 % under five times the load', async () => {
    expect(missed(await holdsTheLimit({ ...run, speed: 6 }, 2))).toEqual([])
  }, 60_000)

  it('lose no call when Redis stops and comes back', async () => {
    expect(missed(await losesNoCall(run))).toEqual([])
  }, 60_000)

  it('hold it while Redis is away, and when it comes back without its data', async () => {
    // No faster: a pause of the machine would be many admissions.
    expect(missed(await survivesARestart({ ...run, speed: 6 }))).toEqual([])
  }, 120_000)

  it('get the places of one that is killed when its leases are over', async () => {
    expect(missed(await outlivesAProcess(run))).toEqual([])
  }, 60_000)
})
