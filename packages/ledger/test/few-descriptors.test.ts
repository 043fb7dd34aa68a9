import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it.skipIf(process.platform === 'win32')(
  'loses no row while its process has no descriptor left',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-descriptors-'))
    const script = fileURLToPath(new URL('few-descriptors.ts', import.meta.url))
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -n 64 && exec "$0" "$@"',
      ...[process.execPath, script, folder, '40'],
    ])
    const { booked, lost, buffered, journalBytes, lines } = JSON.parse(stdout)
    expect({ booked, lost, buffered, journalBytes }).toEqual({
      booked: 160,
      lost: 0,
      buffered: 0,
      journalBytes: 0,
    })
    expect(lines).toContainEqual(
      expect.stringContaining('the journal cannot be written, its rows wait in memory: EMFILE'),
    )
    expect(readdirSync(join(folder, 'waiting'))).toEqual([])
    rmSync(folder, { recursive: true, maxRetries: 9 })
  },
  30_000,
)
