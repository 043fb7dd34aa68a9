import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { wrapFetch } from '@spillway/attempt'
import { expect, vi } from 'vitest'

/** Runs in the test runner of a suite, before its tests. */
const globals = globalThis as unknown as {
  jest: unknown
  wrapTested: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch
}

globals.jest = vi
globals.wrapTested =
  process.env.SPILLWAY_WRAPS === 'yes' ? (fetch) => wrapFetch({ fetch, onNotCovered() {} }) : (fetch) => fetch

// Tests of a package read their samples from where its own runner starts.
let folder = dirname(expect.getState().testPath ?? join(process.cwd(), 'test'))
while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder)
process.chdir(folder)
