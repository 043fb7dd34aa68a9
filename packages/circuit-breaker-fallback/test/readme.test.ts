import { readFileSync } from 'node:fs'
import { startClaude, startOllama } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { circuitBreakerDefaults } from '../src/circuit-breaker-options.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  await using _ollama = await startOllama({
    port: 11434,
    reply: { text: 'From the local model.' },
    // It knows no other, as a real one.
    models: ['qwen3:8b'],
  })
  claude.always({ type: 'status', status: 529 })
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const { fetchWithPlanB } = await import('./readme-example.ts')
  const response = await fetchWithPlanB('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-sonnet-5-5',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  })
  expect(await response.json()).toMatchObject({ content: [{ text: 'From the local model.' }] })
  vi.unstubAllGlobals()
})

it("lists the circuit breaker's defaults as they are", () => {
  const section = readme.slice(readme.indexOf('## Circuit breaker'), readme.indexOf('## Fallback'))
  const rows = [...section.matchAll(/^\| `(\w+)`\s*\| (.+?)\s*\|/gm)]
  const listed = rows.map(([, name, value = '']) => {
    const code = /^`(.*)`$/.exec(value)?.[1]
    return [name, code?.startsWith("'") ? code.slice(1, -1) : code === undefined ? value : Number(code)]
  })
  const { key, when: _, ...defaults } = circuitBreakerDefaults
  expect(Object.fromEntries(listed)).toEqual({
    ...defaults,
    key: 'the model, and the operation',
    credential: 'one key for all calls',
    when: "the endpoint's and the key's",
    shared: 'none',
  })
  const asked = { operation: 'generate', model: 'm' } as Parameters<typeof key>[0]
  expect([key(asked), key({ ...asked, operation: 'count_tokens' })]).toEqual(['m', 'count_tokens m'])
})
