import { retry, timeouts, wrapFetch } from '@spillway/retry'

export const patientFetch = wrapFetch(fetch, timeouts({ total: 120_000 }), retry({ attempts: 4 }))
