import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { startCallersGateway } from '../../proving-ground/src/callers/gateway.ts'

const run = promisify(execFile)

// Those in Python and Go need more than a machine that runs these tests has: `pnpm prove callers` runs all.
it.each([
  [process.execPath, 'caller.ts'],
  ['sh', 'caller.sh'],
])('%s %s gets an answer of the gateway, and says which target gave it', async (program, name) => {
  await using gateway = await startCallersGateway()
  gateway.failNext()
  const file = fileURLToPath(new URL(`../src/callers/${name}`, import.meta.url))
  const env = { ...process.env, ANTHROPIC_BASE_URL: gateway.url }
  const { stdout } = await run(program, [file], { env })
  expect(stdout).toContain(gateway.answer)
  expect(stdout).toMatch(/served[ -]by:? claude/)
})
