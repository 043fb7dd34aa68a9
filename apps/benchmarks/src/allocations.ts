/**
 * What a small call allocates on the gateway's main thread, with everything on: bytes a call, and what collections leave of them.
 * `pnpm bench allocations [--check]`
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { checkOption } from './check-option.ts'
import { closedLoop } from './gateways/closed-loop.ts'
import type { Allocations } from './gateways/count-allocations.ts'
import { prompts } from './gateways/prompts.ts'
import { rivals } from './gateways/rivals.ts'

const check = checkOption(
  'allocations',
  'Counts the bytes that a small JSON call allocates on the main thread of the gateway, over 10,000 calls, and what of them outlives a collection.',
)

const calls = 10_000

/** Bytes of a call. More that is kept means pauses: see decision 0215. */
const bounds = { allocated: 70_000, kept: 4_000 }

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
const claude = fork(new URL('./gateways/raw-claude.ts', import.meta.url), {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
})
let missed = 0
try {
  const [{ port }] = (await once(claude, 'message')) as [{ port: number }]
  for (const name of ['spillway', 'spillway-memory']) missed += await measure(name, port)
} finally {
  claude.disconnect()
  rmSync(folder, { recursive: true, force: true })
}
if (check && missed > 0) process.exitCode = 1

/** @returns how many bounds were missed */
async function measure(name: string, port: number): Promise<number> {
  const rival = rivals[name]
  const missing = rival?.missing()
  if (rival === undefined || missing !== undefined) throw new Error(`${name}: ${missing}`)
  const file = join(folder, `${name}.json`)
  const running = await rival.start([new URL(`http://127.0.0.1:${port}`)], {
    NODE_OPTIONS: `--import=${new URL('./gateways/count-allocations.ts', import.meta.url)}`,
    ALLOCATIONS_FILE: file,
  })
  try {
    const load = { connections: 16, body: prompts.json.body }
    // Until its code is compiled.
    await closedLoop(running, { ...load, calls: 2 * calls })
    // A table that was idle for a moment is in the old generation.
    await wait(1_000)
    running.signal('SIGUSR2')
    await closedLoop(running, { ...load, calls })
    running.signal('SIGUSR2')
    for (let waited = 0; !existsSync(file); waited += 50) {
      if (waited > 10_000) throw new Error(`${rival.name} has not written ${file}`)
      await wait(50)
    }
  } finally {
    await running.stop()
  }
  const counted = JSON.parse(readFileSync(file, 'utf8')) as Allocations
  const perCall = { allocated: counted.allocated / calls, kept: counted.kept / calls }
  console.log(
    `${rival.name}: ${(perCall.allocated / 1_000).toFixed(1)} kB a call, of which ${(perCall.kept / 1_000).toFixed(1)} kB outlive a collection; ${counted.collections} collections`,
  )
  let over = 0
  for (const each of ['allocated', 'kept'] as const) {
    if (perCall[each] <= bounds[each]) continue
    over++
    console.log(
      `MISSED  ${rival.name}: ${each} ${perCall[each].toFixed(0)} bytes a call, at most ${bounds[each]}`,
    )
  }
  return over
}
