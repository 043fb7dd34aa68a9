import { wrapFetch } from '@spillway/attempt'
import { vi } from 'vitest'

/** Runs in the test runner of a suite, before its tests. */
const globals = globalThis as unknown as {
  jest: unknown
  wrapTested: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch
}

globals.jest = vi
globals.wrapTested =
  process.env.SPILLWAY_WRAPS === 'yes' ? (fetch) => wrapFetch({ fetch, onNotCovered() {} }) : (fetch) => fetch
