import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { dollars } from './readme-example.ts'

it('shows an example that runs as it stands', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))
  expect(dollars).toBe('0.0208')
  expect(readme).toContain(dollars)
})
