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

it('goes on in another folder when its own is removed while it runs', async () => {
  const lines: string[] = []
  const journal = new Journal<number>(folder, 1e6, 'a', (line) => lines.push(line))
  await journal.append([1])
  const [own = ''] = readdirSync(folder)
  rmSync(join(folder, own), { recursive: true })
  await journal.append([2])
  const files = await journal.files()
  expect(await Promise.all(files.map((file) => journal.read(file)))).toEqual([[2]])
  // A file alone that is gone, likewise.
  rmSync(files[0] as string)
  expect(await journal.read(files[0] as string)).toEqual([])
  await journal.remove(files[0] as string)
  expect(journal.bytes).toBe(0)
  expect(lines).toEqual([
    `${join(folder, own)} was removed while its owner runs, with the rows in it`,
    `${files[0]} is gone: it was removed, or another process has taken it`,
  ])
  expect(readdirSync(folder)).toEqual([])
})
