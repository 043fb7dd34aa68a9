import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Tests run against the sources; what is published is checked by `check` and by the tests that start programs.
export default defineConfig({
  resolve: { conditions: ['@spillway/source'] },
  // Not `import`: it would hold for `require` too, and give CommonJS packages the ES modules of others.
  ssr: { resolve: { conditions: ['@spillway/source', 'node'] } },
  test: {
    include: ['{packages,apps}/*/src/**/*.test.ts', '{packages,apps}/*/test/**/*.test.ts'],
    testTimeout: 20_000,
    // Most of the time of the long tests is spent waiting for programs that they start: two at a time suit two cores.
    maxWorkers: 2,
    // Gateways that tests start leave nothing in the home of whoever runs them.
    env: { XDG_STATE_HOME: fileURLToPath(new URL('node_modules/.cache/test-state', import.meta.url)) },
    hookTimeout: 60_000,
    reporters: ['default', './.ci/summary-reporter.ts'],
  },
})
