import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ageFile, initAgeFile, rekeyAgeFile } from '../src/age-file-vault.ts'
import { agePassphrase } from '../src/age-sealer.ts'
import { examineAgeFile } from '../src/doctor.ts'
import { sealedFile } from '../src/sealed-file.ts'
import { openVault } from '../src/vault.ts'
import { emptyDocument } from '../src/vault-document.ts'
import { addVersion } from '../src/versions.ts'
import { codeOf, folder, openSealer, workFactor } from './support.ts'

const passphrase = 'correct horse battery'
const environment = 'test'

async function vaultWith(...names: string[]): Promise<{ path: string; keyFile: string }> {
  const where = folder()
  const options = { path: join(where, 'vault.age'), keyFile: join(where, 'vault.key') }
  const driver = await initAgeFile(options)
  const vault = openVault({ driver, environment })
  for (const name of names) await vault.add(name, `sk-${name}`)
  await vault.close()
  return options
}

describe('a vault in a file', () => {
  it('keeps what it is given, for whoever has the key', async () => {
    const options = await vaultWith('claude', 'openrouter')
    const vault = openVault({ driver: ageFile(options), environment })
    expect((await vault.get('claude')).expose()).toBe('sk-claude')
    expect((await vault.list()).map(({ name, version, state }) => [name, version, state])).toEqual([
      ['claude', 1, 'active'],
      ['openrouter', 1, 'active'],
    ])
    await vault.close()
  })

  it('and its key file are for their owner alone, from the first byte on', async () => {
    const { path, keyFile } = await vaultWith('claude')
    for (const file of [path, keyFile, `${path}.lock`]) expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(path, '..')).sort()).toEqual(['vault.age', 'vault.age.lock', 'vault.key'])
  })

  it.each([0o640, 0o604, 0o660, 0o620])('that others may touch (%o) is refused', async (mode) => {
    const options = await vaultWith('claude')
    chmodSync(options.path, mode)
    expect(await codeOf(ageFile(options).load())).toBe('INSECURE_FILE')
    chmodSync(options.path, 0o600)
    chmodSync(options.keyFile, mode)
    expect(await codeOf(ageFile(options).load())).toBe('INSECURE_FILE')
  })

  it('cut anywhere is TRUNCATED, and changed anywhere DAMAGED', async () => {
    const options = await vaultWith('claude')
    const whole = readFileSync(options.path)
    const driver = ageFile(options)
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(options.path, whole.subarray(0, length))
      expect([length, await codeOf(driver.load())]).toEqual([length, 'TRUNCATED'])
    }
    const flips = fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
      const changed = Buffer.from(whole)
      changed[at]! ^= 1 << bit
      writeFileSync(options.path, changed)
      // The line that tells how long the file is can be changed, too, and then it seems to be cut.
      const inFirstLine = at <= whole.indexOf('\n')
      const code = await codeOf(driver.load())
      expect(inFirstLine ? ['DAMAGED', 'TRUNCATED', 'WRONG_SEALER'] : ['DAMAGED']).toContain(code)
    })
    await fc.assert(flips, { numRuns: 300 })
    writeFileSync(options.path, whole)
    expect(await codeOf(driver.load())).toBe('none')
  })

  it('tells a wrong passphrase, a wrong sealer, a wrong context and no vault', async () => {
    const path = join(folder(), 'vault.age')
    const sealer = agePassphrase({ passphrase, workFactor })
    expect(await codeOf(sealedFile({ path, sealer }).load())).toBe('MISSING')
    await sealedFile({ path, sealer }).create()
    expect(await codeOf(sealedFile({ path, sealer }).create())).toBe('EXISTS')
    const wrong = agePassphrase({ passphrase: 'wrong', workFactor })
    expect(await codeOf(sealedFile({ path, sealer: wrong }).load())).toBe('WRONG_PASSPHRASE')
    expect(await codeOf(sealedFile({ path, sealer: openSealer }).load())).toBe('WRONG_SEALER')
    expect(await codeOf(sealedFile({ path, sealer, context: { service: 'other' } }).load())).toBe(
      'WRONG_CONTEXT',
    )
  })

  it('changes nothing when a change fails', async () => {
    const options = await vaultWith('claude')
    const before = readFileSync(options.path)
    const failing = ageFile(options).update(() => {
      throw new RangeError('no')
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect(readFileSync(options.path)).toEqual(before)
    expect(await codeOf(ageFile(options).update((document) => document))).toBe('none')
  })

  it('that is being written says so to whoever does not want to wait', async () => {
    const path = join(folder(), 'vault')
    const file = sealedFile({ path, sealer: openSealer })
    await file.create()
    const { promise, resolve } = Promise.withResolvers<void>()
    const writing = file.reseal({ before: () => promise })
    await new Promise((done) => setTimeout(done, 30))
    const hurried = sealedFile({ path, sealer: openSealer, lockWait: 30 })
    expect(await codeOf(hurried.update((document) => document))).toBe('LOCKED')
    resolve()
    await writing
    expect(await codeOf(hurried.update((document) => document))).toBe('none')
  })

  it('loses nothing when many add at once, in one process', async () => {
    const options = await vaultWith()
    const adding = Array.from({ length: 20 }, async (_, i) => {
      const vault = openVault({ driver: ageFile(options), environment })
      await vault.add(`key-${i}`, `sk-${i}`)
      await vault.close()
    })
    await Promise.all(adding)
    expect(Object.keys((await ageFile(options).load()).secrets)).toHaveLength(20)
  })

  it('loses nothing when several processes add at once', async () => {
    const options = await vaultWith()
    const children = ['a', 'b', 'c'].map((prefix) => {
      const args = ['--conditions=@spillway/source', new URL('adding-child.ts', import.meta.url).pathname]
      return spawn(process.execPath, [...args, options.path, options.keyFile, prefix, '8'], {
        stdio: 'inherit',
      })
    })
    const ends = await Promise.all(children.map((child) => once(child, 'exit')))
    expect(ends).toEqual(Array(3).fill([0, null]))
    expect(Object.keys((await ageFile(options).load()).secrets)).toHaveLength(24)
  })
})

