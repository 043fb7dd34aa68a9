import { parentPort, workerData } from 'node:worker_threads'
import { databaseKind } from './database.ts'
import { SqlStore } from './sql-store.ts'
import type { WorkerAnswer, WorkerNote, WorkerQuestion, WorkerSettings } from './worker-store.ts'

// The thread of one SQLite database: asks the store what it is asked, one after the other or, where the store waits, together.
const warn = (line: string): void => parentPort?.postMessage({ line } satisfies WorkerNote)
const { url, ...options } = workerData as WorkerSettings
const store = new SqlStore(databaseKind(url, { warn, readOnly: options.readOnly ?? false }), options)

parentPort?.on('message', async ({ id, part, name, parameters }: WorkerQuestion) => {
  const owner = (part === 'audit' ? store.audit : store) as unknown as Record<
    string,
    (...parameters: readonly unknown[]) => Promise<unknown>
  >
  let answer: WorkerAnswer
  try {
    answer = { id, value: await owner[name]?.(...parameters) }
  } catch (error) {
    answer = { id, error, code: (error as { code?: unknown } | null)?.code }
  }
  parentPort?.postMessage(answer)
})
