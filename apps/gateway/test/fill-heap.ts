/** Run as a child: allocates as calls do, in many turns of the event loop, and prints how large the generations of the heap became, in bytes. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { setEngineFlags, setServingFlags } from '../src/cli/engine-flags.ts'

const sizeOf = (name: string): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === name)?.space_size ?? 0

// As `bin/spillway.js` does.
setFlagsFromString('--semi-space-growth-factor=1')
const kept: object[] = []
const allocate = async (turns: number, live: number): Promise<{ young: number; old: number }> => {
  const most = { young: 0, old: 0 }
  for (let turn = 0; turn < turns; turn++) {
    for (let index = 0; index < 2_000; index++) {
      const one = { index, more: [turn, index] }
      if (index % 4 === 0) kept[(turn * 500 + index / 4) % live] = one
    }
    most.young = Math.max(most.young, sizeOf('new_space'))
    most.old = Math.max(most.old, sizeOf('old_space'))
    await nextTurn()
  }
  return most
}
const starting = await allocate(1_000, 100_000)
setEngineFlags()
setServingFlags()
const serving = await allocate(4_000, 400_000)
const body = Buffer.alloc(32 * 2 ** 20)
const withBodies = await allocate(4_000, 400_000)
console.log(JSON.stringify({ starting, serving, withBodies, body: body.length }))
process.exit()
