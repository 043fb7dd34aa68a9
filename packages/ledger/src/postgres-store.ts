import { systemClock } from '@spillway/middleware'
import type { BoundedReads } from './bounded-reads.ts'
import { databaseKind } from './database.ts'
import type { PostgresOptions } from './postgres-options.ts'
import { askStore, storeOf } from './split-store.ts'
import { SqlStore, type SqlStoreOptions } from './sql-store.ts'
import type { LedgerStore } from './store.ts'

/** How long a close waits for statements of PostgreSQL in flight, in milliseconds. */
const longestEnd = 1000

/** A store of PostgreSQL: one connection writes, and views have others, which end after `readTimeout` milliseconds. */
export function postgresStore(
  url: string,
  settings: SqlStoreOptions & { readonly postgres?: PostgresOptions | undefined },
  readTimeout: number,
  reads: (interrupt: () => void, restart: () => void) => BoundedReads,
): LedgerStore {
  const { readOnly = false, postgres: { statementTimeout, ...connecting } = {} } = settings
  // Who asked to read alone waits for what they asked, however long it takes.
  const kind = databaseKind(url, {
    ...connecting,
    ...{ readOnly, statementTimeout: readOnly ? 0 : statementTimeout },
  })
  const writer = new SqlStore(kind, settings)
  if (readOnly) return writer
  const readKind = databaseKind(url, { ...connecting, readOnly: true, statementTimeout: readTimeout })
  const reader = new SqlStore(readKind, { readOnly: true })
  const bounded = reads(
    () => {},
    () => readKind.breakConnections?.(),
  )
  const ask = askStore(reader)
  return storeOf({
    write: askStore(writer),
    read: (part, name, parameters) =>
      bounded.run(async () => {
        await writer.ready()
        return ask(part, name, parameters)
      }),
    async close() {
      bounded.close()
      // A server that is frozen would keep its connections.
      const cancel = systemClock.setTimer(longestEnd, () => {
        kind.breakConnections?.()
        readKind.breakConnections?.()
      })
      await Promise.all([reader.close(), writer.close()])
      cancel()
    },
  })
}
