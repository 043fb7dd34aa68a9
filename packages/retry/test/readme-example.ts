import { retry, timeouts, wrapFetch } from '@spillway/retry'

export const patientFetch = wrapFetch(fetch, timeouts({ firstContent: 30_000 }), retry({ attempts: 4 }))
