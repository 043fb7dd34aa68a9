import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultStateFolder, storedKey } from './key-file.ts'

let base: string
let folder: string
let file: string

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spillway-state-'))
  folder = join(base, 'a', 'spillway')
  file = join(folder, 'fingerprint.key')
})
afterEach(() => rmSync(base, { recursive: true }))

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

describe('the key of fingerprints', () => {
  it('is made once, in a file and a folder that are its owner’s alone', async () => {
    const umask = process.umask(0)
    const first = await storedKey(folder).finally(() => process.umask(umask))
    expect(first.key).toHaveLength(32)
    expect([modeOf(file), modeOf(folder)]).toEqual(['600', '700'])
    expect(readdirSync(folder)).toEqual(['fingerprint.key'])
    expect(await storedKey(folder)).toEqual(first)
  })

  it('is another one in another folder', async () => {
    const { key } = await storedKey(folder)
    expect((await storedKey(join(base, 'b'))).key).not.toEqual(key)
  })

  it('is the same for all that make it at the same time', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => storedKey(folder)))
    expect(new Set(made.map(({ key }) => Buffer.from(key).toString('hex'))).size).toBe(1)
    expect(readdirSync(folder)).toEqual(['fingerprint.key'])
  })

  it('is closed to others where they could read it, and its owner is told', async () => {
    const { key } = await storedKey(folder)
    chmodSync(file, 0o644)
    const found = await storedKey(folder)
    expect(found.key).toEqual(key)
    expect(found.warning).toMatch(/was open to other users/)
    expect(modeOf(file)).toBe('600')
    expect((await storedKey(folder)).warning).toBeUndefined()
  })

  it.each([
    ['empty', ''],
    ['half-written', 'c2hvcnQ'],
    ['of something else', 'x'.repeat(43).replace('x', '!')],
    ['long', 'x'.repeat(100_000)],
  ])('is not taken from a file that is %s', async (_, text) => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, text, { mode: 0o600 })
    await expect(storedKey(folder)).rejects.toThrow(/fingerprint\.key holds no key/)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('is not taken from behind a symbolic link', async () => {
    const { key: _ } = await storedKey(join(base, 'b'))
    mkdirSync(folder, { recursive: true })
    symlinkSync(join(base, 'b', 'fingerprint.key'), file)
    await expect(storedKey(folder)).rejects.toThrow(/is a symbolic link/)
  })

  it('cannot be made where nothing can be written', async () => {
    writeFileSync(join(base, 'a'), 'a file')
    await expect(storedKey(folder)).rejects.toThrow(/cannot be (made|read) \(ENOTDIR\)/)
  })

  // Node.js's own recursive mkdir never comes back from here.
  it.runIf(existsSync('/proc/self'))('cannot be made where no folder can be made', async () => {
    await expect(storedKey('/proc/spillway/a')).rejects.toThrow(/cannot be made \(ENOENT\)/)
  })
})

describe('the state folder', () => {
  it.each([
    [{ XDG_STATE_HOME: '/var/state' }, '/var/state/spillway'],
    [{ XDG_STATE_HOME: 'relative' }, join(homedir(), '.local/state/spillway')],
    [{ XDG_STATE_HOME: '' }, join(homedir(), '.local/state/spillway')],
    [{}, join(homedir(), '.local/state/spillway')],
  ])('with %j is %s', (env, path) => {
    expect(defaultStateFolder(env)).toBe(path)
  })
})
