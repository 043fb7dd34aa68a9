import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { defaultTimeouts } from '@spillway/middleware/kit'
import { defaultText, startClaude } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import { poolDefaults } from '../src/index.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const examples = await readdir(new URL('readme', import.meta.url))

describe('the README', () => {
  it('shows the example that runs', async () => {
    const example = await readFile(new URL('readme-example.ts', import.meta.url), 'utf8')
    expect(/```ts\n(.*?)```/s.exec(readme)?.[1]).toBe(example)
  })

  it('has an example that does what it says', async () => {
    await using claude = await startClaude()
    const printed: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(text))
    vi.stubEnv('ANTHROPIC_BASE_URL', claude.url)
    vi.stubEnv('ANTHROPIC_API_KEY', 'sk-test')
    try {
      await import('./readme-example.ts')
    } finally {
      log.mockRestore()
      vi.unstubAllEnvs()
    }
    expect(printed[0]).toBe(defaultText)
    expect(printed.slice(1).join('')).toBe(defaultText)
    expect(claude.requests.map(({ headers }) => headers['x-api-key'])).toEqual(['sk-test', 'sk-test'])
  })

  it.each(examples)('shows %s as it compiles and loads', async (file) => {
    const code = await readFile(new URL(`readme/${file}`, import.meta.url), 'utf8')
    expect(readme).toContain(`\`\`\`ts\n${code}\`\`\``)
    vi.stubEnv('ANTHROPIC_API_KEY', 'sk-test')
    await import(`./readme/${basename(file, '.ts')}.ts`)
    vi.unstubAllEnvs()
  })

  it('lists the defaults of the pool', () => {
    const rows = [...readme.matchAll(/^\| `pool\.(\w+)` +\| `([^`]*)` +\|/gm)]
    const listed = Object.fromEntries(
      rows.map(([, name = '', value = '']) => [name, value === 'Infinity' ? Infinity : JSON.parse(value)]),
    )
    expect(listed).toEqual(poolDefaults)
    expect(poolDefaults.connectTimeout).toBe(defaultTimeouts.connect)
  })
})
