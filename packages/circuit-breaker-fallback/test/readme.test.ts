import { readFileSync } from 'node:fs'
import { startClaude, startOllama } from '@spillway/testing'
import { expect, it, vi } from 'vitest'

it('shows an example that runs as it stands', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  await using _ollama = await startOllama({
    port: 11434,
    reply: { text: 'From the local model.' },
    models: ['m'],
  })
  claude.always({ type: 'status', status: 529 })
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const { fetchWithPlanB } = await import('./readme-example.ts')
  const response = await fetchWithPlanB('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(await response.json()).toMatchObject({ content: [{ text: 'From the local model.' }] })
  vi.unstubAllGlobals()
})
