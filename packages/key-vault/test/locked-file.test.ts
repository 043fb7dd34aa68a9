import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { lockedFile } from '../src/locked-file.ts'

function fileInFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-locked-'))
  onTestFinished(() => rmSync(folder, { recursive: true, maxRetries: 9 }))
  const path = join(folder, 'things.json')
  return { folder, path, open: () => lockedFile({ path, what: 'the file of things' }) }
}

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

it('no update of writers at the same time is lost, and only the owner can read the file', async () => {
  const { folder, path, open } = fileInFolder()
  expect([await open().read(), await open().revision()]).toEqual([undefined, undefined])
  const add = (name: string) => open().update((before) => Buffer.from(`${textOf(before)}${name};`))
  await Promise.all(Array.from('abcdefgh', add))
  expect([...textOf(await open().read())].sort().join('')).toBe(';;;;;;;;abcdefgh')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder).sort()).toEqual(['things.json', 'things.json.lock'])
})

it('a change that changes nothing leaves the revision, leftovers of killed writers go, and an error changes nothing', async () => {
  const { folder, path, open } = fileInFolder()
  await open().update(() => Buffer.from('one'))
  const revision = await open().revision()
  await open().update((before) => before)
  await expect(
    open().update(() => {
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(await open().revision()).toBe(revision)
  writeFileSync(join(folder, '.things.json.1-x.tmp'), 'half')
  await open().update(() => Buffer.from('two'))
  expect(await open().revision()).not.toBe(revision)
  expect(readdirSync(folder)).not.toContain('.things.json.1-x.tmp')
  chmodSync(path, 0o644)
  await expect(open().read()).rejects.toThrow(/the file of things .* is open to others than its owner/)
})