describe('a new key', () => {
  it('opens the vault in place of the old one', async () => {
    const options = await vaultWith('claude')
    const old = readFileSync(options.keyFile, 'utf8')
    const running = openVault({ driver: ageFile(options), environment })
    await running.get('claude')
    await rekeyAgeFile(options)
    expect(readFileSync(options.keyFile, 'utf8')).not.toBe(old)
    expect(readFileSync(options.keyFile, 'utf8').trim().split('\n')).toHaveLength(1)
    await running.refresh()
    expect(running.state.status).toBe('fresh')
    expect((await running.get('claude')).expose()).toBe('sk-claude')
    await running.close()
    writeFileSync(options.keyFile, old)
    expect(await codeOf(ageFile(options).load())).toBe('WRONG_IDENTITY')
  })

  it('may be another kind of sealer, and both are read meanwhile', async () => {
    const path = join(folder(), 'vault')
    const from = agePassphrase({ passphrase, workFactor })
    const both = sealedFile({ path, sealer: [openSealer, from] })
    await sealedFile({ path, sealer: from }).create()
    expect(await both.load()).toEqual(emptyDocument)
    await both.reseal({ sealer: openSealer })
    expect(await both.load()).toEqual(emptyDocument)
    expect(await codeOf(sealedFile({ path, sealer: from }).load())).toBe('WRONG_SEALER')
  })

  it('is not taken when it does not open what it seals', async () => {
    const options = await vaultWith('claude')
    const broken = { ...openSealer, seal: async () => Buffer.from('nothing') }
    expect(await codeOf(ageFile(options).reseal({ sealer: broken }))).toBe('DAMAGED')
    expect(await codeOf(ageFile(options).load())).toBe('none')
  })

  it('that is a passphrase is one line of some length', async () => {
    const where = folder()
    const options = {
      path: join(where, 'v'),
      keyFile: join(where, 'k'),
      kind: 'passphrase',
      workFactor,
    } as const
    for (const poor of [
      undefined,
      'short',
      '# a comment, it seems',
      ' spaces at its ends ',
      'two\nlines of words',
    ]) {
      expect(await codeOf(initAgeFile(options, poor))).toBe('INVALID_INPUT')
    }
    await initAgeFile(options, passphrase)
    expect(await codeOf(initAgeFile(options))).toBe('EXISTS')
    await rekeyAgeFile(options, 'another good passphrase')
    expect(await codeOf(ageFile(options).load())).toBe('none')
  })
})

describe('the doctor', () => {
  it('finds a healthy vault healthy', async () => {
    const options = await vaultWith('claude')
    const findings = await examineAgeFile(options, { environment })
    expect(findings.map(({ level }) => level)).toEqual(['ok', 'ok'])
  })

  it('tells what is wrong, and what had better be done', async () => {
    const options = await vaultWith('claude')
    await ageFile(options).update(
      (document) => addVersion(document, { name: 'claude', value: 'sk-2', environment }, 0).document,
    )
    writeFileSync(options.keyFile, `${readFileSync(options.keyFile, 'utf8')}AGE-SECRET-KEY-1\n`)
    const epoch = Date.now() + 91 * 24 * 3600 * 1000
    const messages = (await examineAgeFile(options, { environment: 'production', epoch })).map(
      ({ message }) => message,
    )
    for (const text of ['2 keys', 'is for test', 'older than 90 days', 'v2 waits to be promoted']) {
      expect(messages.some((message) => message.includes(text))).toBe(true)
    }
    chmodSync(options.path, 0o644)
    expect((await examineAgeFile(options)).at(-1)).toMatchObject({ code: 'SPILLWAY_VAULT_INSECURE_FILE' })
  })
})
