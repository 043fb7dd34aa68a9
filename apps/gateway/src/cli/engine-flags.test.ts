import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { engineFlags } from './engine-flags.ts'

const limit = '--external-memory-accounted-in-global-limit'

it('has only flags that this V8 knows', () => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })
  for (const flag of engineFlags(process.versions.v8))
    expect(known).toContain(`  --${flag.replace(/^--(no-)?/, '').replace(/=.*/, '')} (`)
})

it('leaves out what Node 22 would complain about', () => {
  expect(engineFlags('12.4.254.21-node.29')).not.toContain(limit)
  expect(engineFlags('13.6.233.10-node.28')).toContain(limit)
})
