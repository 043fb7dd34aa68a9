import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { JournalOwner } from './journal-owner.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-owner-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('holds no lock and leaves nothing where it could not claim a folder', () => {
  const lines: string[] = []
  const owner = new JournalOwner(folder, 'a', (line) => lines.push(line))
  const taken = join(folder, `a-${process.pid}-0.owner`)
  mkdirSync(taken)
  writeFileSync(join(taken, 'a file'), '')
  expect(() => owner.claim()).toThrow('ENOTEMPTY')
  expect(readdirSync(folder)).toEqual([`a-${process.pid}-0.owner`])
  owner.claim()
  owner.release()
  expect(readdirSync(folder)).toEqual([`a-${process.pid}-0.owner`])
  expect(lines).toEqual([])
})

it('says why a folder cannot be locked', () => {
  const lines: string[] = []
  const owner = new JournalOwner(folder, 'a', (line) => lines.push(line))
  const made = join(folder, `a-${process.pid}-0.owner.new`)
  mkdirSync(made)
  const other = new DatabaseSync(join(made, 'lock'))
  other.exec('begin exclusive')
  owner.claim()
  other.close()
  expect(lines).toEqual([
    `${folder} cannot be locked (ERR_SQLITE_ERROR 5: database is locked): let no other process use it as its journal`,
  ])
})
