import { describe, expect, it } from 'vitest'
import { longestWait } from './retry-after.ts'
import { isVendorLimit, type VendorLimit, vendorLimits } from './vendor-limits.ts'

const epoch = Date.UTC(2026, 0, 1)
const minute = 60_000
const day = 86_400_000

const x = (kind: string, limit: number | string, remaining: number | string, reset?: string) => ({
  [`x-ratelimit-limit${kind}`]: String(limit),
  [`x-ratelimit-remaining${kind}`]: String(remaining),
  ...(reset === undefined ? {} : { [`x-ratelimit-reset${kind}`]: reset }),
})

describe('what comes back in a minute is told by reset, limit and remaining, whatever the period', () => {
  it.each([
    ['Groq, one of 14,400 requests a day used', x('-requests', 14_400, 14_399, '6s'), 10],
    ['Groq, 58 of 1,000 a day used', x('-requests', 1_000, 942, '1h23m31s'), 0.69],
    ['OpenAI, one of 200 requests a day used', x('-requests', 200, 199, '7m12s'), 0.14],
    ['OpenAI, one of 5,000 requests a minute used', x('-requests', 5_000, 4_999, '12ms'), 5_000],
    ['OpenAI, 3,600 of 40,000 tokens a minute used', x('-tokens', 40_000, 36_400, '5.4s'), 40_000],
    ['Azure, whole seconds', x('-tokens', 1_000, 500, '30'), 1_000],
  ])('%s', (_, headers, expected) => {
    const [{ limit = 0, remaining, resetMs }] = vendorLimits(headers, epoch) as [VendorLimit]
    expect(((limit - remaining) / resetMs) * minute).toBeCloseTo(expected, 1)
  })
})

describe('reads what', () => {
  it.each([
    [
      'Anthropic says',
      {
        'anthropic-ratelimit-requests-limit': '50',
        'anthropic-ratelimit-requests-remaining': '20',
        'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:36Z',
        'anthropic-ratelimit-output-tokens-limit': '8000',
        'anthropic-ratelimit-output-tokens-remaining': '8000',
        'anthropic-ratelimit-output-tokens-reset': '2026-01-01T00:00:00Z',
      },
      [
        { dimension: 'requests', limit: 50, remaining: 20, resetMs: 36_000 },
        { dimension: 'outputTokens', limit: 8_000, remaining: 8_000, resetMs: 0 },
      ],
    ],
    [
      'Anthropic says of fast mode, which its usual limits do not bind',
      {
        'anthropic-fast-input-tokens-limit': '100',
        'anthropic-fast-input-tokens-remaining': '0',
        'anthropic-fast-input-tokens-reset': '2026-01-01T00:01:00Z',
        'anthropic-ratelimit-input-tokens-limit': '1000',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-01-01T00:01:00Z',
      },
      [{ dimension: 'inputTokens', limit: 100, remaining: 0, resetMs: minute }],
    ],
    [
      'Cerebras says, whose names tell the period',
      { ...x('-requests-day', 14_400, 14_000, '33011.25'), ...x('-tokens-minute', 60_000, 30_000, '11.5') },
      [
        { dimension: 'requests', limit: 14_400, remaining: 14_000, resetMs: 33_011_250, periodMs: day },
        { dimension: 'inputTokens', limit: 60_000, remaining: 30_000, resetMs: 11_500, periodMs: minute },
      ],
    ],
    [
      'Mistral says, which names no reset',
      { ...x('-req-minute', 720, 540), ...x('-tokens-minute', 5_000_000, 5_000_000) },
      [
        { dimension: 'requests', limit: 720, remaining: 540, resetMs: 15_000, periodMs: minute },
        { dimension: 'inputTokens', limit: 5_000_000, remaining: 5_000_000, resetMs: 0, periodMs: minute },
      ],
    ],
    [
      'OpenRouter says',
      x('', 20, 0, String(epoch + 30_000)),
      [{ dimension: 'requests', limit: 20, remaining: 0, resetMs: 30_000 }],
    ],
    [
      'a vendor says that has more left than its limit',
      x('-requests', 10, 15, '0s'),
      [{ dimension: 'requests', limit: 10, remaining: 10, resetMs: 0 }],
    ],
  ])('%s', (_, headers, expected) => {
    expect(vendorLimits(headers, epoch)).toEqual(expected)
  })

  it.each([
    ['Azure does not count', x('-tokens', -1, -1, '0')],
    ['Azure does not count either', x('-tokens', 0, 0, '0')],
    ['has no end', x('-requests', 10, 0)],
    ['has a reset of words', x('-requests', 10, 0, 'tomorrow')],
    ['is no number', x('-requests', 10, 'many', '1s')],
  ])('makes sense, and nothing that %s', (_, headers) => {
    expect(vendorLimits(headers, epoch)).toEqual([])
  })

  it('lies further away than one timer can wait for, bounded', () => {
    const [limit] = vendorLimits(x('-requests', 10, 9, '999999h'), epoch)
    expect(limit?.resetMs).toBe(longestWait)
  })
})

it('counts times from the present of the vendor, where the clock here is wrong', () => {
  const headers = {
    date: new Date(epoch + 600_000).toUTCString(),
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-01-01T00:11:00Z',
  }
  expect(vendorLimits(headers, epoch)).toMatchObject([{ resetMs: 60_000 }])
  expect(vendorLimits({ ...headers, date: 'yesterday' }, epoch)).toMatchObject([{ resetMs: 660_000 }])
})

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
