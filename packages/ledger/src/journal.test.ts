import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Journal } from './journal.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-journal-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('gives no file that is still being written, and keeps its folder for it', async () => {
  const journal = new Journal<number>(folder, 1e6, 'a')
  const taken: number[] = []
  const drain = async (): Promise<void> => {
    for (const file of await journal.files()) {
      taken.push(...(await journal.read(file)))
      await journal.remove(file)
    }
  }
  // Batches are written while others are read and removed, as for a store that is slow.
  const written: Promise<boolean>[] = []
  for (let n = 0; n < 40; n++) {
    written.push(journal.append([2 * n, 2 * n + 1]))
    await drain()
  }
  expect(await Promise.all(written)).toEqual(written.map(() => true))
  await drain()
  expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, n) => n))
  expect(journal.bytes).toBe(0)
  expect(readdirSync(folder)).toEqual([])
})
