import { attempt, fetchTransport } from '@spillway/attempt'
import { compose, createRequest } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { hideVendorLimits } from './hide-vendor-limits.ts'
import { rateLimit } from './rate-limit.ts'

const spent = {
  'anthropic-ratelimit-requests-limit': '100',
  'anthropic-ratelimit-requests-remaining': '0',
  'anthropic-ratelimit-requests-reset': '2100-01-01T00:00:00Z',
}

it.each([200, 429])(
  'leaves out what the vendor says of its limits, with status %i, and nothing else',
  async (status) => {
    await using claude = await startClaude({ headers: spent })
    if (status === 429) claude.next({ type: 'status', status, retryAfter: 7 })
    const handler = compose([hideVendorLimits()], attempt(fetchTransport(fetch)))
    const response = await handler(callOf(claude.url))
    expect(response.status).toBe(status)
    expect(Object.keys(response.headers).filter((name) => name.includes('ratelimit'))).toEqual([])
    expect(response.headers['request-id']).toMatch(/^req_/)
    if (status === 429) expect(response.headers['retry-after']).toBe('7')
  },
)

it('does not hide them from the limit inside', async () => {
  await using claude = await startClaude({ headers: spent })
  const limit = rateLimit({ requestsPerMinute: 100, maxWait: 0 })
  const handler = compose([hideVendorLimits(), limit], attempt(fetchTransport(fetch)))
  expect((await handler(callOf(claude.url))).failure).toBeUndefined()
  expect((await handler(callOf(claude.url))).failure?.kind).toBe('saturated')
})

it('returns the very response that says nothing of limits', async () => {
  const response = { headers: { 'request-id': 'req_1' } }
  const handler = hideVendorLimits()(() => Promise.resolve(response as never))
  expect(await handler(callOf('http://127.0.0.1'))).toBe(response)
})

function callOf(url: string) {
  const model = 'claude-sonnet-5-5'
  const json = { model, max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] }
  return createRequest({
    ...{ api: 'anthropic', model, stream: false, url: `${url}/v1/messages` },
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: jsonBodyFromObject(json),
  })
}
