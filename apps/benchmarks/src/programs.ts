import type { Programs } from '../../../.ci/run-program.ts'

/** What `pnpm bench NAME` runs, by name. */
export const programs: Programs = {
  calls: {
    what: 'CPU of a call: our client, the SDKs, fetch and undici; the gateway beside a bare proxy',
    load: () => import('./calls.ts'),
  },
  gateways: {
    what: 'CPU and added latency of the gateway beside nginx, a bare proxy and other gateways',
    load: () => import('./gateways/main.ts'),
  },
  allocations: {
    what: 'bytes that a small call allocates on the main thread of the gateway, and what collections leave of them',
    load: () => import('./allocations.ts'),
  },
  memory: {
    what: 'memory of the gateway when idle and after a million calls, of a limiter key over Redis; what /metrics blocks',
    load: () => import('./memory/main.ts'),
  },
  streams: {
    what: '2,000 concurrent streams through the gateway and through a bare proxy',
    load: () => import('./streams/main.ts'),
  },
  admission: {
    what: 'rate-limit: CPU of a call within its limits, beside other libraries',
    load: () => import('./admission.ts'),
  },
  'shared-admission': {
    what: 'rate-limit: latency of limits shared over Redis, beside other libraries',
    load: () => import('./shared-admission.ts'),
  },
  breaker: {
    what: 'circuit-breaker-fallback: CPU of a call through a closed circuit, beside other libraries',
    load: () => import('./breaker.ts'),
  },
  routing: {
    what: 'routing: CPU of choosing an endpoint',
    load: () => import('./routing.ts'),
  },
  budgets: {
    what: 'budgets: CPU of a reservation, and memory of 10,000 clients',
    load: () => import('./budgets.ts'),
  },
  workers: {
    what: 'gateway: CPU of the limits, budgets and books that workers share through their primary',
    load: () => import('./workers.ts'),
  },
  telemetry: {
    what: 'telemetry: CPU of the spans and metrics of a call, beside the OpenTelemetry SDK alone',
    load: () => import('./telemetry.ts'),
  },
  clients: {
    what: 'gateway: memory of client keys, CPU of checking one, and what it adds to a call',
    load: () => import('./clients.ts'),
  },
  ledger: {
    what: 'ledger: each view of the dashboard over 1,000,000 attempts, in SQLite or PostgreSQL',
    load: () => import('./ledger.ts'),
  },
  booking: {
    what: 'ledger: CPU of booking a call at 5,000 a second, in SQLite or in memory, with the audit log',
    load: () => import('./booking.ts'),
  },
}
