import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { databaseFile } from './database-url.ts'
import { secureDatabase, secureFile, secureFolder } from './private-files.ts'

let folder: string
let lines: string[]
const warn = (line: string): number => lines.push(line)
const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-private-'))
  lines = []
})
afterEach(() => {
  vi.restoreAllMocks()
  process.umask(0o022)
  rmSync(folder, { recursive: true })
})

/** From now on this process seems to be another user, so that its own files are another user's. */
function becomeAnotherUser(): void {
  const uid = process.geteuid?.() ?? 0
  vi.spyOn(process, 'geteuid').mockReturnValue(uid + 1000)
}

describe.skipIf(process.platform === 'win32')('the files of a database', () => {
  const open = (path: string): void => secureDatabase(path, { create: true, warn })

  it.each([0o000, 0o022, 0o077, 0o277])('are made for their owner alone, with the umask %o', (umask) => {
    process.umask(umask)
    const file = join(folder, 'new.db')
    open(file)
    secureFolder(join(folder, 'waiting'), warn)
    process.umask(0o022)
    expect([mode(file), mode(join(folder, 'waiting'))]).toEqual(['600', '700'])
    expect(lines).toEqual([])
  })

  it('are closed to others, and the operator hears of it once', () => {
    const files = ['', '-wal', '-shm', '-journal'].map((end) => join(folder, `old.db${end}`))
    for (const file of files) writeFileSync(file, '')
    for (const file of files) chmodSync(file, 0o664)
    open(files[0] as string)
    expect(files.map(mode)).toEqual(['600', '600', '600', '600'])
    expect(lines).toHaveLength(4)
    expect(lines[0]).toBe(`${files[0]} was open to others (mode 0664); it is its owner's alone now (0600)`)
    open(files[0] as string)
    expect(lines).toHaveLength(4)
  })

  it('are refused when they belong to another user, each of them', () => {
    for (const end of ['', '-wal', '-shm', '-journal']) {
      const path = join(folder, 'theirs.db')
      writeFileSync(path + end, '')
      becomeAnotherUser()
      const uid = statSync(path + end).uid
      // Files of root are trusted, but for what everyone may do.
      if (uid === 0) chmodSync(path + end, 0o604)
      expect(() => open(path)).toThrow(uid === 0 ? 'is open to everyone' : 'belongs to another user')
      vi.restoreAllMocks()
      rmSync(path + end)
      rmSync(path, { force: true })
    }
  })

  it.runIf(process.getuid?.() === 0)('are refused when they belong to another user, to root too', () => {
    const path = join(folder, 'theirs.db')
    writeFileSync(path, '')
    chownSync(path, 12_345, 12_345)
    expect(() => open(path)).toThrow(`${path} belongs to another user (uid 12345; this process is 0)`)
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'SPILLWAY_INSECURE_FILE' }))
  })

  it.each([0o777, 0o707, 0o702])('are refused in a folder that everyone can write (%o)', (rights) => {
    chmodSync(folder, rights)
    expect(() => open(join(folder, 'x.db'))).toThrow(`run chmod o-w ${folder}`)
    expect(existsSync(join(folder, 'x.db'))).toBe(false)
    expect(() => secureFolder(join(folder, 'waiting'), warn)).toThrow(`run chmod o-w ${folder}`)
    // As /tmp, where the sticky bit keeps files to their owners.
    chmodSync(folder, rights | 0o1000)
    open(join(folder, 'x.db'))
    secureFolder(join(folder, 'waiting'), warn)
  })

  it('are refused in a folder of a group that this process is not in, and not in one of its own', () => {
    chmodSync(folder, 0o770)
    open(join(folder, 'ours.db'))
    const { gid } = statSync(folder)
    vi.spyOn(process, 'getegid').mockReturnValue(gid + 1)
    vi.spyOn(process, 'getgroups').mockReturnValue([gid + 1])
    if (gid === 0) return
    expect(() => open(join(folder, 'x.db'))).toThrow(`run chmod go-w ${folder}`)
  })

  it.runIf(process.getuid?.() === 0)('are refused in a folder of another group', () => {
    chownSync(folder, 0, 12_345)
    chmodSync(folder, 0o770)
    expect(() => open(join(folder, 'x.db'))).toThrow(`run chmod go-w ${folder}`)
  })

  it('are judged where a link leads to', () => {
    const elsewhere = join(folder, 'elsewhere')
    mkdirSync(elsewhere)
    symlinkSync('elsewhere/real.db', join(folder, 'link.db'))
    open(join(folder, 'link.db'))
    expect(mode(join(elsewhere, 'real.db'))).toBe('600')
    chmodSync(elsewhere, 0o777)
    expect(() => open(join(folder, 'link.db'))).toThrow(elsewhere)
    symlinkSync('loop.db', join(folder, 'loop.db'))
    expect(() => open(join(folder, 'loop.db'))).toThrow('too many links')
    mkdirSync(join(folder, 'folder.db'))
    expect(() => open(join(folder, 'folder.db'))).toThrow('is not a file')
  })

  it('may be in a folder that is not there yet', () => {
    secureDatabase(join(folder, 'later', 'x.db'), { create: true, warn })
    expect(existsSync(join(folder, 'later'))).toBe(false)
  })
})

describe.skipIf(process.platform === 'win32')('a folder', () => {
  it('of ours is closed to others, and so are the files in it', () => {
    const journal = join(folder, 'a', 'b')
    mkdirSync(journal, { recursive: true })
    secureFolder(journal, warn)
    expect(mode(journal)).toBe('700')
    expect(lines).toEqual([`${journal} was open to others (mode 0755); it is its owner's alone now (0700)`])
    writeFileSync(join(journal, 'x'), '')
    secureFile(join(journal, 'x'), warn)
    expect(mode(join(journal, 'x'))).toBe('600')
    secureFile(join(journal, 'none'), warn)
  })

  it('of ours is made with its parents, all closed to others', () => {
    process.umask(0)
    secureFolder(join(folder, 'p', 'q', 'r'), warn)
    expect(['p', 'p/q', 'p/q/r'].map((path) => mode(join(folder, path)))).toEqual(['700', '700', '700'])
  })
})

it('knows the file of each URL of SQLite', () => {
  expect(
    [':memory:', '', 'a.db', '/x/a.db', 'file:a%20b.db?mode=rw', 'file:///x/a.db', 'file:a?mode=memory'].map(
      (name) => databaseFile(`sqlite:${name}`),
    ),
  ).toEqual([undefined, undefined, 'a.db', '/x/a.db', 'a b.db', '/x/a.db', undefined])
  expect(databaseFile('postgres://x/a.db')).toBeUndefined()
})
