import { readFileSync } from 'node:fs'
import { trace } from '@opentelemetry/api'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { attemptTelemetryDefaults } from '../src/attempt-telemetry.ts'
import { telemetryDefaults } from '../src/telemetry-options.ts'
import { observe } from './observation.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands, also when the SDK is registered after it', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => original(`${claude.url}/v1/messages`, init))
  const { observedFetch } = await import('./readme-example.ts')
  const observation = observe()
  const ask = async (): Promise<void> => {
    const response = await observedFetch('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      headers: { 'x-api-key': 'sk-test', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model: 'm', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
    })
    expect(response.status).toBe(200)
    await response.text()
  }
  await ask()
  expect(observation.spans).toEqual([])
  trace.setGlobalTracerProvider(observation.tracerProvider)
  await ask()
  expect(observation.spans.map(({ name }) => name)).toEqual(['attempt m', 'chat m'])
  trace.disable()
  await ask()
  expect(observation.spans).toHaveLength(2)
  vi.unstubAllGlobals()
  await observation.close()
})

it('lists the defaults as they are', () => {
  const listed = [...readme.matchAll(/^\| `(\w+)`\s*\| `([^`]+)`\s*\|/gm)].map(([, name, value = '']) => [
    name,
    value.startsWith("'") ? value.slice(1, -1) : JSON.parse(value),
  ])
  expect(Object.fromEntries(listed)).toEqual({ ...telemetryDefaults, ...attemptTelemetryDefaults })
})
