import { expect, it } from 'vitest'
import { classifyHttpError } from './failure-classification.ts'
import { rateLimitResetMs } from './rate-limit-reset.ts'
import { longestWait } from './retry-after.ts'
import { vendorLimits } from './vendor-limits.ts'

const epoch = Date.UTC(2026, 0, 1)

it.each([
  [
    'Anthropic, RFC 3339',
    {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:12Z',
    },
    12_000,
  ],
  [
    'Anthropic with an offset',
    {
      'anthropic-ratelimit-tokens-remaining': '0',
      'anthropic-ratelimit-tokens-reset': '2026-01-01T01:00:01+01:00',
    },
    1_000,
  ],
  [
    'a subscription, Unix seconds',
    {
      'anthropic-ratelimit-unified-5h-status': 'rejected',
      'anthropic-ratelimit-unified-5h-reset': String(epoch / 1000 + 60),
    },
    60_000,
  ],
  ['OpenAI, seconds', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '12s' }, 12_000],
  ['OpenAI, minutes', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
  ['OpenAI, milliseconds', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, 20],
  [
    'OpenAI, several units',
    { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1h2m3.5s' },
    3_723_500,
  ],
  [
    'OpenRouter, Unix milliseconds',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch + 5_000) },
    5_000,
  ],
  [
    'a moment that has passed',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch - 5_000) },
    0,
  ],
  [
    'limits that are not used up',
    {
      'anthropic-ratelimit-requests-remaining': '3',
      'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:12Z',
    },
    undefined,
  ],
  ['nonsense', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'soon' }, undefined],
  ['no headers', {}, undefined],
] as const)('reads %s', (_name, headers, expected) => {
  expect(rateLimitResetMs(headers, epoch)).toBe(expected)
})

it('takes the longest of several limits that are used up', () => {
  const headers = {
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:02Z',
    'anthropic-ratelimit-input-tokens-remaining': '0',
    'anthropic-ratelimit-input-tokens-reset': '2026-01-01T00:00:09Z',
  }
  expect(rateLimitResetMs(headers, epoch)).toBe(9_000)
})

it('stands in for a retry-after that a 429 does not have, and for nothing else', () => {
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch + 5_000) }
  expect(classifyHttpError(429, headers, undefined, epoch).retryAfterMs).toBe(5_000)
  expect(classifyHttpError(429, { ...headers, 'retry-after': '1' }, undefined, epoch).retryAfterMs).toBe(
    1_000,
  )
  expect(classifyHttpError(529, headers, undefined, epoch).retryAfterMs).toBeUndefined()
})

it.each([
  { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${'9'.repeat(400)}h` },
  { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '99999999999999' },
  {
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '9999-01-01T00:00:00Z',
  },
])('is never longer than one timer can wait for: %j', (headers) => {
  expect(rateLimitResetMs(headers, epoch)).toBe(longestWait)
})

it('bounds the time until a limit is reset in the same way', () => {
  const headers = {
    'x-ratelimit-limit-requests': '10',
    'x-ratelimit-remaining-requests': '5',
    'x-ratelimit-reset-requests': `${'9'.repeat(400)}h`,
  }
  expect(vendorLimits(headers, epoch)).toEqual([
    { dimension: 'requests', limit: 10, remaining: 5, resetMs: longestWait },
  ])
})
