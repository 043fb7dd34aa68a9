import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ageFile, initAgeFile, rekeyAgeFile } from '../src/age-file-vault.ts'
import { sealedFile } from '../src/sealed-file.ts'
import { openVault } from '../src/vault.ts'
import { codeOf, folder, openSealer } from './support.ts'

const environment = 'test'
const isRoot = process.getuid?.() === 0

interface Place {
  readonly path: string
  readonly keyFile: string
}

async function add(options: Place, name: string): Promise<void> {
  const vault = openVault({ driver: ageFile(options), environment })
  await vault.add(name, `sk-${name}`)
  await vault.get(name)
  await vault.close()
}

async function names(options: Place): Promise<string[]> {
  return Object.keys((await ageFile(options).load()).secrets)
}

async function messageOf(options: Place): Promise<string> {
  return ageFile(options)
    .load()
    .then(
      () => 'none',
      (error: Error) => error.message,
    )
}

describe.skipIf(process.platform === 'win32')('a vault behind a link', () => {
  it('is written where the link leads to, with its key, and the links stay', async () => {
    const [links, files] = [folder(), folder()]
    const real = { path: join(files, 'real.age'), keyFile: join(files, 'real.key') }
    const options = { path: join(links, 'vault.age'), keyFile: join(links, 'vault.key') }
    await initAgeFile(real)
    symlinkSync(real.path, options.path)
    symlinkSync(real.keyFile, options.keyFile)
    await add(options, 'claude')
    const old = readFileSync(real.keyFile, 'utf8')
    await rekeyAgeFile(options)
    await add(real, 'openrouter')
    expect(await names(options)).toEqual(['claude', 'openrouter'])
    expect(readFileSync(real.keyFile, 'utf8')).not.toBe(old)
    expect([readlinkSync(options.path), readlinkSync(options.keyFile)]).toEqual([real.path, real.keyFile])
    // Locks and notes are beside the vault itself, for everyone who uses it.
    expect(readdirSync(links).sort()).toEqual(['vault.age', 'vault.key'])
    for (const file of readdirSync(files)) expect(statSync(join(files, file)).mode & 0o777).toBe(0o600)
    expect(await codeOf(ageFile(options).create())).toBe('EXISTS')
  })

  it('is read through links that are exchanged as a whole, as those of mounted secrets', async () => {
    const [source, mount] = [folder(), folder()]
    const real = { path: join(source, 'vault.age'), keyFile: join(source, 'vault.key') }
    await initAgeFile(real)
    await add(real, 'first')
    const publish = (version: string): void => {
      mkdirSync(join(mount, version))
      for (const name of ['vault.age', 'vault.key'])
        writeFileSync(join(mount, version, name), readFileSync(join(source, name)), { mode: 0o400 })
      symlinkSync(version, join(mount, '..data_tmp'))
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    }
    publish('..2026_01')
    for (const name of ['vault.age', 'vault.key']) symlinkSync(join('..data', name), join(mount, name))
    chmodSync(mount, 0o1777)
    const options = { path: join(mount, 'vault.age'), keyFile: join(mount, 'vault.key') }
    const vault = openVault({ driver: ageFile(options), environment })
    expect((await vault.get('first')).expose()).toBe('sk-first')
    await add(real, 'second')
    publish('..2026_02')
    await vault.refresh()
    expect((await vault.get('second')).expose()).toBe('sk-second')
    await vault.close()
  })

  it('that leads to nothing yet is made there', async () => {
    const [links, files] = [folder(), folder()]
    const options = { path: join(links, 'vault.age'), keyFile: join(links, 'vault.key') }
    symlinkSync(join(files, 'vault.age'), options.path)
    symlinkSync(join(files, 'vault.key'), options.keyFile)
    expect(await codeOf(ageFile(options).load())).toBe('MISSING')
    await initAgeFile(options)
    expect(readdirSync(files).sort()).toEqual(['vault.age', 'vault.age.lock', 'vault.key'])
    expect(lstatSync(options.path).isSymbolicLink() && lstatSync(options.keyFile).isSymbolicLink()).toBe(true)
    // A key that was made for a vault that could not be made is taken away again, not its link.
    rmSync(join(files, 'vault.key'))
    expect(await codeOf(initAgeFile(options))).toBe('EXISTS')
    expect(readdirSync(files)).not.toContain('vault.key')
    expect(readdirSync(links).sort()).toEqual(['vault.age', 'vault.key'])
  })

  it('that leads in a circle is refused', async () => {
    const path = join(folder(), 'vault')
    symlinkSync('vault', path)
    expect(await codeOf(sealedFile({ path, sealer: openSealer }).load())).toBe('INSECURE_FILE')
  })
})

