import { readFileSync } from 'node:fs'
import { defaultStreamHeaders, defaultTimeouts } from '@spillway/middleware/kit'
import { startClaude } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { localServerDefaults } from '../src/index.ts'

it('shows an example that runs as it stands', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using claude = await startClaude()
  const original = globalThis.fetch
  vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
    original(url.replace('https://api.anthropic.com', claude.url), init),
  )
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./readme-example.ts')
  expect(log).toHaveBeenCalledWith(200)
  vi.unstubAllGlobals()
  log.mockRestore()
})

it('lists the limits as they are', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `(\w+)` +\| (none|\d+)[^|]*\| (none|\d+) +\|/gm)]
  const listed = (column: 2 | 3) =>
    Object.fromEntries(rows.map((row) => [row[1], row[column] === 'none' ? Infinity : Number(row[column])]))
  expect(listed(2)).toEqual({ ...defaultTimeouts, headers: defaultStreamHeaders })
  expect(listed(3)).toEqual({ ...defaultTimeouts, ...localServerDefaults })
})
