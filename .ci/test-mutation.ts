// `pnpm test:mutation FILE...`: whether the tests beside the named files notice when these are changed, one change at a time.
// Not run in CI: it takes minutes a file.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

/** Where less than this share of the changes is noticed, in percent, the command fails. */
const floor = 92

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', multiple: true, default: [] },
    concurrency: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help || files.length === 0) {
  console.log(`Usage: pnpm test:mutation FILE... [--tests FILE]... [--concurrency N]

Changes the named source files in a copy of the repository, one change at a time, and runs the tests beside them (x.test.ts and
x.property.test.ts of x.ts). Prints the changes that no test notices; exits with 1 when fewer than ${floor} % are noticed.

  --tests FILE      further test files to run; they should not wait in real time
  --concurrency N   how many changes are tested at a time (default: one less than processors)`)
  process.exit(options.help ? 0 : 2)
}
const missing = files.filter((file) => !existsSync(file))
if (missing.length > 0) {
  console.error(`there is no file ${missing.join(', ')}: name source files from the root of the repository`)
  process.exit(2)
}

const beside = files.flatMap((file) =>
  ['.test.ts', '.property.test.ts'].map((end) => file.replace(/\.ts$/, end)),
)
const tests = [...beside.filter((file) => existsSync(file)), ...options.tests]
const { status } = spawnSync(
  'stryker',
  ['run', '.ci/stryker.config.json', '--mutate', files.join(','), '--concurrency', options.concurrency],
  { stdio: 'inherit', env: { ...process.env, SPILLWAY_MUTATION_TESTS: tests.join(',') } },
)
process.exitCode = status ?? 1
