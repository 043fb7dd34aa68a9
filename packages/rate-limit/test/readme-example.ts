import { rateLimit, wrapFetch } from '@spillway/rate-limit'

export const pacedFetch = wrapFetch(
  fetch,
  rateLimit({
    requestsPerMinute: 600,
    inputTokensPerMinute: 400_000,
    outputTokensPerMinute: 80_000,
    concurrency: 50,
  }),
)
