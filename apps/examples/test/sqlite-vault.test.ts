import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vaultDriverCases } from '@spillway/testing'
import { afterAll, it } from 'vitest'
import { sqliteVault } from '../src/guides/sqlite-vault.ts'

const directory = mkdtempSync(join(tmpdir(), 'spillway-'))
afterAll(() => rmSync(directory, { recursive: true }))

let vaults = 0
const open: Parameters<typeof vaultDriverCases>[0] = () => {
  const path = join(directory, `vault-${vaults++}.db`)
  return [sqliteVault(path, 'test'), sqliteVault(path, 'test')]
}
for (const { name, run } of vaultDriverCases(open)) it(name, run)
