import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeFolders } from './make-folders.ts'

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'spillway-folders-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

describe('folders', () => {
  it('are made with those that they are in, and the outermost is named', () => {
    const outer = join(folder(), 'a')
    expect(makeFolders(join(outer, 'b', 'c'), 0o700)).toBe(outer)
    expect(statSync(join(outer, 'b', 'c')).isDirectory()).toBe(true)
    expect(makeFolders(join(outer, 'b', 'c'), 0o700)).toBeUndefined()
  })

  it.each([['file'], ['file', 'a']])('are an error behind a file: %s', (...names) => {
    const place = folder()
    writeFileSync(join(place, 'file'), '')
    expect(() => makeFolders(join(place, ...names), 0o700)).toThrow(/EEXIST|ENOTDIR/)
  })

  // Node.js's own recursive mkdir never comes back from here.
  it.runIf(existsSync('/proc/self'))('are an error where none can be made', () => {
    expect(() => makeFolders('/proc/spillway/a', 0o700)).toThrow('ENOENT')
  })
})
