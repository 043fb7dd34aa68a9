import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { longTests } from './.ci/long-tests.ts'
import LongestFirst from './.ci/longest-first.ts'

const cacheFolder = (name: string): string =>
  fileURLToPath(new URL(`node_modules/.cache/${name}`, import.meta.url))

/** Whether long tests run too: in CI, and for whoever names a file on the command line. */
const isComplete = Boolean(process.env.CI) || process.argv.slice(2).some((argument) => argument.includes('/'))

// Tests run against the sources; what is published is checked by `check` and by the tests that start programs.
export default defineConfig({
  resolve: { conditions: ['@spillway/source'] },
  // Not `import`: it would hold for `require` too, and give CommonJS packages the ES modules of others.
  ssr: { resolve: { conditions: ['@spillway/source', 'node'] } },
  test: {
    testTimeout: 20_000,
    // A condition that is polled may wait for a program to start, on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    // Much of the time of tests is spent waiting for programs that they start: two at a time use two thirds of two cores.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    env: {
      // Gateways that tests start leave nothing in the home of whoever runs them.
      XDG_STATE_HOME: cacheFolder('test-state'),
      // Tests start some five hundred programs and threads of the same few modules, and compile each once.
      NODE_COMPILE_CACHE: cacheFolder('compiled'),
    },
    hookTimeout: 60_000,
    reporters: ['default', './.ci/summary-reporter.ts'],
    projects: [
      // One process for many files, which saves a quarter of a second for each: what is beside the code of a package starts little
      // and leaves nothing behind.
      {
        extends: true,
        test: {
          name: 'beside',
          include: ['packages/*/src/**/*.test.ts'],
          isolate: false,
          setupFiles: ['./.ci/clean-up-after-a-file.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: ['apps/*/src/**/*.test.ts', '{packages,apps}/*/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...longTests],
        },
      },
      {
        extends: true,
        test: { name: 'long', include: isComplete ? [...longTests] : [] },
      },
    ],
  },
})
