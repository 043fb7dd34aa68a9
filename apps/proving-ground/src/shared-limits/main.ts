import { parseArgs } from 'node:util'
import { hasRedis } from '@spillway/testing'
import { type Figure, holdsTheLimit, losesNoCall, outlivesAProcess, survivesARestart } from './scenarios.ts'

const { values: options } = parseArgs({
  options: {
    speed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '3' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm prove shared-limits [options]

Four processes share a limit of 600 calls a minute over a redis-server of their own: with five times the load, while Redis
is killed and started again, and when one of them is killed. About ten minutes in real time.

  --speed N     how many times as fast as real time windows and waits are (default 1)
  --minutes N   how many minutes the limit is watched (default 3)
  --check       exit with 1 when a target is missed`)
  process.exit(0)
}
if (!hasRedis()) {
  console.error('redis-server is not installed; on Debian: apt-get install redis-server')
  process.exit(2)
}

const run = {
  speed: Number(options.speed),
  progress: (text: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text} `)
  },
}
let isMissed = false
for (const scenario of [
  () => holdsTheLimit(run, Number(options.minutes)),
  () => losesNoCall(run),
  () => survivesARestart(run),
  () => outlivesAProcess(run),
]) {
  const figures: Figure[] = await scenario()
  run.progress('')
  for (const { what, seen, target, holds } of figures) {
    console.log(`${holds ? 'holds ' : 'MISSED'}  ${what}: ${seen} (${target})`)
    isMissed ||= !holds
  }
}
if (options.check && isMissed) process.exitCode = 1
