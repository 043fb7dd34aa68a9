import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const program = `
  import { rmSync } from 'node:fs'
  import { createAuditTrail } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
  const lost = []
  const trail = createAuditTrail({
    log: { append: () => Promise.reject(new Error('away')) },
    journal: 'waiting/audit',
    maxWait: 1,
    warn: (line) => lost.push(line),
  })
  rmSync(process.cwd(), { recursive: true })
  trail.record({ actor: 'a', action: 'b', details: {} })
  await trail.close()
  console.log(trail.state.buffered, trail.state.lost)
`

it('a journal whose working directory is removed stops nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-removed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const { stdout, stderr, signal } = spawnSync(
    process.execPath,
    ['--conditions=@spillway/source', '--input-type=module', '--eval', program],
    { cwd: folder, encoding: 'utf8', timeout: 15_000, killSignal: 'SIGKILL' },
  )
  expect([signal, stderr.replace(/^.*(Experimental|--trace).*\n/gm, '')]).toEqual([null, ''])
  expect(stdout).toBe('0 0\n')
}, 20_000)
