import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryBudgetStore } from '@spillway/budgets'
import { openVault, sealedFile } from '@spillway/key-vault'
import { memoryLimitStore } from '@spillway/rate-limit'
import { budgetStoreCases, limitStoreCases, sealerCases, vaultDriverCases } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { aesSealer } from './aes-sealer.ts'
import { memoryVault } from './memory-vault.ts'
import { notedBudgets } from './noted-budgets.ts'
import { reportingLimits } from './reporting-limits.ts'

it('a vault in memory keeps a key', async () => {
  const vault = openVault({ driver: memoryVault() })
  await vault.add('claude', 'sk-ant-example')
  expect((await vault.get('claude')).expose()).toBe('sk-ant-example')
})

it('a sealed file opens with the key that sealed it alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-'))
  const path = join(directory, 'vault.aes')
  const key = randomBytes(32)
  const file = sealedFile({ path, sealer: aesSealer(key) })
  await file.create()
  await openVault({ driver: file }).add('claude', 'sk-ant-example')

  expect(await readFile(path, 'latin1')).not.toContain('sk-ant-example')
  expect((await openVault({ driver: file }).get('claude')).expose()).toBe('sk-ant-example')
  const wrong = sealedFile({ path, sealer: aesSealer(randomBytes(32)) })
  await expect(wrong.load()).rejects.toThrow('sealed with another key')
  await rm(directory, { recursive: true })
})

describe('a vault in memory', () => {
  const open: Parameters<typeof vaultDriverCases>[0] = () => {
    // Two processes have two drivers of one vault; memory has one.
    const driver = memoryVault()
    return [driver, driver]
  }
  for (const { name, run } of vaultDriverCases(open)) it(name, run)
})

describe('a sealer', () => {
  const key = randomBytes(32)
  for (const { name, run } of sealerCases(() => aesSealer(key))) it(name, run)
})

describe('limits that report', () => {
  const store = reportingLimits(memoryLimitStore(), () => {})
  for (const { name, run } of limitStoreCases((limits) => store.open('key', limits))) it(name, run)
})

describe('budgets that note', () => {
  const open: Parameters<typeof budgetStoreCases>[0] = (clock, ttl) =>
    notedBudgets(memoryBudgetStore({ clock, ttl }), () => {})
  for (const { name, run } of budgetStoreCases(open)) it(name, run)
})
