import { attempt, fetchTransport, modelFetch } from '@spillway/attempt'
import { fallback } from '@spillway/circuit-breaker-fallback'
import { compose, type Middleware } from '@spillway/middleware'
import { retry } from '@spillway/retry'
import { startClaude, virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { cannedTarget } from './canned-target.ts'

/** How often a Claude that is down is asked. */
async function attemptsAtClaude(policies: (retry: Middleware, fallback: Middleware) => Middleware[]) {
  const claude = await startClaude()
  claude.always({ type: 'status', status: 529 })
  const clock = virtualClock()
  const retries = retry({ attempts: 3, onRetry: ({ waitMs }) => void clock.advance(waitMs) })
  const chain = policies(retries, fallback([cannedTarget('plan B')]))
  const ask = modelFetch(compose(chain, attempt(fetchTransport(fetch))), { clock, otherwise: fetch })
  const response = await ask(`${claude.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-sonnet-5-5',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hello?' }],
    }),
  })
  expect(await response.text()).toContain('plan B')
  await claude.close()
  return claude.requests.length
}

it('fallback around retry: three attempts at Claude, then the fallback', async () => {
  expect(await attemptsAtClaude((retry, fallback) => [fallback, retry])).toBe(3)
})

it('retry around fallback: one attempt at Claude, since the fallback has answered', async () => {
  expect(await attemptsAtClaude((retry, fallback) => [retry, fallback])).toBe(1)
})
