import { describe, stack } from '@spillway/middleware'
import { expect, it } from 'vitest'
import { createClient, timeouts, wrapFetch } from './index.ts'

const secret = 'sk-ant-api03-that-nobody-sees'

it('describes a client, and a fetch of one, without its key', async () => {
  const client = createClient({
    ...{ provider: 'anthropic', name: 'claude', credential: secret, baseUrl: 'https://claude.example.com' },
    middleware: [stack(timeouts({ idle: 5_000 }))],
    pool: { connections: 4 },
  })
  const said = [
    'target claude',
    'timeouts (idle 5000)',
    'authentication (scheme x-api-key)',
    'connections (connections 4, maxQueued 1000)',
    'attempt (at https://claude.example.com)',
  ].join('\n')
  expect(describe(client.handler)).toBe(said)
  expect(describe(client.fetch)).toBe(said)
  await client.close()
})

it('describes what wrapFetch wraps', () => {
  expect(describe(wrapFetch(fetch, timeouts({ idle: 5_000 })))).toBe('timeouts (idle 5000)\nattempt')
})
