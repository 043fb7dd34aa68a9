import { attempt, fetchTransport, modelFetch } from '@spillway/attempt'
import { fallback, target, timeouts } from '@spillway/circuit-breaker-fallback'
import { createClient } from '@spillway/core-client'
import { compose, type Middleware } from '@spillway/middleware'
import { retry } from '@spillway/retry'
import { type SimulatedServer, startClaude, type VirtualClock, virtualClock } from '@spillway/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'

let clock: VirtualClock
let claude: SimulatedServer

beforeEach(async () => {
  clock = virtualClock()
  claude = await startClaude({ reply: { text: 'Hello.' } })
})

afterEach(() => claude.close())

/** Asks the simulated Claude through policies whose time is the virtual clock's. */
function ask(policies: readonly Middleware[], stream = false): Promise<Response> {
  const handler = compose(policies, attempt(fetchTransport(fetch)))
  return modelFetch(handler, { clock, otherwise: fetch })(`${claude.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-sonnet-5-5',
      max_tokens: 100,
      stream,
      messages: [{ role: 'user', content: 'Hello?' }],
    }),
  })
}

it('waits 0.5 s and 1 s, and succeeds at the third attempt', async () => {
  claude.next({ type: 'status', status: 529 }, { type: 'status', status: 529 })
  const patient = retry({ attempts: 3, jitter: 'none', onRetry: ({ waitMs }) => void clock.advance(waitMs) })

  const response = await ask([patient])

  expect(response.status).toBe(200)
  expect(clock.now()).toBe(1_500)
  expect(claude.requests).toHaveLength(3)
})

it('waits as long as the vendor asks', async () => {
  claude.next({ type: 'status', status: 429, retryAfter: 20 })
  const patient = retry({ onRetry: ({ waitMs }) => void clock.advance(waitMs) })

  expect((await ask([patient])).status).toBe(200)
  expect(clock.now()).toBeGreaterThanOrEqual(20_000)
})

it('asks the next target when no content has come after 20 s', async () => {
  const other = await startClaude({ reply: { text: 'Rescued' } })
  const client = createClient({ provider: 'anthropic', baseUrl: other.url, credential: () => 'any' })
  claude.next({ type: 'slow-first-token', ms: Infinity })
  const policies = [timeouts({ firstContent: 20_000 }), fallback([target('other', client.handler)])]

  const answer = ask(policies, true)
  await claude.nextRequest()
  await clock.advance(20_000)

  expect(await (await answer).text()).toContain('Rescued')
  await Promise.all([client.close(), other.close()])
})
