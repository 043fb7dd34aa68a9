import { readFileSync } from 'node:fs'
import { startClaude, startOpenRouter } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { resilientDefaults } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  await using router = await startOpenRouter({ reply: { text: 'From the other side.' } })
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
    original(
      url.replace('https://api.anthropic.com', claude.url).replace('https://openrouter.ai', router.url),
      init,
    ),
  )
  vi.stubEnv('OPENROUTER_API_KEY', 'sk-or-1')
  vi.stubEnv('ANTHROPIC_API_KEY', 'sk-ant-1')
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  claude.always({ type: 'status', status: 401 })
  await import('./readme-example.ts')
  expect(log.mock.lastCall?.[0]).toMatchObject([{ type: 'text', text: 'From the other side.' }])
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
  log.mockRestore()
})

it('lists the defaults as they are', () => {
  const options = /## Options\n(.*?)\n## /s.exec(readme)?.[1] ?? ''
  const listed = [...options.matchAll(/^\| `(\w+)`\s*\| `([^`]+)`/gm)].map(([, name, value = '']) => [
    name,
    JSON.parse(value),
  ])
  expect(Object.fromEntries(listed)).toEqual(resilientDefaults)
})