describe.skipIf(process.platform === 'win32')('a vault that others can replace is refused:', () => {
  afterEach(() => vi.restoreAllMocks())

  async function vault(where = folder()): Promise<Place> {
    const options = { path: join(where, 'vault.age'), keyFile: join(where, 'vault.key') }
    await initAgeFile(options)
    return options
  }

  it.each([0o777, 0o707, 0o702])('in a folder that everyone can write (%o)', async (mode) => {
    const options = await vault()
    const where = join(options.path, '..')
    chmodSync(where, mode)
    expect(await messageOf(options)).toMatch(
      `others can write in ${where} (mode 0${mode.toString(8)}), and so replace the vault: run chmod go-w ${where}`,
    )
    expect(await codeOf(ageFile(options).update((document) => document))).toBe('INSECURE_FILE')
    expect(await codeOf(initAgeFile({ ...options, path: join(where, 'other') }))).toBe('INSECURE_FILE')
    // As /tmp, where files stay with their owners.
    chmodSync(where, mode | 0o1000)
    expect(await codeOf(ageFile(options).load())).toBe('none')
  })

  it('in a folder below one that everyone can write', async () => {
    const above = folder()
    mkdirSync(join(above, 'own'), { mode: 0o700 })
    const options = await vault(join(above, 'own'))
    chmodSync(above, 0o777)
    expect(await messageOf(options)).toContain(`others can write in ${above}`)
  })

  it('where the link is, and where it leads to', async () => {
    const options = await vault()
    const links = folder()
    symlinkSync(options.path, join(links, 'vault.age'))
    const linked = { ...options, path: join(links, 'vault.age') }
    expect(await codeOf(ageFile(linked).load())).toBe('none')
    chmodSync(links, 0o777)
    expect(await messageOf(linked)).toContain(`others can write in ${links}`)
    chmodSync(links, 0o700)
    chmodSync(join(options.path, '..'), 0o777)
    expect(await messageOf(linked)).toContain(`others can write in ${join(options.path, '..')}`)
  })

  it('by its key file alone', async () => {
    const options = await vault()
    const shared = folder()
    renameSync(options.keyFile, join(shared, 'vault.key'))
    chmodSync(shared, 0o777)
    expect(await messageOf({ ...options, keyFile: join(shared, 'vault.key') })).toContain(
      'and so replace the identity file',
    )
  })

  it('by a group, unless it is the one of this user alone', async () => {
    const options = await vault()
    chmodSync(join(options.path, '..'), 0o770)
    const { gid, uid } = statSync(join(options.path, '..'))
    const isPrivate = gid === 0 || gid === uid
    expect(await codeOf(ageFile(options).load())).toBe(isPrivate ? 'none' : 'INSECURE_FILE')
  })

  it.runIf(isRoot)('by another group, and by the owner of the folder', async () => {
    const options = await vault()
    const where = join(options.path, '..')
    chownSync(where, 0, 12_345)
    chmodSync(where, 0o770)
    expect(await messageOf(options)).toContain(`others can write in ${where} (mode 0770)`)
    chmodSync(where, 0o755)
    expect(await codeOf(ageFile(options).load())).toBe('none')
    chownSync(where, 12_345, 12_345)
    expect(await messageOf(options)).toContain('which belongs to another user (uid 12345)')
  })

  it.runIf(isRoot)('by the owner of a file, or of a link in a folder for everyone', async () => {
    const options = await vault()
    chownSync(options.keyFile, 12_345, 12_345)
    expect(await messageOf(options)).toContain('belongs to another user (uid 12345; this process is 0)')
    chownSync(options.keyFile, 0, 0)
    chownSync(options.path, 12_345, 12_345)
    expect(await codeOf(ageFile(options).load())).toBe('INSECURE_FILE')
    chownSync(options.path, 0, 0)
    const sticky = folder()
    chmodSync(sticky, 0o1777)
    execFileSync('ln', ['-s', options.path, join(sticky, 'vault.age')])
    execFileSync('chown', ['-h', '12345', join(sticky, 'vault.age')])
    expect(await messageOf({ ...options, path: join(sticky, 'vault.age') })).toContain(
      'a link of another user',
    )
  })

  it('and a secret of root that a group may read is taken', async () => {
    const options = await vault()
    const { uid } = statSync(options.path)
    chmodSync(options.path, 0o640)
    expect(await codeOf(ageFile(options).load())).toBe('INSECURE_FILE')
    if (uid !== 0) return
    // Seen by a process that is not root.
    vi.spyOn(process, 'geteuid').mockReturnValue(1000)
    expect(await codeOf(ageFile(options).load())).toBe('none')
    chmodSync(options.path, 0o644)
    expect(await codeOf(ageFile(options).load())).toBe('INSECURE_FILE')
    chmodSync(options.path, 0o660)
    expect(await codeOf(ageFile(options).load())).toBe('INSECURE_FILE')
  })
})

describe('the lock', () => {
  it('is not given up when another call of the same process asks for it', async () => {
    const path = join(folder(), 'vault')
    const file = sealedFile({ path, sealer: openSealer })
    await file.create()
    const { promise, resolve } = Promise.withResolvers<void>()
    const { promise: held, resolve: isHeld } = Promise.withResolvers<void>()
    const writing = file.reseal({
      before() {
        isHeld()
        return promise
      },
    })
    await held
    const waiting = file.update((document) => document)
    await new Promise((done) => setTimeout(done, 50))
    const script = `const { DatabaseSync } = require('node:sqlite')
      try { new DatabaseSync(process.argv[1], { timeout: 0 }).exec('BEGIN EXCLUSIVE'); console.log('free') }
      catch { console.log('held') }`
    const seen = execFileSync(process.execPath, ['-e', script, `${path}.lock`], { encoding: 'utf8' })
    resolve()
    await Promise.all([writing, waiting])
    expect(seen.trim()).toBe('held')
  })

  it.skipIf(process.platform === 'win32')('is closed to others, and never a link', async () => {
    const path = join(folder(), 'vault')
    const file = sealedFile({ path, sealer: openSealer })
    await file.create()
    chmodSync(`${path}.lock`, 0o666)
    await file.update((document) => document)
    expect(statSync(`${path}.lock`).mode & 0o777).toBe(0o600)
    rmSync(`${path}.lock`)
    symlinkSync('elsewhere', `${path}.lock`)
    expect(await codeOf(file.update((document) => document))).toBe('INSECURE_FILE')
    expect(existsSync(join(path, '..', 'elsewhere'))).toBe(false)
  })
})
