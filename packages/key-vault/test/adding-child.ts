import { ageFile } from '../src/age-file-vault.ts'
import { openVault } from '../src/vault.ts'

// Adds so many secrets to a vault that others add to at the same time.
const [path, keyFile, prefix, count] = process.argv.slice(2) as [string, string, string, string]
const vault = openVault({ driver: ageFile({ path, keyFile }), environment: 'test' })
for (let i = 0; i < Number(count); i++) await vault.add(`${prefix}-${i}`, `sk-${i}`)
await vault.close()
