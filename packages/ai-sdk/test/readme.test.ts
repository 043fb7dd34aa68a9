import { readFileSync } from 'node:fs'
import { defaultText, startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { resilientModelDefaults } from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
    original(url.replace('https://api.anthropic.com', claude.url), init),
  )
  vi.stubEnv('ANTHROPIC_API_KEY', 'sk-test')
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./readme-example.ts')
  expect(log).toHaveBeenCalledWith(defaultText)
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
  log.mockRestore()
})

it('lists the limits as they are', () => {
  const rows = [...readme.matchAll(/^\| `(fallback|timeouts)\.(\w+)` +\| (none|`(\d+)`) +\|/gm)]
  const listed = (of: string) =>
    Object.fromEntries(
      rows.flatMap(([, group, name, , ms]) =>
        group === of ? [[name, ms === undefined ? Infinity : Number(ms)]] : [],
      ),
    )
  const { connect: _, ...limits } = resilientModelDefaults.timeouts
  expect(listed('timeouts')).toEqual(limits)
  expect(listed('fallback')).toEqual({ reserve: resilientModelDefaults.reserve })
})
