import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { memoryBudgetStoreDefaults } from '../src/memory-store.ts'
import { redisBudgetStoreDefaults } from '../src/redis-store.ts'
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

/** The defaults that a table of a section lists; `of` is the first word of its head. */
function listed(section: string, of: string): Record<string, unknown> {
  const text = readme.split(/^## /m).find((each) => each.startsWith(section)) ?? ''
  const table = text.split('\n\n').find((each) => each.startsWith(`| ${of}`)) ?? ''
  const rows = [...table.matchAll(/^\| `(\w+)`\s*\| `([\d.]+|'[^`]*')`\s*\|/gm)]
  return Object.fromEntries(
    rows.map(([, name, value]) => [name, value?.startsWith("'") ? value.slice(1, -1) : Number(value)]),
  )
}

it('lists the defaults as they are', () => {
  expect(listed('Rules', 'field')).toEqual(budgetRuleDefaults)
  expect(listed('Stores', 'option of `memoryBudgetStore`')).toEqual(memoryBudgetStoreDefaults)
  expect(listed('Stores', 'option of `redisBudgetStore`')).toEqual(redisBudgetStoreDefaults)
})
