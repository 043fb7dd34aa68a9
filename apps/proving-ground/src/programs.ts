import type { Programs } from '../../../.ci/run-program.ts'

/** What `pnpm prove NAME` runs, by name. */
export const programs: Programs = {
  agreement: {
    what: 'all books of the gateway (ledger, /metrics, /api, dashboard) against what the upstreams recorded',
    load: () => import('./agreement/main.ts'),
  },
  audit: {
    what: 'entries a second that the audit trail commits to a PostgreSQL 5 ms away, none lost',
    load: () => import('./audit/main.ts'),
  },
  callers: {
    what: 'the callers in TypeScript, Python, Go and curl that the documentation shows, through a gateway',
    load: () => import('./callers/main.ts'),
  },
  day: {
    what: 'a day of 500 agents within the limits of a vendor, beside a perfect scheduler, on a virtual clock',
    load: () => import('./day/main.ts'),
  },
  'fault-book': {
    what: 'each fault of an upstream, each protocol and shape: what a caller of a gateway gets',
    load: () => import('./fault-book/main.ts'),
  },
  fleet: {
    what: 'three gateways on one Redis and PostgreSQL: limits at five times their load, then all that can be killed is',
    load: () => import('./fleet/main.ts'),
  },
  fuzz: {
    what: 'mutated requests and answers; with --keys, keys and permissions that change under load',
    load: () => import('./fuzz/main.ts'),
  },
  kills: {
    what: 'key vault: processes killed at each write step, the vault opened after each',
    load: () => import('../../../packages/key-vault/test/kills.ts'),
  },
  mirror: {
    what: 'latency of mirrored calls while the candidate is well, dead, slow or hostile',
    load: () => import('./mirror/main.ts'),
  },
  outage: {
    what: 'a database that goes away under load: no call fails, no row is lost or booked twice',
    load: () => import('./outage/main.ts'),
  },
  recovery: {
    what: 'routing: an endpoint that is slow, then dead, then back, on a virtual clock',
    load: () => import('./recovery/main.ts'),
  },
  release: {
    what: 'all packages published to a registry of this machine; the six and the gateway installed alone, and used',
    load: () => import('./release/main.ts'),
  },
  reload: {
    what: 'configurations written every five seconds under load: no call fails, no stream is cut',
    load: () => import('./reload/main.ts'),
  },
  'sdk-suites': {
    what: 'the test suites of official SDKs with wrapFetch around their fetch',
    load: () => import('./sdk-suites/main.ts'),
  },
  'shared-limits': {
    what: 'four processes share limits over Redis, while Redis and one of them are killed',
    load: () => import('./shared-limits/main.ts'),
  },
  shedding: {
    what: 'interactive calls are answered while batch calls ask for three times the capacity',
    load: () => import('./shedding/main.ts'),
  },
  soak: {
    what: 'memory, descriptors and books under steady load with faults',
    load: () => import('./soak/main.ts'),
  },
  storm: {
    what: '400,000 calls while attempts fail: directly, with retries, with a fallback',
    load: () => import('./storm/main.ts'),
  },
  upgrade: {
    what: 'gateways of an earlier commit replaced one by one under load: no call fails, all are booked',
    load: () => import('./upgrade/main.ts'),
  },
  venues: {
    what: 'Claude at four clouds, each in turn throttled, out of credit, dead and back',
    load: () => import('./venues/main.ts'),
  },
}
