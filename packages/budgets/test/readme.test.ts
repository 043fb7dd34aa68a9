import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { memoryBudgetStoreDefaults } from '../src/memory-store.ts'
import { budgetRuleDefaults } from '../src/rule.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('shows an example that runs as it stands', async () => {
  const shown = /```ts\n(.*?)```/s.exec(readme)?.[1]
  expect(shown).toBe(readFileSync(new URL('readme-example.ts', import.meta.url), 'utf8'))

  const { withinBudget } = await import('./readme-example.ts')
  await withinBudget(400e9, async () => 399e9)
  await expect(withinBudget(400e9, async () => 0)).rejects.toThrow('the budget a month is spent until')
  await withinBudget(101e9, async () => 101e9)
  await expect(withinBudget(1, async () => 0)).rejects.toThrow('the budget a month is spent until')
})

/** The defaults that the table under a heading lists. */
function listedUnder(heading: string): Record<string, number> {
  const section = readme.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  const rows = [...section.matchAll(/^\| `(\w+)`\s*\| `([\d.]+)`\s*\|/gm)]
  return Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)]))
}

it('lists the defaults as they are', () => {
  expect(listedUnder('Rules')).toEqual(budgetRuleDefaults)
  expect(listedUnder('Stores')).toEqual(memoryBudgetStoreDefaults)
})
