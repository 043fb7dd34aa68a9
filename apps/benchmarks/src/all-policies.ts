import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { circuitBreaker, fallback } from '@spillway/circuit-breaker-fallback'
import { createClient } from '@spillway/core-client'
import { initAgeFile, openVault, type VaultCredential } from '@spillway/key-vault'
import { compose, type Middleware } from '@spillway/middleware'
import { createMirror } from '@spillway/mirror'
import { rateLimit } from '@spillway/rate-limit'
import { retry } from '@spillway/retry'
import { balance } from '@spillway/routing'
import { attemptTelemetry, telemetry } from '@spillway/telemetry'

/** Every policy in the recommended order, and what a client has besides. */
export interface AllPolicies {
  readonly middleware: readonly Middleware[]
  readonly credential: VaultCredential
  close(): Promise<void>
}

/**
 * Telemetry, mirror, fallback, retry, routing, circuit breaker, rate limit and key vault: eight, each with its defaults and limits
 * that hold no call back. No SDK of OpenTelemetry is registered, and no call is mirrored.
 */
export async function allPolicies(url: string): Promise<AllPolicies> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const files = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
  const vault = openVault({ driver: await initAgeFile(files) })
  await vault.add('claude', 'sk-benchmark')
  const spare = createClient({ provider: 'anthropic', baseUrl: url, credential: 'sk-spare', name: 'spare' })
  const endpoint = (): Middleware[] => [
    circuitBreaker(),
    rateLimit({
      ...{ requestsPerMinute: 1e8, inputTokensPerMinute: 1e12, outputTokensPerMinute: 1e12 },
      concurrency: 1_000,
    }),
    attemptTelemetry(),
  ]
  const routing: Middleware = (next) =>
    balance(['a', 'b'].map((name) => ({ name, handler: compose(endpoint(), next) })))
  return {
    middleware: [
      telemetry(),
      createMirror({ to: spare, sample: 0 }).middleware,
      fallback([spare]),
      retry(),
      routing,
    ],
    credential: vault.credential('claude'),
    async close() {
      await Promise.all([spare.close(), vault.close()])
      rmSync(folder, { recursive: true })
    },
  }
}
