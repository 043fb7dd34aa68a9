import { readFileSync } from 'node:fs'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { mirrorDefaults } from '../src/mirror-options.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude({
    reply: ({ json }) => ({
      text:
        (json as { model: string }).model === 'claude-haiku-5-5' ? 'The dam was full.' : 'The dam is full.',
    }),
  })
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const printed = new Promise<string>((resolve) => {
    vi.spyOn(console, 'log').mockImplementation(resolve)
  })
  const { mirroredFetch, shadow } = await import('./readme-example.ts')
  // Conversations until one of them is in the sample.
  for (let turn = 0; shadow.stats().sampled === 0; turn++) {
    const response = await mirroredFetch('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({
        model: 'm',
        max_tokens: 50,
        messages: [{ role: 'user', content: `Hi ${turn}` }],
      }),
    })
    expect(await response.json()).toMatchObject({ content: [{ text: 'The dam is full.' }] })
  }
  expect(await printed).toMatch(/^ok: [\d.]+ ms instead of [\d.]+, similarity 0\.6$/)
  expect(claude.requests.at(-1)?.json).toMatchObject({ model: 'claude-haiku-5-5' })
  await shadow.close()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

it('lists the defaults as they are', () => {
  const listed = [...readme.matchAll(/^\| `(\w+)`\s*\| `([\d.]+|false)`\s*\|/gm)].map(([, name, value]) => [
    name,
    JSON.parse(value as string),
  ])
  expect(Object.fromEntries(listed)).toEqual(mirrorDefaults)
})
