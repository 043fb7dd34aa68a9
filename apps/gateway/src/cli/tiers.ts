import type { RateLimitConfig } from '../config/config.ts'

/**
 * Limits to begin with, for `link --tier`. They are ours and not a vendor's: the vendor's console tells those of an
 * account, and the file may be changed at any time.
 */
export const tiers: Readonly<Record<'starter' | 'pro' | 'scale', RateLimitConfig>> = {
  starter: {
    requestsPerMinute: 50,
    inputTokensPerMinute: 30_000,
    outputTokensPerMinute: 8_000,
    concurrency: 5,
  },
  pro: {
    requestsPerMinute: 600,
    inputTokensPerMinute: 400_000,
    outputTokensPerMinute: 80_000,
    concurrency: 50,
  },
  scale: {
    requestsPerMinute: 4_000,
    inputTokensPerMinute: 2_000_000,
    outputTokensPerMinute: 400_000,
    concurrency: 200,
  },
}
