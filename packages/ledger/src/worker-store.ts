import { type AuditEntry, writtenEntry } from './audit-chain.ts'
import type { BoundedReads } from './bounded-reads.ts'
import type { Warn } from './private-files.ts'
import { type Ask, storeOf } from './split-store.ts'
import type { LedgerStore } from './store.ts'
import { StoreThread, type ThreadSettings } from './store-thread.ts'

/**
 * How long the threads of a file stay without a question at most, in milliseconds. Another one takes some 50 ms of CPU to start, and runs cold;
 * calls of a person come within seconds, and pages of the dashboard ask every 30 s.
 */
const idleAfter = 60_000

/**
 * A store of SQLite on worker threads: SQLite blocks the thread it runs in, and calls must not wait for it. One
 * writes, and another one reads over its own connection, which never makes the first one wait. A database in memory
 * has one connection, and so one thread: there a write waits for one read at most.
 */
export function workerStore(
  settings: ThreadSettings & { readonly isInMemory: boolean },
  reads: (interrupt: () => void, restart: () => void) => BoundedReads,
  warn: Warn,
): LedgerStore {
  const { isInMemory, ...own } = settings
  const writer = new StoreThread(own, warn, { after: isInMemory ? Infinity : idleAfter })
  const askWriter: Ask = async (part, name, parameters) => {
    if (part !== 'audit' || name !== 'append') return writer.ask(part, name, parameters)
    const [entries] = parameters as [readonly AuditEntry[]]
    return writer.ask(part, 'appendWritten', [entries.map(writtenEntry)])
  }
  if (own.readOnly) return storeOf({ write: askWriter, read: askWriter, close: () => writer.close() })
  const reader = isInMemory ? writer : new StoreThread({ ...own, readOnly: true }, warn, { after: idleAfter })
  const bounded = reads(
    () => reader.interrupt(),
    () => {
      if (reader !== writer) reader.restart()
    },
  )
  return storeOf({
    write: askWriter,
    read: (part, name, parameters) =>
      bounded.run(async () => {
        // Makes the database, or brings it up to date.
        if (reader !== writer && !reader.isRunning) await writer.ask('store', 'ready', [])
        reader.resume()
        return reader.ask(part, name, parameters)
      }),
    async close() {
      bounded.close()
      if (reader !== writer) await reader.close()
      await writer.close()
    },
  })
}
