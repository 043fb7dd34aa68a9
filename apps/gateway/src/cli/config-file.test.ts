import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/gateway.ts'
import { plantedBy } from './config-file.ts'

it.skipIf(process.platform === 'win32')(
  'a file of another user counts as planted where everyone can write, and nowhere else',
  () => {
    const folder = temporaryFolder()
    const file = join(folder, 'spillway.yaml')
    writeFileSync(file, '')
    const { uid } = statSync(file)
    const seenBy = (user: number) =>
      [0o755, 0o1777].map((mode) => {
        chmodSync(folder, mode)
        return plantedBy(file, user)
      })
    expect(seenBy(uid)).toEqual([undefined, undefined])
    // Root could change any file.
    expect(seenBy(uid + 1)).toEqual([undefined, uid === 0 ? undefined : uid])
    expect(plantedBy(file, undefined)).toBe(undefined)
  },
)
