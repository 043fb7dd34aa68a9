import { parentPort, workerData } from 'node:worker_threads'
import { databaseKind } from './database.ts'
import { givingWay, lowerPriority } from './giving-way.ts'
import { askStore } from './split-store.ts'
import { SqlStore } from './sql-store.ts'
import type { WorkerAnswer, WorkerNote, WorkerQuestion, WorkerSettings } from './store-thread.ts'

lowerPriority()

// The thread of one SQLite database: asks the store what it is asked, one after the other or, where the store waits, together.
const warn = (line: string): void => parentPort?.postMessage({ line } satisfies WorkerNote)
const { url, interruption, ...options } = workerData as WorkerSettings
const flag = new Int32Array(interruption)
const isInterrupted = (): boolean => Atomics.load(flag, 0) !== 0
const kind = databaseKind(url, {
  ...{ warn, readOnly: options.readOnly ?? false, isInterrupted },
  giveWay: givingWay(performance),
})
const ask = askStore(new SqlStore(kind, options))

parentPort?.on('message', async ({ id, part, name, parameters }: WorkerQuestion) => {
  let answer: WorkerAnswer
  try {
    answer = { id, value: await ask(part, name, parameters) }
  } catch (error) {
    const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
    answer = { id, error, code, errcode }
  }
  parentPort?.postMessage(answer)
})
