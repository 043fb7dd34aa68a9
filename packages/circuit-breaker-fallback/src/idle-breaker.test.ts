import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('leaves a process with an idle breaker to end by itself', async () => {
  const program = fileURLToPath(new URL('../test/idle-breaker.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@spillway/source', '--no-warnings', program],
    { timeout: 15_000 },
  )
  expect(stdout.trim()).toBe("[ 'closed', 'open' ]")
})
