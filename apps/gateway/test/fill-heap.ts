/** Run as a child: allocates as calls do, in many turns of the event loop, and prints the size of the young generation before, at most and afterwards. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { setEngineFlags, setServingFlags } from '../src/cli/engine-flags.ts'

const young = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0

// As `bin/spillway.js` does.
setFlagsFromString('--semi-space-growth-factor=1')
const kept: object[] = []
const allocate = async (): Promise<number> => {
  let most = 0
  for (let turn = 0; turn < 1_000; turn++) {
    for (let index = 0; index < 2_000; index++) {
      const one = { index, more: [turn, index] }
      if (index % 4 === 0) kept[(turn * 500 + index / 4) % 100_000] = one
    }
    most = Math.max(most, young())
    await nextTurn()
  }
  return most
}
const starting = await allocate()
setEngineFlags()
setServingFlags()
console.log(JSON.stringify({ starting, serving: await allocate() }))
process.exit()
