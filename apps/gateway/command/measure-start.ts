/**
 * How long `spillway start` takes until its port answers, with the configuration that `init` writes, beside how long Node.js itself
 * takes (`node -e 0`), and the memory that it has three seconds later and, in the last run, when it has been idle for half a minute. Medians of runs in turn: `pnpm build` comes first, then
 * `pnpm --filter @spillway/gateway measure:start [RUNS]`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { residentBytes, startedIn, writeUsualConfig } from '../test/start-cost.ts'

const runs = Number(process.argv[2] ?? 15)
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

const folder = mkdtempSync(join(tmpdir(), 'spillway-start-'))
try {
  writeUsualConfig(folder)
  const bare: number[] = []
  const starts: number[] = []
  const memory: number[] = []
  let idle = Number.NaN
  for (let run = 0; run < runs; run++) {
    const from = performance.now()
    spawnSync(process.execPath, ['-e', '0'])
    bare.push(performance.now() - from)
    const { ms, child } = await startedIn(folder)
    starts.push(ms)
    await delay(3_000)
    memory.push(residentBytes(child) ?? Number.NaN)
    if (run === runs - 1) {
      // Idle threads end, and V8 releases their memory.
      await delay(27_000)
      idle = residentBytes(child) ?? Number.NaN
    }
    child.kill('SIGKILL')
  }
  const [start, node] = [median(starts), median(bare)]
  console.log(`medians of ${runs} runs, Node.js ${process.versions.node}`)
  console.log(`start until the port answers  ${start.toFixed(0)} ms`)
  console.log(
    `node -e 0                     ${node.toFixed(0)} ms (start takes ${(start / node).toFixed(1)} times that)`,
  )
  console.log(`memory after 3 s              ${(median(memory) / 2 ** 20).toFixed(0)} MiB`)
  console.log(`memory after 30 s             ${(idle / 2 ** 20).toFixed(0)} MiB`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
