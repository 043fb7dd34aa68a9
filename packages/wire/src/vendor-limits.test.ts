import { expect, it } from 'vitest'
import { isVendorLimit } from './vendor-limits.ts'

it.each([
  'anthropic-ratelimit-requests-remaining',
  'anthropic-ratelimit-unified-5h-utilization',
  'anthropic-ratelimit-unified-overage-status',
  'anthropic-priority-input-tokens-limit',
  'anthropic-fast-output-tokens-remaining',
  'x-ratelimit-limit',
  'x-ratelimit-remaining-requests',
  'x-rate-limit-remaining',
  'ratelimit',
  'ratelimit-policy',
])('%s says what is left of a limit', (name) => {
  expect(isVendorLimit(name)).toBe(true)
})

it.each([
  'retry-after',
  'retry-after-ms',
  'request-id',
  'anthropic-organization-id',
  'x-ratelimiter',
  'ratelimited',
])('%s does not', (name) => {
  expect(isVendorLimit(name)).toBe(false)
})
