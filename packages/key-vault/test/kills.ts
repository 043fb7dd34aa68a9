import { killLoop } from './kill-loop.ts'

// `pnpm prove kills 200`: kills so many processes in the middle of changing a vault, and opens it after each.
const count = Number(process.argv.findLast((argument) => /^\d+$/.test(argument)) ?? 200)
const began = performance.now()
const { kills, wholeRuns, at } = await killLoop(count)
for (const [place, times] of Object.entries(at))
  console.log(`killed before write step ${place}: ${times} times`)
const seconds = ((performance.now() - began) / 1000).toFixed(1)
console.log(
  `${kills} kills and ${wholeRuns} whole runs in ${seconds} s; the vault opened each time with all its secrets`,
)
