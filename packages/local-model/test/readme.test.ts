import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { engineDefaults } from '../src/engine-options.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('names the defaults that the code has', () => {
  for (const [name, value] of Object.entries(engineDefaults)) {
    expect(readme).toMatch(new RegExp(`\\| \`${name}\` +\\| \`${value}\` +\\|`))
  }
})
