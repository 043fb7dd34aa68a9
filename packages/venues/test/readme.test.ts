import { readFileSync } from 'node:fs'
import { startBedrock } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { venueDefaults } from '../src/endpoints/venue-defaults.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  await using server = await startBedrock({ reply: { text: 'Hello from a cloud.' } })
  vi.stubEnv('BEDROCK_URL', server.url)
  vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', 'key')
  const said = vi.spyOn(console, 'log').mockImplementation(() => {})
  const { claude } = await import('./readme-example.ts')
  expect(said).toHaveBeenCalledWith('claude-sonnet-4-5-20250929')
  expect((await claude.complete('Hello')).text).toBe('Hello from a cloud.')
  expect(server.requests[0]?.path).toBe('/model/us.anthropic.claude-sonnet-5-5/invoke')
  await claude.close()
  vi.unstubAllEnvs()
})

it('lists the defaults as they are', () => {
  for (const [name, value] of Object.entries(venueDefaults)) {
    const written = value === undefined ? 'undefined' : JSON.stringify(value)
    expect(readme).toContain(`| \`${name}\``)
    expect(readme).toMatch(
      new RegExp(`^\\| \`${name}\` +\\| \`${written.replace(/[[\]{}]/g, '\\$&')}\` +\\|`, 'm'),
    )
  }
})
