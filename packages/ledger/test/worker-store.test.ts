import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { virtualClock } from '@spillway/testing'
import { afterAll, expect, it } from 'vitest'
import { openLedgerStore } from '../src/index.ts'
import { StoreThread } from '../src/store-thread.ts'

const ever = { from: 0, to: Number.MAX_SAFE_INTEGER }
const folder = mkdtempSync(join(tmpdir(), 'spillway-worker-'))
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 9 }))

it('never blocks the event loop, even while the database is locked', async () => {
  const file = join(folder, 'locked.db')
  const store = openLedgerStore(`sqlite:${file}`)
  await store.countCalls(ever)
  const other = new DatabaseSync(file)
  other.exec('begin exclusive')
  let ticks = 0
  const timer = setInterval(() => ticks++, 5)
  const entry = { id: 'a', at: 1, actor: 'a', action: 'a', details: {} }
  await expect(store.audit.append([entry])).rejects.toMatchObject({
    message: expect.stringContaining('locked'),
    code: 'ERR_SQLITE_ERROR',
  })
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(10)
  other.close()
  await store.audit.append([entry])
  await store.close()
})

it('says what is wrong with the database each time, and comes back when it is there', async () => {
  const missing = join(folder, 'later')
  const store = openLedgerStore(`sqlite:${missing}/ledger.db`)
  await expect(store.countCalls(ever)).rejects.toThrow('unable to open database file')
  await expect(store.countCalls(ever)).rejects.toThrow('unable to open database file')
  const { mkdirSync } = await import('node:fs')
  mkdirSync(missing)
  expect(await store.countCalls(ever)).toBe(0)
  await store.close()
})

it('finishes what was begun when it is closed, and refuses more', async () => {
  const store = openLedgerStore('sqlite::memory:')
  const begun = store.countCalls(ever)
  await Promise.all([store.close(), store.close()])
  expect(await begun).toBe(0)
  await expect(store.countCalls(ever)).rejects.toThrow('the store is closed')
  await openLedgerStore('sqlite::memory:').close()
})

it('lets the process end by itself, closed or not', async () => {
  const index = new URL('../src/index.ts', import.meta.url).href
  const script = `const { openLedgerStore } = await import(${JSON.stringify(index)})
    const store = openLedgerStore('sqlite::memory:')
    console.log(await store.countCalls({ from: 0, to: 9 }))`
  const run = promisify(execFile)
  const parameters = ['--conditions=@spillway/source', '--input-type=module', '--eval', script]
  const { stdout } = await run(process.execPath, parameters, { timeout: 15_000 })
  expect(stdout.trim()).toBe('0')
})

it('ends its thread when nothing was asked for a while, and starts another one for what comes then', async () => {
  const workers: Worker[] = []
  const onWorker = (worker: Worker): void => void workers.push(worker)
  process.on('worker', onWorker)
  const clock = virtualClock()
  const file = join(folder, 'idle.db')
  const thread = new StoreThread({ url: `sqlite:${file}` }, () => {}, { after: 10_000, clock })
  const append = (id: string): Promise<unknown> =>
    thread.ask('audit', 'append', [[{ id, at: 1, actor: 'a', action: 'a', details: {} }]])
  // What only the start of a program asks keeps no thread.
  await append('a')
  await clock.advance(999)
  expect([workers.length, thread.isRunning, existsSync(`${file}-wal`)]).toEqual([1, true, true])
  const ended = once(workers[0] as Worker, 'exit')
  await clock.advance(1)
  expect(thread.isRunning).toBe(false)
  // What is asked meanwhile does not wait for the end.
  await append('b')
  await ended
  expect([workers.length, thread.isRunning]).toEqual([2, true])
  expect(await thread.ask('audit', 'read', [-1, 10])).toMatchObject([{ id: 'a' }, { id: 'b' }])
  // Each pause is shorter than the time before it.
  for (const pause of [900, 1_800, 3_600, 7_200, 9_999]) {
    await clock.advance(pause)
    await append(`after ${pause}`)
  }
  expect([workers.length, thread.isRunning]).toEqual([2, true])
  await clock.advance(10_000)
  expect(thread.isRunning).toBe(false)
  await thread.close()
  // Each one has closed its database.
  expect([workers.length, existsSync(`${file}-wal`), clock.pending]).toEqual([2, false, 0])
  process.off('worker', onWorker)
})

it('keeps the thread of a database that would end with it', async () => {
  const clock = virtualClock()
  const thread = new StoreThread({ url: 'sqlite::memory:' }, () => {}, { after: Infinity, clock })
  await thread.ask('store', 'countCalls', [ever])
  await clock.advance(1e9)
  expect(thread.isRunning).toBe(true)
  await thread.close()
})
