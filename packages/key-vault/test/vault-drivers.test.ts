import { join } from 'node:path'
import { vaultDriverCases } from '@spillway/testing'
import { describe, it } from 'vitest'
import { ageFile, initAgeFile } from '../src/age-file-vault.ts'
import { sealedFile } from '../src/sealed-file.ts'
import { memoryDriver } from './memory-driver.ts'
import { folder, openSealer } from './support.ts'

describe('a file that age seals', () => {
  const open: Parameters<typeof vaultDriverCases>[0] = async () => {
    const where = folder()
    const options = { path: join(where, 'vault.age'), keyFile: join(where, 'vault.key') }
    await initAgeFile(options)
    return [ageFile(options), ageFile(options)]
  }
  for (const { name, run } of vaultDriverCases(open)) it(name, run)
})

describe('a file with another sealer', () => {
  const open: Parameters<typeof vaultDriverCases>[0] = async () => {
    const path = join(folder(), 'vault')
    await sealedFile({ path, sealer: openSealer }).create()
    return [sealedFile({ path, sealer: openSealer }), sealedFile({ path, sealer: openSealer })]
  }
  for (const { name, run } of vaultDriverCases(open)) it(name, run)
})

describe('the driver in memory that other tests use', () => {
  const open: Parameters<typeof vaultDriverCases>[0] = () => {
    const driver = memoryDriver({})
    return [driver, driver]
  }
  for (const { name, run } of vaultDriverCases(open)) it(name, run)
})
