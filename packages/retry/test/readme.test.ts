import { readFileSync } from 'node:fs'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { retryDefaults } from '../src/retry.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  claude.next({ type: 'status', status: 529 })
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const { patientFetch } = await import('./readme-example.ts')
  const response = await patientFetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(response.status).toBe(200)
  expect(claude.requests).toHaveLength(2)
  vi.unstubAllGlobals()
})

it('lists the defaults as they are', () => {
  const listed = [...readme.matchAll(/^\| `(\w+)`\s*\| `([^`]+)`\s*\|/gm)].map(([, name, value]) => [
    name,
    value?.startsWith("'") ? value.slice(1, -1) : Number(value),
  ])
  const { when: _, ...numbers } = retryDefaults
  expect(Object.fromEntries(listed)).toEqual(numbers)
})
