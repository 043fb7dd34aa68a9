import { startClaude, startOllama } from '@spillway/testing'
import { expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, send } from './raw-client.ts'

it.each([20, 120, 864_000])(
  'a 429 that asks for %d s is answered by the fallback at once, and so are the calls after it',
  async (retryAfter) => {
    const claude = forThisTest(await startClaude())
    const ollama = forThisTest(await startOllama({ models: ['m'] }))
    const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'm' }
    const limits = { rateLimit: { requestsPerMinute: 600 }, retry: { attempts: 3 } }
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local, limits))
    claude.always({ type: 'status', status: 429, retryAfter })
    for (let call = 0; call < 3; call++) {
      const begun = performance.now()
      const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
      expect(performance.now() - begun).toBeLessThan(1_000)
      expect([status, headers['x-spillway-served-by']]).toEqual([200, 'local'])
    }
    expect(claude.requests).toHaveLength(1)
  },
)

it('without a fallback the call waits for as long as the vendor asks', async () => {
  const claude = forThisTest(await startClaude())
  const gateway = await gatewayOf(
    configOf(targetAt(claude, 'anthropic'), undefined, { retry: { attempts: 2 } }),
  )
  claude.next({ type: 'status', status: 429, retryAfter: 3 })
  const begun = performance.now()
  const { status, headers } = await send(`${gateway.url}/v1/messages`, { body: messages() })
  expect([status, headers['x-spillway-attempts']]).toEqual([200, '2'])
  expect(performance.now() - begun).toBeGreaterThan(2_900)
})
