import { readFileSync } from 'node:fs'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { routingDefaults } from '../src/options.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  claude.next({ type: 'status', status: 401 })
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const { balancedFetch } = await import('./readme-example.ts')
  const response = await balancedFetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(response.status).toBe(200)
  expect(claude.requests.map(({ headers }) => headers['x-api-key']).sort()).toEqual([
    'sk-ant-spare',
    'sk-ant-team',
  ])
  vi.unstubAllGlobals()
})

it('lists the defaults as they are', () => {
  const listed = [...readme.matchAll(/^\| `([\w.]+)`\s*\| `(\d[\d.]*|false)`\s*\|/gm)].map(
    ([, name, value]) => [name, JSON.parse(value as string)],
  )
  const actual = Object.entries(routingDefaults).flatMap(([group, value]) =>
    typeof value === 'object'
      ? Object.entries(value).map(([name, each]) => [`${group}.${name}`, each])
      : [[group, value]],
  )
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(actual))
})
