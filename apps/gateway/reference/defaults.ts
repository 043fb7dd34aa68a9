import {
  circuitBreakerDefaults,
  fallbackDefaults,
  refusalFallbackDefaults,
} from '@spillway/circuit-breaker-fallback'
import { poolDefaults } from '@spillway/core-client'
import { vaultDefaults } from '@spillway/key-vault'
import { ledgerDefaults, ledgerStoreDefaults, postgresDefaults, retentionDefaults } from '@spillway/ledger'
import { engineDefaults } from '@spillway/local-model'
import { defaultTimeouts } from '@spillway/middleware/kit'
import { mirrorDefaults } from '@spillway/mirror'
import { adaptiveConcurrencyDefaults, rateLimitDefaults, redisLimitStoreDefaults } from '@spillway/rate-limit'
import { retryDefaults } from '@spillway/retry'
import { routingDefaults } from '@spillway/routing'
import { telemetryDefaults } from '@spillway/telemetry'
import { alertDefaults } from '../src/alerts/alert-settings.ts'
import { liveDefaults } from '../src/api/live-events.ts'
import { defaultKeepAliveAfter } from '../src/gateway.ts'
import { http2Defaults } from '../src/http2/http2-limits.ts'
import { boundDefaults } from '../src/server/bounds.ts'
import { sheddingDefaults } from '../src/shedding/load-shedder.ts'
import { defaultExportEvery } from '../src/telemetry/otlp.ts'
import { tlsDefaults } from '../src/tls/tls-config.ts'
import { usualDrain } from '../src/workers/usual-drain.ts'

/** The default of each key, by the mapping that it is in. A text is shown as it is. */
export const defaults: Readonly<Record<string, object>> = {
  server: {
    ...boundDefaults,
    workers: 1,
    keepAliveAfter: defaultKeepAliveAfter,
    drainFor: usualDrain,
    drainDelay: '0s',
    maxInFlightBytes: '512MiB, less on small machines',
    exposed: false,
    http2: true,
  },
  'server.loadShedding': sheddingDefaults,
  'server.tls': { ...tlsDefaults, warnBefore: '14d' },
  'server.http2': http2Defaults,
  'server.live': liveDefaults,
  'server.log': { format: 'pretty', level: 'info', file: 'none' },
  timeouts: { ...defaultTimeouts, headers: '20s, for streams of vendors' },
  retry: retryDefaults,
  rateLimit: {
    ...rateLimitDefaults,
    maxQueued: rateLimitDefaults.maxQueued,
    countCacheReads: 'see there',
    priority: 5,
  },
  'rateLimit.adaptiveConcurrency': adaptiveConcurrencyDefaults,
  circuitBreaker: { enabled: true, ...circuitBreakerDefaults },
  fallback: fallbackDefaults,
  'fallback.refusal': refusalFallbackDefaults,
  'targets.NAME': { includeUsage: true, dialect: 'by the host of the endpoint' },
  'targets.NAME.endpoints[]': { http2: false },
  'targets.NAME.endpoints[].pool': poolDefaults,
  'targets.NAME.routing': {
    ...routingDefaults,
    affinity: true,
    ejection: true,
    hedge: undefined,
    keys: undefined,
  },
  'targets.NAME.routing.affinity': routingDefaults.affinity,
  'targets.NAME.routing.ejection': routingDefaults.ejection,
  'targets.NAME.routing.keys': routingDefaults.keys,
  'targets.NAME.routing.hedge': { after: 'p95', maxExtra: 0.05 },
  'targets.NAME.embedded': { ...engineDefaults, maxThreads: 'by the model' },
  'routes[]': { priority: 'interactive' },
  'mirror[]': { ...mirrorDefaults, sample: undefined },
  storage: {},
  'alerts[]': {
    ...alertDefaults,
    name: 'kind and number',
    on: 'all but two',
    secret: 'required with to: webhook',
  },
  'storage.retention': retentionDefaults,
  'storage.writer': ledgerDefaults,
  'storage.reads': {
    timeout: ledgerStoreDefaults.readTimeout,
    maxWaiting: ledgerStoreDefaults.maxWaitingReads,
  },
  'storage.postgres': postgresDefaults,
  state: redisLimitStoreDefaults,
  telemetry: { ...telemetryDefaults, exportEvery: defaultExportEvery },
  vault: {
    requestTimeout: 5_000,
    mount: 'transit',
    service: 'spillway',
    account: 'vault',
    kind: 'age',
    workFactor: 18,
    required: true,
    direct: false,
  },
  'vault.cache': { ...vaultDefaults, keepFor: vaultDefaults.cacheFor },
}
