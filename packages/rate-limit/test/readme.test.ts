import { readFileSync } from 'node:fs'
import { hasRedis, startClaude, startRedis } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { adaptiveConcurrencyDefaults } from '../src/gradient.ts'
import { rateLimitDefaults } from '../src/rate-limit.ts'
import { redisLimitStoreDefaults } from '../src/redis-limit-store.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const { pacedFetch } = await import('./readme-example.ts')
  const response = await pacedFetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(response.status).toBe(200)
  vi.unstubAllGlobals()
})

it.skipIf(!hasRedis() && !process.env.CI)('shows an example of sharing that runs as it stands', async () => {
  const shown = /## Limits that processes share\n\n```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-sharing.ts', import.meta.url), 'utf8'))

  await using server = await startRedis()
  await using claude = await startClaude()
  vi.stubEnv('REDIS_URL', server.url)
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const { limitStore, redis, sharedFetch } = await import('./readme-sharing.ts')
  const response = await sharedFetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(response.status).toBe(200)
  await response.text()
  await vi.waitFor(() => expect(limitStore.status).toBe('shared'))
  redis.disconnect()
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
})

/** The defaults that the table under a heading lists, up to the next heading; what is not a literal is left out. */
function listedUnder(heading: string): Record<string, unknown> {
  const section = readme.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  const rows = [...section.matchAll(/^\| `(\w+)`\s*\| `([\d.]+|'[^`]*')`\s*\|/gm)]
  return Object.fromEntries(
    rows.map(([, name, value]) => [name, value?.startsWith("'") ? value.slice(1, -1) : Number(value)]),
  )
}

it('lists the numbers among the defaults as they are', () => {
  const { maxWait, maxWaitWithFallback, maxQueued, ageing, maxKeys, maxRetryAfter, name } = rateLimitDefaults
  expect(listedUnder('')).toEqual({
    maxWait,
    maxWaitWithFallback,
    maxQueued,
    ageing,
    maxKeys,
    maxRetryAfter,
    name,
  })
  expect(listedUnder('Limits that processes share')).toEqual(redisLimitStoreDefaults)
  expect(listedUnder('Adaptive concurrency')).toEqual(adaptiveConcurrencyDefaults)
})
